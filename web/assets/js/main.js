// Puts the page together: which conversation the address names, and who hears of what.

import * as api from "./api.js";
import { Chat } from "./chat.js";
import { PassagePanel } from "./citations.js";
import { Composer } from "./composer.js";
import { DocumentsPanel } from "./documents.js";
import { byId } from "./dom.js";
import { failure } from "./format.js";
import { localize, start as startLanguage } from "./i18n.js";
import { isLogin, logIn } from "./login.js";
import { Sidebar } from "./sidebar.js";
import { Welcome } from "./welcome.js";

const panel = new PassagePanel();
const welcome = new Welcome(ask);
const composer = new Composer({
  onSend: ask,
  onStop: () => chat.stop(),
});
const sidebar = new Sidebar({ onNew: goToNew, onDeleted, onFailure });
const chat = new Chat({
  openCitation: (citations, number, opener) => panel.open(citations, number, opener),
  onChange: draw,
  onConversation: (id) => history.replaceState(null, "", `#/c/${id}`),
  onStored: () => sidebar.refresh(),
  onFailure,
});
new DocumentsPanel(describe);

function ask(question) {
  byId("notice").hidden = true;
  chat.ask(question);
}

function draw() {
  composer.setBusy(chat.busy);
  sidebar.setCurrent(chat.id);
  welcome.setVisible(chat.empty && chat.id === null);
  byId("title").textContent = chat.title;
  document.title = chat.title ? `${chat.title} · daedap` : "daedap";
}

// The address is #/c/ID for a conversation, and bare for a new one.
function conversationInAddress() {
  return location.hash.match(/^#\/c\/([\w-]+)$/)?.[1] ?? null;
}

async function follow() {
  byId("notice").hidden = true;
  panel.close();
  const id = conversationInAddress();
  if (id === null) chat.startNew();
  else await chat.open(id);
  focusQuestion();
}

// On touch screens a focus would raise the keyboard over the conversation.
function focusQuestion() {
  if (matchMedia("(hover: hover)").matches && !document.querySelector("dialog:modal")) composer.focus();
}

function goToNew() {
  if (conversationInAddress() !== null) history.pushState(null, "", location.pathname);
  follow();
}

function onDeleted(id) {
  chat.discard(id);
  if (chat.id === id) goToNew();
}

function onFailure(error, retry) {
  localize(byId("notice-text"), (element) => (element.textContent = failure(error)));
  const gone = error.code === "not_found";
  if (gone && chat.id !== null) {
    history.replaceState(null, "", location.pathname);
    chat.startNew();
  }
  byId("notice-retry").hidden = gone;
  byId("notice-retry").onclick = () => {
    byId("notice").hidden = true;
    retry();
  };
  byId("notice").hidden = false;
}

async function describe() {
  try {
    await welcome.describe(await api.status());
  } catch (error) {
    onFailure(error, describe);
  }
}

byId("skip-link").addEventListener("click", (event) => {
  event.preventDefault(); // The hash is the conversation's.
  composer.focus();
});
async function begin() {
  if (isLogin()) await logIn();
  follow();
  sidebar.refresh();
  describe();
}

window.addEventListener("hashchange", () => (isLogin() ? begin() : follow()));
startLanguage(byId("language-switch"), { onSwitch: draw, onFailure });
begin();
