// Conversations on screen: loading one, asking in one, and keeping an answer that streams alive while another
// conversation is looked at.

import * as api from "./api.js";
import { announce, byId, make } from "./dom.js";
import { failure } from "./format.js";
import { t } from "./i18n.js";
import { AnswerView, questionView } from "./turns.js";

const NEAR_END_PX = 80;
const WRITING_POLL_MS = 1_500;

// One conversation's messages. `id` is null until its first question.
class Thread {
  id = null;
  title = "";
  element = make("div", { class: "thread", role: "log", "aria-live": "off" });
  running = null; // The AbortController of an answer being written.
}

export class Chat {
  #host = byId("thread-host");
  #scroller = byId("scroller");
  #toLatest = byId("to-latest");
  #thread = new Thread();
  #streaming = new Map(); // id -> Thread, while its answer is written
  #follow = true;
  #hooks;

  // hooks: {openCitation, onChange(), onConversation(id), onStored(), onFailure(error, retry)}
  constructor(hooks) {
    this.#hooks = hooks;
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#toLatest.addEventListener("click", () => this.#toEnd());
    new ResizeObserver(() => this.#follow && this.#toEnd()).observe(this.#host);
  }

  get id() {
    return this.#thread.id;
  }

  get title() {
    return this.#thread.title;
  }

  get empty() {
    return this.#thread.element.childElementCount === 0;
  }

  get busy() {
    return this.#thread.running !== null;
  }

  stop() {
    this.#thread.running?.abort();
  }

  // Ends the answer of a conversation that is gone.
  discard(id) {
    this.#streaming.get(id)?.running.abort();
  }

  startNew() {
    this.#switchTo(new Thread());
  }

  // Shows a conversation; a failure leaves an empty screen and is reported.
  async open(id) {
    if (this.#thread.id === id) return;
    const alive = this.#streaming.get(id);
    if (alive) return this.#switchTo(alive);
    const thread = new Thread();
    thread.id = id;
    this.#switchTo(thread);
    await this.#load(thread);
  }

  async #load(thread) {
    let stored;
    try {
      stored = await api.conversation(thread.id);
    } catch (error) {
      if (this.#thread === thread) this.#hooks.onFailure(error, () => this.#load(thread));
      return;
    }
    if (thread.running) return; // Asked in the meantime: the screen knows more than the store.
    thread.title = stored.conversation.title;
    thread.element.replaceChildren(...this.#turnViews(thread, stored.turns));
    if (this.#thread !== thread) return;
    this.#toEnd();
    this.#hooks.onChange();
    // Written for another tab, or until the server notices that its reader went away.
    if (stored.turns.at(-1)?.state === "writing") {
      setTimeout(() => this.#thread === thread && this.#load(thread), WRITING_POLL_MS);
    }
  }

  #turnViews(thread, turns) {
    let question = "";
    return turns.map((turn) => {
      if (turn.role === "user") {
        question = turn.content;
        return questionView(question);
      }
      const asked = question;
      const view = new AnswerView(this.#actions(() => this.#ask(thread, asked)));
      if (turn.state === "writing") view.showWriting(turn);
      else view.show(turn);
      return view.element;
    });
  }

  ask(question) {
    return this.#ask(this.#thread, question);
  }

  async #ask(thread, question) {
    if (thread.running) return;
    const controller = new AbortController();
    thread.running = controller;
    const asked = questionView(question);
    let accepted = false;
    const view = new AnswerView(this.#actions(() => {
      // What the server never took leaves no trace; what it stored stays, as after a reload.
      if (!accepted) [asked, view.element].forEach((element) => element.remove());
      this.#ask(thread, question);
    }));
    view.wait("chat-sending");
    thread.element.append(asked, view.element);
    if (thread === this.#thread) this.#toEnd();
    this.#hooks.onChange();
    announce(t("chat-sending"));
    try {
      await this.#ensureStored(thread, question, controller.signal);
      this.#streaming.set(thread.id, thread);
      for await (const message of api.ask(thread.id, question, controller.signal)) {
        if (!accepted) this.#hooks.onStored();
        accepted = true;
        if (this.#receive(view, message)) return;
      }
      throw new api.ApiError({ code: "connection_lost", message: "the stream ended early" });
    } catch (error) {
      this.#failed(view, error);
    } finally {
      thread.running = null;
      this.#streaming.delete(thread.id);
      this.#hooks.onChange();
      this.#hooks.onStored();
    }
  }

  // The first question makes the conversation, so that leaving an empty screen leaves nothing behind.
  async #ensureStored(thread, question, signal) {
    if (thread.id === null) thread.id = (await api.createConversation(signal)).id;
    thread.title ||= question;
    if (thread !== this.#thread) return;
    this.#hooks.onConversation(thread.id);
    this.#hooks.onChange();
  }

  // Whether this message ended the answer.
  #receive(view, { event, data }) {
    switch (event) {
      case "accepted":
        view.wait("chat-searching");
        return false;
      case "queued":
        view.wait(data.position > 0 ? "chat-queued" : "chat-waiting-for-model", data);
        return false;
      case "sources":
        if (data.length > 0) view.wait("chat-reading", { count: data.length });
        return false;
      case "delta":
        view.append(data.text);
        return false;
      case "done":
        view.show({ ...data, id: data.turn_id, state: "complete" });
        announce(t("chat-answer-ready", { text: view.plainText() }));
        return true;
      case "error":
        throw new api.ApiError(data);
      default:
        return false; // A newer server may say more than this page knows.
    }
  }

  #failed(view, error) {
    if (api.isAbort(error)) {
      view.showStopped();
      announce(t("chat-stopped"));
    } else {
      if (!(error instanceof api.ApiError)) console.error(error);
      view.showFailure(error);
      announce(failure(error));
    }
  }

  #actions(askAgain) {
    return { askAgain, openCitation: this.#hooks.openCitation, giveFeedback: api.giveFeedback };
  }

  #switchTo(thread) {
    this.#thread = thread;
    this.#host.replaceChildren(thread.element);
    this.#toEnd();
    this.#hooks.onChange();
  }

  // The view follows new text as long as the reader has not scrolled away from its end.
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this.#toLatest.hidden = this.#follow;
  }

  #toEnd() {
    this.#follow = true;
    this.#toLatest.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
