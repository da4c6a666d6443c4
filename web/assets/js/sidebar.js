// The list of conversations, and the drawer that holds it on narrow screens.

import * as api from "./api.js";
import { byId, confirmed, icon, make, named, says } from "./dom.js";
import { daysAgo } from "./format.js";
import { t } from "./i18n.js";

const NARROW = matchMedia("(max-width: 860px)"); // The same border as in css/layout.css.

export class Sidebar {
  #element = byId("sidebar");
  #scrim = byId("scrim");
  #menu = byId("open-menu");
  #list = byId("conversation-list");
  #conversations = [];
  #current = null;
  #hooks;

  // hooks: {onNew(), onDeleted(id), onFailure(error, retry)}
  constructor(hooks) {
    this.#hooks = hooks;
    for (const id of ["new-conversation", "topbar-new"]) {
      byId(id).addEventListener("click", () => {
        this.close();
        hooks.onNew();
      });
    }
    this.#menu.addEventListener("click", () => this.#open());
    byId("sidebar-close").addEventListener("click", () => this.close());
    this.#scrim.addEventListener("click", () => this.close());
    this.#element.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    NARROW.addEventListener("change", () => this.close());
  }

  async refresh() {
    try {
      this.#conversations = await api.conversations();
    } catch (error) {
      this.#hooks.onFailure(error, () => this.refresh());
      return;
    }
    this.#draw();
  }

  setCurrent(id) {
    if (this.#current === id) return;
    this.#current = id;
    this.#draw();
  }

  #open() {
    this.#element.classList.add("open");
    this.#scrim.hidden = false;
    this.#menu.setAttribute("aria-expanded", "true");
    byId("main").inert = true;
    byId("sidebar-close").focus();
  }

  close() {
    if (!this.#element.classList.contains("open")) return;
    this.#element.classList.remove("open");
    this.#scrim.hidden = true;
    this.#menu.setAttribute("aria-expanded", "false");
    byId("main").inert = false;
    this.#menu.focus();
  }

  #draw() {
    const focused = document.activeElement?.closest?.(".conversation")?.dataset.id;
    let group = null;
    const items = [];
    for (const conversation of this.#conversations) {
      const name = groupOf(conversation);
      if (name !== group) items.push(says(make("li", { class: "conversation-group" }), name));
      group = name;
      items.push(this.#item(conversation));
    }
    this.#list.replaceChildren(...items);
    byId("conversations-empty").hidden = items.length > 0;
    if (focused) this.#list.querySelector(`[data-id="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  }

  #item(conversation) {
    const current = conversation.id === this.#current;
    const open = make("a", { class: "conversation-open", href: `#/c/${conversation.id}`, dir: "auto", title: conversation.title });
    if (conversation.title) open.textContent = conversation.title;
    else says(open, "chat-untitled");
    if (current) open.setAttribute("aria-current", "page");
    open.addEventListener("click", () => this.close());
    const remove = make("button", { class: "icon-button conversation-delete", type: "button" }, icon("trash"));
    remove.addEventListener("click", () => this.#delete(conversation));
    named(remove, "chat-delete-conversation", { title: conversation.title });
    return make("li", { class: `conversation ${current ? "current" : ""}`, "data-id": conversation.id }, open, remove);
  }

  async #delete(conversation) {
    if (!(await confirmed(t("chat-confirm-delete-conversation", { title: conversation.title || t("chat-untitled") })))) return;
    try {
      await api.deleteConversation(conversation.id);
    } catch (error) {
      if (error.code !== "not_found") return this.#hooks.onFailure(error, () => this.#delete(conversation));
    }
    this.#hooks.onDeleted(conversation.id);
    await this.refresh();
  }
}

function groupOf({ updated_at: updated }) {
  const days = daysAgo(updated);
  return days <= 0 ? "chat-today" : days === 1 ? "chat-yesterday" : "chat-earlier";
}
