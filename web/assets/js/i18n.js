// The reader's language: chosen, remembered, and put over the page. Texts that scripts write go through `localize`,
// so that a switch of language rewrites them in place.

import { STRINGS } from "./strings.js";

const REMEMBERED = "daedap.language";

let current = remembered() ?? preferred();

// What redraws an element after a switch. Weak, so that removed elements are forgotten.
const renderers = new WeakMap();

function remembered() {
  try {
    const code = localStorage.getItem(REMEMBERED);
    return code in STRINGS ? code : null;
  } catch {
    return null; // Storage can be forbidden; the browser's language then decides each time.
  }
}

function preferred() {
  const known = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => code in STRINGS);
  return known ?? "en";
}

export function language() {
  return current;
}

// The text of `key` (dots reach into groups) in the reader's language; undefined if there is none.
export function find(key, params = {}) {
  const value = key.split(".").reduce((group, part) => group?.[part], STRINGS[current]);
  return typeof value === "function" ? value(params) : value;
}

// The text of a key that must exist.
export function t(key, params) {
  const text = find(key, params);
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text;
}

// Runs `render(element)` now and after every switch of language.
export function localize(element, render) {
  renderers.set(element, render);
  element.toggleAttribute("data-localized", true);
  render(element);
  return element;
}

export function setLanguage(code) {
  current = code;
  try {
    localStorage.setItem(REMEMBERED, code);
  } catch {
    // Not remembered, then.
  }
  apply();
}

function apply() {
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll("[data-localized]")) renderers.get(element)?.(element);
}

// Takes over the marks in index.html and the switch itself.
export function start(switcher, onSwitch) {
  for (const element of document.querySelectorAll("[data-i18n], [data-i18n-label], [data-i18n-placeholder]")) {
    localize(element, () => {
      const { i18n, i18nLabel, i18nPlaceholder } = element.dataset;
      if (i18n) element.textContent = t(i18n);
      if (i18nPlaceholder) element.placeholder = t(i18nPlaceholder);
      if (i18nLabel) {
        element.setAttribute("aria-label", t(i18nLabel));
        if (element.matches("button")) element.title = t(i18nLabel);
      }
    });
  }
  for (const button of switcher.querySelectorAll("[data-language]")) {
    localize(button, () => button.setAttribute("aria-pressed", String(button.dataset.language === current)));
    button.addEventListener("click", () => {
      setLanguage(button.dataset.language);
      onSwitch();
    });
  }
  apply();
}
