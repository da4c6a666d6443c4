// The empty screen: how much there is to ask about, and first questions that the reader's documents can answer.

import * as api from "./api.js";
import { byId, make } from "./dom.js";
import { count } from "./format.js";
import { language, localize, t } from "./i18n.js";
import { SUGGESTIONS } from "./strings.js";

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
      element.textContent = t("welcomeText", { documents: status.documents });
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
    if (unable) element.textContent = t("extractiveLanguage", { model });
  }

  #suggest(list) {
    const fitting = SUGGESTIONS[language()].filter(({ source }) => this.#sources.some((known) => known.endsWith(source)));
    list.replaceChildren(...fitting.map(({ kind, question }) => {
      const label = make("small", {}, t(`suggestions.${kind}`));
      return make("li", {}, make("button", { class: "suggestion", type: "button", onclick: () => this.#onAsk(question) }, label, question));
    }));
  }
}
