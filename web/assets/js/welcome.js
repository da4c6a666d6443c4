// The empty screen: how much there is to ask about, and first questions that the reader's documents can answer.

import * as api from "./api.js";
import { byId, make } from "./dom.js";
import { count } from "./format.js";
import { language, localize, t } from "./i18n.js";

// First questions about the sample knowledge base (examples/questions.md), each with its kind and the document that
// answers it in each language.
const SUGGESTIONS = [
  { kind: "manual", sources: { en: "manual/error-codes.md", ko: "manual/error-codes.ko.md" } },
  { kind: "support", sources: { en: "support/warranty.md", ko: "support/refunds.ko.md" } },
  { kind: "handbook", sources: { en: "handbook/expenses.md", ko: "handbook/annual-leave.ko.md" } },
  { kind: "handbook", sources: { en: "handbook/security.md", ko: "handbook/remote-work.ko.md" } },
];
const LOOKED_THROUGH = 100; // documents per collection, for those that a suggestion belongs to

export class Welcome {
  #element = byId("welcome");
  #sources = [];
  #onAsk;

  constructor(onAsk) {
    this.#onAsk = onAsk;
  }

  setVisible(visible) {
    this.#element.hidden = !visible;
  }

  // `status` as /api/v1/status tells it.
  async describe(status) {
    localize(byId("welcome-text"), (element) => {
      element.textContent = t("chat-welcome-text", { count: status.documents });
    });
    localize(byId("welcome-note"), (element) => this.#noteLanguage(element, status.generator));
    byId("model").textContent = status.generator.model;
    byId("model").title = status.generator.model;
    localize(byId("document-count"), (element) => (element.textContent = count(status.documents)));
    const pages = await Promise.all(status.collections.map(({ id }) => api.documents(id, { limit: LOOKED_THROUGH })));
    this.#sources = pages.flatMap((page) => page.documents.map((document) => document.source));
    localize(byId("suggestions"), (element) => this.#suggest(element));
  }

  #noteLanguage(element, { model, languages }) {
    const unable = languages !== null && !languages.includes(language());
    element.hidden = !unable;
    if (unable) element.textContent = t("chat-extractive-language", { model });
  }

  // A question is suggested only where the document that answers it is among the reader's.
  #suggest(list) {
    const suggestions = SUGGESTIONS.map(({ kind, sources }, index) => ({
      label: t(`chat-suggestion-${kind}`),
      question: t(`chat-first-question-${index + 1}`),
      source: sources[language()],
    }));
    const fitting = suggestions.filter(({ source }) => this.#sources.some((known) => known.endsWith(source)));
    list.replaceChildren(...fitting.map(({ label, question }) => {
      const ask = () => this.#onAsk(question);
      return make("li", {}, make("button", { class: "suggestion", type: "button", onclick: ask }, make("small", {}, label), question));
    }));
  }
}
