// Building elements, and saying things to screen readers. Text always goes in as text, never as markup.

import { localize, t } from "./i18n.js";

const SPRITE = new URL("../img/icons.svg", import.meta.url).pathname;
const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return element;
}

// An element with attributes; `on*` entries are listeners, other entries attributes, children nodes or texts.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

// Keeps an element's text in the reader's language.
export function says(element, key, params) {
  return localize(element, () => {
    element.textContent = t(key, params);
  });
}

// Keeps a button's name and tooltip in the reader's language.
export function named(button, key, params) {
  return localize(button, () => {
    button.setAttribute("aria-label", t(key, params));
    button.title = t(key, params);
  });
}

// Said politely by screen readers. A word repeated is a change only when the region was empty in between.
export function announce(text) {
  const region = byId("announcer");
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}

// Asks before something is deleted; resolves to whether to go on.
export function confirmed(text) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = text;
  dialog.returnValue = "cancel";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}
