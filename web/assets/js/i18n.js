// The reader's language and its messages: chosen, remembered, fetched from the server, and put over the page. Texts
// that scripts write go through `localize`, so that they are redrawn when messages arrive or the language changes.

import * as api from "./api.js";

const LANGUAGES = ["en", "ko"];
const REMEMBERED = "daedap.language";

let current = remembered() ?? preferred();
let messages = null; // Text by id, in `current`; null until the first ones arrive.
let plurals = new Intl.PluralRules(current);
let asked = 0; // Requests for messages so far: only the answer to the last one counts.

// What redraws an element. Weak, so that removed elements are forgotten.
const renderers = new WeakMap();

function remembered() {
  try {
    const code = localStorage.getItem(REMEMBERED);
    return LANGUAGES.includes(code) ? code : null;
  } catch {
    return null; // Storage can be forbidden; the browser's language then decides each time.
  }
}

function preferred() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => LANGUAGES.includes(code));
  return known ?? "en";
}

export function language() {
  return current;
}

// The text of `key` in the reader's language; undefined if there is none. `params.count` chooses among variants: by
// its value (`key[0]`), else by its plural category (`key[one]`).
export function find(key, params = {}) {
  const { count } = params;
  const keys = count === undefined ? [key] : [key, `${key}[${count}]`, `${key}[${plurals.select(count)}]`, `${key}[other]`];
  const pattern = keys.map((candidate) => messages?.[candidate]).find((text) => text !== undefined);
  return pattern?.replace(/\{ \$([\w-]+) \}/g, (_, name) => shown(name, params[name]));
}

function shown(name, value) {
  return name === "count" ? new Intl.NumberFormat(current).format(value) : String(value);
}

// The text of a key that must exist; empty until the messages are there.
export function t(key, params) {
  const text = find(key, params);
  if (text === undefined && messages) throw new Error(`no text for ${key}`);
  return text ?? "";
}

// Runs `render(element)` now, when messages arrive and after every switch of language.
export function localize(element, render) {
  renderers.set(element, render);
  element.toggleAttribute("data-localized", true);
  render(element);
  return element;
}

function use(code, received) {
  [current, messages, plurals] = [code, received, new Intl.PluralRules(code)];
  api.answerIn(code);
  apply();
}

function remember(code) {
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    // Not remembered, then.
  }
}

function apply() {
  document.documentElement.lang = current;
  document.documentElement.dataset.ready = ""; // Shows the page: css/base.css.
  for (const element of document.querySelectorAll("[data-localized]")) renderers.get(element)?.(element);
}

// Takes over the marks in index.html and the switch itself. hooks: {onSwitch(), onFailure(error, retry)}
export function start(switcher, { onSwitch, onFailure }) {
  for (const element of document.querySelectorAll("[data-i18n], [data-i18n-label], [data-i18n-placeholder]")) {
    localize(element, () => messages && renderMarks(element));
  }
  const switchTo = async (code, isChosen) => {
    const request = ++asked;
    const received = await api.messages(code).catch((error) => error);
    if (request !== asked) return; // Another language was chosen in the meantime.
    if (received instanceof Error) {
      document.documentElement.dataset.ready = ""; // In English, as it stands in index.html.
      return onFailure(received, () => switchTo(code, isChosen));
    }
    use(code, received);
    if (isChosen) remember(code);
    onSwitch();
  };
  for (const button of switcher.querySelectorAll("[data-language]")) {
    localize(button, () => button.setAttribute("aria-pressed", String(button.dataset.language === current)));
    button.addEventListener("click", () => switchTo(button.dataset.language, true));
  }
  api.answerIn(current);
  switchTo(current, false);
}

function renderMarks(element) {
  const { i18n, i18nLabel, i18nPlaceholder } = element.dataset;
  if (i18n) element.textContent = t(i18n);
  if (i18nPlaceholder) element.placeholder = t(i18nPlaceholder);
  if (i18nLabel) {
    element.setAttribute("aria-label", t(i18nLabel));
    if (element.matches("button")) element.title = t(i18nLabel);
  }
}
