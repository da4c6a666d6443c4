// The panel that shows a cited passage: beside the conversation on wide screens, a modal sheet on narrow ones.

import * as api from "./api.js";
import { byId, make, says } from "./dom.js";
import { setSanitized } from "./trusted_html.js";

const NARROW = matchMedia("(max-width: 1100px)"); // The same border as in css/panels.css.

export class PassagePanel {
  #dialog = byId("passage-panel");
  #body = byId("passage-body");
  #citations = [];
  #at = 0;
  #opener = null;

  constructor() {
    byId("passage-close").addEventListener("click", () => this.close());
    byId("passage-previous").addEventListener("click", () => this.#show(this.#at - 1));
    byId("passage-next").addEventListener("click", () => this.#show(this.#at + 1));
    this.#dialog.addEventListener("close", () => this.#closed());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.close(); // The backdrop of the modal form.
    });
    document.addEventListener("keydown", (event) => {
      const otherModal = document.querySelector("dialog:modal");
      if (event.key === "Escape" && this.#dialog.open && !otherModal) this.close();
    });
    NARROW.addEventListener("change", () => this.close());
  }

  // Shows citation `number`; `opener` gets the focus back when the panel closes.
  open(citations, number, opener) {
    this.#markOpener(false);
    this.#opener = opener;
    this.#markOpener(true);
    this.#citations = citations;
    if (!this.#dialog.open) {
      if (NARROW.matches) this.#dialog.showModal();
      else this.#dialog.show();
    }
    this.#show(citations.findIndex((citation) => citation.number === number));
    this.#body.focus({ preventScroll: true });
  }

  close() {
    if (!this.#dialog.open) return;
    this.#dialog.close();
    this.#closed(); // The event comes a task later; a key pressed until then would be lost.
  }

  #closed() {
    this.#markOpener(false);
    if (this.#opener?.isConnected) this.#opener.focus({ preventScroll: true });
    this.#opener = null;
  }

  // The document as it was given, at the passage's page, where a viewer knows pages.
  async #offerOriginal({ document: documentId, page }) {
    const link = byId("passage-original");
    link.hidden = true;
    const isKept = await api.hasOriginal(documentId);
    if (this.#citations[this.#at]?.document !== documentId) return; // Another source is shown by now.
    link.href = api.originalUrl(documentId) + (page === null ? "" : `#page=${page}`);
    link.hidden = !isKept;
  }

  #markOpener(open) {
    this.#opener?.setAttribute("aria-expanded", String(open));
  }

  #show(at) {
    const citation = this.#citations[at];
    if (!citation) return;
    this.#at = at;
    byId("passage-number").textContent = citation.number;
    byId("passage-title").textContent = citation.title;
    const path = citation.heading_path.filter((heading, index) => index > 0 || heading !== citation.title);
    byId("passage-path").replaceChildren(...path.map((heading) => make("li", {}, heading)));
    const page = byId("passage-page");
    page.hidden = citation.page === null;
    if (citation.page !== null) says(page, "chat-page", { page: citation.page });
    setSanitized(byId("passage-text"), citation.html);
    byId("passage-text").hidden = citation.deleted;
    byId("passage-deleted").hidden = !citation.deleted;
    if (citation.deleted) byId("passage-original").hidden = true;
    else this.#offerOriginal(citation);
    this.#body.scrollTop = 0;
    byId("passage-previous").disabled = at === 0;
    byId("passage-next").disabled = at === this.#citations.length - 1;
    says(byId("passage-position"), "chat-position", { position: at + 1, total: this.#citations.length });
  }
}
