// The box in which a question is written: it grows with its text, and knows when Enter means "send".

import { byId } from "./dom.js";

export class Composer {
  #form = byId("composer");
  #box = byId("question");
  #send = byId("send");
  #stop = byId("stop");
  #composing = false;
  #busy = false;

  constructor({ onSend, onStop }) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(onSend);
    });
    this.#stop.addEventListener("click", () => {
      onStop();
      this.focus();
    });
    this.#box.addEventListener("input", () => this.#changed());
    this.#box.addEventListener("compositionstart", () => (this.#composing = true));
    this.#box.addEventListener("compositionend", () => (this.#composing = false));
    this.#box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || this.#belongsToInputMethod(event)) return;
      event.preventDefault();
      if (!event.repeat) this.#submit(onSend);
    });
    this.#changed();
  }

  // An Enter that ends a Hangul syllable (or picks a candidate) is the input method's. Chrome says so by isComposing
  // or by keyCode 229; Safari ends the composition before the keydown and leaves only 229. Chrome on macOS sends a
  // second, plain Enter afterwards, and that one is ours: so the text is sent once.
  #belongsToInputMethod(event) {
    return this.#composing || event.isComposing || event.keyCode === 229;
  }

  #submit(onSend) {
    const question = this.#box.value.trim();
    if (question === "" || this.#busy) return;
    this.setText("");
    onSend(question);
  }

  #changed() {
    this.#send.disabled = this.#box.value.trim() === "";
    this.#box.style.height = "auto"; // So that it also shrinks.
    this.#box.style.height = `${this.#box.scrollHeight + 2}px`; // 2: the borders, which scrollHeight leaves out.
  }

  setText(text) {
    this.#box.value = text;
    this.#changed();
  }

  // While an answer is written, Send gives way to Stop; what is typed stays.
  setBusy(busy) {
    if (this.#busy === busy) return;
    const hadFocus = document.activeElement === this.#stop || document.activeElement === this.#send;
    this.#busy = busy;
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
    if (hadFocus) this.focus();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }
}
