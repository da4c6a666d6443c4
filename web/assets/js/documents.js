// The panel of documents: what there is, adding by upload with the job's progress, deleting.

import * as api from "./api.js";
import { byId, confirmed, icon, make, named, says } from "./dom.js";
import { failure, shortDate } from "./format.js";
import { localize, t } from "./i18n.js";

const JOB_POLL_MS = 700;
const JOB_TEXTS = {
  queued: "chat-job-queued",
  running: "chat-job-running",
  done: "chat-job-done",
  cancelled: "chat-job-cancelled",
};

export class DocumentsPanel {
  #dialog = byId("documents");
  #list = byId("document-list");
  #message = byId("documents-message");
  #more = byId("more-documents");
  #select = byId("collection");
  #uploads = byId("uploads");
  #collection = null;
  #next = null;
  #onChange;

  // `onChange` runs when documents were added or removed.
  constructor(onChange) {
    this.#onChange = onChange;
    byId("open-documents").addEventListener("click", () => this.open());
    byId("documents-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
    this.#select.addEventListener("change", () => this.#choose(this.#select.value));
    this.#more.addEventListener("click", () => this.#loadPage());
    this.#acceptFiles();
  }

  async open() {
    this.#dialog.showModal();
    this.#uploads.replaceChildren();
    try {
      await this.#loadCollections();
    } catch (error) {
      this.#say((element) => (element.textContent = failure(error)));
    }
  }

  async #loadCollections() {
    const collections = await api.collections();
    this.#select.replaceChildren(...collections.map(({ id, name }) => make("option", { value: id }, name)));
    this.#select.hidden = collections.length < 2;
    byId("pick-files").disabled = collections.length === 0;
    if (collections.length === 0) return this.#say((element) => (element.textContent = t("chat-no-collections")));
    const kept = collections.find(({ id }) => id === this.#collection) ?? collections[0];
    this.#select.value = kept.id;
    await this.#choose(kept.id);
  }

  async #choose(collection) {
    this.#collection = collection;
    this.#next = null;
    this.#list.replaceChildren();
    await this.#loadPage();
  }

  async #loadPage() {
    const collection = this.#collection;
    let page;
    try {
      page = await api.documents(collection, { after: this.#next });
    } catch (error) {
      return this.#say((element) => (element.textContent = failure(error)));
    }
    if (collection !== this.#collection) return; // Another one was chosen in the meantime.
    this.#next = page.next;
    this.#more.hidden = page.next === null;
    this.#list.append(...page.documents.map((document) => this.#row(document)));
    this.#sayWhetherEmpty();
  }

  #sayWhetherEmpty() {
    this.#message.hidden = true;
    if (this.#list.childElementCount === 0) this.#say((element) => (element.textContent = t("chat-no-documents")));
  }

  #say(render) {
    this.#message.hidden = false;
    localize(this.#message, render);
  }

  #row(document) {
    const meta = localize(make("p", { class: "document-meta" }), (element) => {
      const parts = [document.source, t("chat-passages", { count: document.chunk_count }), shortDate(document.updated_at)];
      element.textContent = parts.join(" · ");
    });
    const title = make("p", { class: "document-title", lang: document.language }, document.title);
    const remove = named(make("button", { class: "icon-button", type: "button" }, icon("trash")), "chat-delete-document", document);
    const row = make("li", { class: "document" }, make("div", { class: "document-text" }, title, meta), remove);
    remove.addEventListener("click", () => this.#delete(document, row));
    return row;
  }

  async #delete(document, row) {
    if (!(await confirmed(t("chat-confirm-delete-document", document)))) return;
    try {
      await api.deleteDocument(document.id);
    } catch (error) {
      if (error.code !== "not_found") return this.#say((element) => (element.textContent = failure(error)));
    }
    row.remove();
    this.#sayWhetherEmpty();
    this.#onChange();
  }

  #acceptFiles() {
    const input = byId("files");
    const drop = byId("drop");
    byId("pick-files").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.#uploadAll([...input.files]);
      input.value = ""; // So that the same file can be chosen again.
    });
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.#uploadAll([...event.dataTransfer.files]);
    });
  }

  // One after the other: the server reads documents one by one anyway.
  async #uploadAll(files) {
    const collection = this.#collection;
    if (collection === null) return;
    const rows = files.map((file) => {
      const state = says(make("span", { class: "upload-state" }), "chat-job-queued");
      const row = make("li", { class: "upload" }, make("span", { class: "upload-name" }, file.name), state);
      this.#uploads.append(row);
      return { file, row, state };
    });
    for (const { file, row, state } of rows) await this.#upload(collection, file, row, state);
    if (this.#collection === collection) await this.#choose(collection);
    this.#onChange();
  }

  async #upload(collection, file, row, state) {
    const fail = (error) => {
      row.classList.add("failed");
      localize(state, () => (state.textContent = t("chat-job-failed", { reason: failure(error) })));
    };
    try {
      says(state, "chat-uploading");
      let job = await api.uploadDocument(collection, file);
      while (job.state === "queued" || job.state === "running") {
        says(state, JOB_TEXTS[job.state]);
        await new Promise((resolve) => setTimeout(resolve, JOB_POLL_MS));
        job = await api.job(job.id);
      }
      if (job.state === "failed") return fail(job.error);
      row.classList.add(job.state);
      says(state, JOB_TEXTS[job.state]);
    } catch (error) {
      fail(error);
    }
  }
}
