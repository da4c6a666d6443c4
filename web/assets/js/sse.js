// Server-Sent Events from a fetch response. EventSource can neither POST nor be told why it failed, so the stream is
// read here, by the rules of the HTML standard, section 9.2.6 (parsing an event stream).

// Yields {event, data} for every event with data; data is the text as sent.
export async function* events(body) {
  const parser = new EventParser();
  const decoder = new TextDecoder(); // Keeps the bytes of a character that is cut in two between chunks.
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return; // An event that no blank line ended is dropped, as the standard says.
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {}); // Leaving early tells the server that nobody reads any more.
  }
}

// The part without IO: text in any slices goes in, whole events come out.
export class EventParser {
  #rest = "";
  #afterCarriageReturn = false;
  #event = "";
  #data = [];

  *feed(text) {
    for (const line of this.#lines(text)) {
      if (line === "") {
        if (this.#data.length > 0) yield { event: this.#event || "message", data: this.#data.join("\n") };
        this.#event = "";
        this.#data = [];
      } else {
        this.#field(line);
      }
    }
  }

  // Lines end in LF, CR or CRLF; a CRLF cut in two between slices is still one end.
  *#lines(text) {
    if (text === "") return;
    if (this.#afterCarriageReturn && text.startsWith("\n")) text = text.slice(1);
    this.#afterCarriageReturn = text === "" ? false : text.endsWith("\r");
    const lines = (this.#rest + text).split(/\r\n|\r|\n/);
    this.#rest = lines.pop();
    yield* lines;
  }

  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // A comment: the server's keep-alive.
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
  }
}
