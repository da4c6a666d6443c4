// Dates, headings and failures as people read them.

import { find, language, t } from "./i18n.js";

const DAY_MS = 86_400_000;

// Days from `then` to today in the reader's calendar: 0 is today.
export function daysAgo(then) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(then))) / DAY_MS);
}

export function shortDate(timestamp) {
  const date = new Date(timestamp);
  const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(language(), { year, month: "short", day: "numeric" }).format(date);
}

export function count(number) {
  return new Intl.NumberFormat(language()).format(number);
}

// The heading nearest to a passage, unless it only repeats the title.
export function nearestHeading({ title, heading_path: path }) {
  const last = path?.at(-1);
  return last && last !== title ? last : null;
}

// A failure in the reader's language: by its code, else by its kind, else in the server's words.
export function failure({ code = "unknown", status, message }) {
  const known = find(`chat-error-${code.replaceAll("_", "-")}`);
  if (known) return known;
  // Events in a stream carry no status, so the code's ending tells the kind as well.
  const passing = status === 503 || status === 429 || code.endsWith("_unavailable");
  const text = passing ? t("chat-error-unavailable") : message ? t("chat-failed-because", { message }) : t("chat-failed");
  return text || message; // Without messages of the page, the server's.
}
