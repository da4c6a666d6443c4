// How one question and one answer look, in every state. No requests here: what a button does comes from outside.

import { announce, icon, make, named, says } from "./dom.js";
import { nearestHeading, failure } from "./format.js";
import { localize, t } from "./i18n.js";
import { setSanitized } from "./trusted_html.js";

const LOGO = new URL("../img/logo.svg", import.meta.url).pathname;
const COPIED_MS = 2_000;

export function questionView(text) {
  const asked = says(make("span", { class: "visually-hidden" }), "chat-you-asked");
  return make("article", { class: "question", "data-testid": "user-question", dir: "auto" }, asked, text);
}

export class AnswerView {
  element;
  #text = make("div", { class: "answer-text" });
  #state = make("p", { class: "answer-state" });
  #body;
  #written = "";
  #frame = 0;
  #actions;

  // actions: {openCitation(citations, number, opener), giveFeedback(turnId, helpful), askAgain()}
  constructor(actions) {
    this.#actions = actions;
    this.#body = make("div", { class: "answer-body" }, this.#state, this.#text);
    const mark = make("img", { class: "answer-mark", src: LOGO, alt: "", width: 28, height: 28 });
    this.element = make("article", { class: "answer", "data-testid": "answer", "data-state": "waiting" }, mark, this.#body);
    localize(this.element, () => this.element.setAttribute("aria-label", t("chat-answer")));
  }

  // What is going on before the first word.
  wait(key, params) {
    const pulse = make("span", { class: "pulse", "aria-hidden": "true" }, make("i"), make("i"), make("i"));
    this.#state.replaceChildren(pulse, says(make("span"), key, params));
    this.#state.hidden = false;
  }

  // More of the text. Shown as plain text, at most once a frame however fast it comes.
  append(delta) {
    if (this.element.dataset.state !== "streaming") {
      this.element.dataset.state = "streaming";
      this.element.setAttribute("aria-busy", "true");
      this.#text.classList.add("streaming");
      this.#state.hidden = true;
    }
    this.#written += delta;
    this.#frame ||= requestAnimationFrame(() => this.#flush());
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    // Marks of emphasis and headings are noise until the rendered answer replaces this text.
    if (this.#written) this.#text.textContent = this.#written.replace(/\*\*|^#{1,6} /gm, "");
  }

  // A stored answer, as `turn` or as the stream's `done` event tells it.
  show(turn) {
    this.#end(turn.state === "interrupted" ? "interrupted" : "complete");
    this.#text.lang = turn.language;
    this.#text.classList.add("prose");
    setSanitized(this.#text, turn.html);
    this.element.classList.toggle("abstained", turn.abstained);
    if (turn.abstained) this.#text.before(note("missing", "chat-not-in-documents"));
    else if (turn.state === "interrupted") this.#noteWithRetry("chat-interrupted");
    else if (turn.finish_reason === "length") this.#body.append(note("alert", "chat-length-limit"));
    else if (turn.finish_reason === "extractive") this.#body.append(note("documents", "chat-extractive"));
    this.#linkCitations(turn.citations);
    if (turn.citations.length > 0) this.#body.append(this.#sources(turn.citations));
    if (this.#text.textContent.trim()) this.#body.append(this.#tools(turn.id));
  }

  // An answer still being written elsewhere.
  showWriting(turn) {
    this.#text.textContent = turn.content;
    this.wait("chat-still-writing");
    this.#text.after(this.#state);
  }

  showStopped() {
    this.#end("interrupted");
    this.#noteWithRetry("chat-stopped");
  }

  showFailure(error) {
    this.#end("failed");
    const text = localize(make("span"), (span) => (span.textContent = failure(error)));
    this.#body.append(make("div", { class: "answer-error", role: "alert" }, text, this.#retry("chat-try-again")));
  }

  #end(state) {
    this.#flush();
    this.element.dataset.state = state;
    this.element.removeAttribute("aria-busy");
    this.#text.classList.remove("streaming");
    this.#state.remove();
  }

  #noteWithRetry(key) {
    const element = note("alert", key, "interrupted");
    element.append(this.#retry("chat-ask-again"));
    this.#body.append(element);
  }

  #retry(key) {
    const label = says(make("span"), key);
    return make("button", { class: "retry", type: "button", onclick: () => this.#actions.askAgain() }, icon("retry"), label);
  }

  #linkCitations(citations) {
    for (const link of this.#text.querySelectorAll("a.citation")) {
      const number = Number(link.dataset.citation);
      const citation = citations.find((candidate) => candidate.number === number);
      if (!citation) continue;
      named(link, "chat-open-source", citation);
      link.setAttribute("role", "button");
      link.setAttribute("aria-expanded", "false");
      this.#opens(link, citations, number);
    }
  }

  #opens(element, citations, number) {
    const open = (event) => {
      event.preventDefault(); // The address's hash names the conversation.
      this.#actions.openCitation(citations, number, element);
    };
    element.addEventListener("click", open);
    if (element.matches("a")) element.addEventListener("keydown", (event) => event.key === " " && open(event));
  }

  #sources(citations) {
    const items = citations.map((citation) => {
      const heading = nearestHeading(citation);
      const name = make("span", {}, citation.title, heading && make("em", {}, ` › ${heading}`));
      const button = make("button", { class: "source", type: "button", "aria-expanded": "false", title: name.textContent },
        make("b", {}, String(citation.number)), name);
      this.#opens(button, citations, citation.number);
      return make("li", {}, button);
    });
    const title = says(make("p", { class: "sources-title" }), "chat-sources");
    return make("div", { class: "sources", "data-testid": "sources" }, title, make("ol", {}, ...items));
  }

  #tools(turnId) {
    const thanks = make("span", { class: "tool-thanks" });
    const copy = named(make("button", { class: "tool", type: "button", "data-testid": "copy" }, icon("copy")), "chat-copy");
    copy.addEventListener("click", () => copyText(this.plainText(), copy));
    const thumbs = [["thumb-up", "chat-helpful", true], ["thumb-down", "chat-not-helpful", false]].map(([picture, key, helpful]) => {
      const thumb = make("button", { class: "tool", type: "button", "aria-pressed": "false", "data-testid": key }, icon(picture));
      thumb.addEventListener("click", async () => {
        try {
          await this.#actions.giveFeedback(turnId, helpful);
        } catch (error) {
          localize(thanks, () => (thanks.textContent = failure(error)));
          return;
        }
        for (const other of thumbs) other.setAttribute("aria-pressed", String(other === thumb));
        says(thanks, "chat-thanks");
        announce(t("chat-thanks"));
      });
      return named(thumb, key);
    });
    return make("div", { class: "answer-tools" }, copy, ...thumbs, thanks);
  }

  // The answer without its citation numbers, for the clipboard and for screen readers.
  plainText() {
    const copy = this.#text.cloneNode(true);
    for (const link of copy.querySelectorAll("a.citation")) link.remove();
    // innerText keeps line breaks, but only of an element that is laid out.
    this.#text.after(copy);
    const text = copy.innerText.trim();
    copy.remove();
    return text;
  }
}

function note(picture, key, kind = "") {
  return make("p", { class: `answer-note ${kind}` }, icon(picture), says(make("span"), key));
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    return; // Refused by the browser; the text can still be selected by hand.
  }
  button.replaceChildren(icon("check"));
  named(button, "chat-copied");
  announce(t("chat-copied"));
  setTimeout(() => {
    button.replaceChildren(icon("copy"));
    named(button, "chat-copy");
  }, COPIED_MS);
}
