// The service's HTTP API: one function per call, every failure an ApiError.

import { events } from "./sse.js";

const BASE = "/api/v1";

// `code` is the server's, or "network" when no answer came at all.
export class ApiError extends Error {
  constructor({ code, message, status = 0 }) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

let spoken = null; // The language to answer in; without one, the browser's.

// Asks the server to write its messages in `language`, which may be another than the browser's.
export function answerIn(language) {
  spoken = language;
}

async function request(method, path, { json, form, signal } = {}) {
  const headers = json === undefined ? {} : { "content-type": "application/json" };
  if (spoken) headers["accept-language"] = spoken;
  const body = json === undefined ? form : JSON.stringify(json);
  let response;
  try {
    response = await fetch(BASE + path, { method, headers, body, signal });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError({ code: "network", message: String(error) });
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response) {
  const envelope = await response.json().catch(() => null); // A proxy in between may answer in HTML.
  const { code = "unknown", message = response.statusText } = envelope?.error ?? {};
  return new ApiError({ code, message, status: response.status });
}

async function fetchJson(method, path, options) {
  return (await request(method, path, options)).json();
}

const id = encodeURIComponent;

// Exchanges the one-time code of a link for a cookie.
export const logIn = (code) => request("POST", "/login", { json: { code } });

// The page's texts by id: {"chat-send": "Send", …}.
export const messages = async (locale) => (await fetchJson("GET", `/messages?locale=${id(locale)}`)).messages;

export const status = () => fetchJson("GET", "/status");

export const conversations = async () => (await fetchJson("GET", "/conversations")).conversations;
export const conversation = (conversationId) => fetchJson("GET", `/conversations/${id(conversationId)}`);
export const createConversation = (signal) => fetchJson("POST", "/conversations", { signal });
export const deleteConversation = (conversationId) => request("DELETE", `/conversations/${id(conversationId)}`);

// Asks; yields {event, data} with data parsed, until the answer is done or `signal` aborts.
export async function* ask(conversationId, question, signal) {
  const path = `/conversations/${id(conversationId)}/turns`;
  const response = await request("POST", path, { json: { question }, signal });
  yield { event: "accepted", data: null };
  try {
    for await (const { event, data } of events(response.body)) yield { event, data: JSON.parse(data) };
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError({ code: "connection_lost", message: String(error) });
  }
}

export const giveFeedback = (turnId, helpful) =>
  request("POST", "/feedback", { json: { turn_id: turnId, helpful, comment: "" } });

export const collections = async () => (await fetchJson("GET", "/collections")).collections;

// A page of documents: {documents, next}, where `next` is what to pass as `after` for the following page, or null.
export function documents(collectionId, { after = null, limit = 50 } = {}) {
  const query = new URLSearchParams({ limit, ...(after ? { after } : {}) });
  return fetchJson("GET", `/collections/${id(collectionId)}/documents?${query}`);
}

// The address of a document's original, and whether it is kept.
export const originalUrl = (documentId) => `${BASE}/documents/${id(documentId)}/original`;
export async function hasOriginal(documentId) {
  const response = await fetch(originalUrl(documentId), { method: "HEAD" }).catch(() => null);
  return response?.ok ?? false;
}

export const deleteDocument = (documentId) => request("DELETE", `/documents/${id(documentId)}`);

export async function uploadDocument(collectionId, file) {
  const form = new FormData();
  // macOS hands names over decomposed; the service knows one form.
  form.append("file", file, file.name.normalize("NFC"));
  return (await fetchJson("POST", `/collections/${id(collectionId)}/documents`, { form })).job;
}

export const job = async (jobId) => (await fetchJson("GET", `/jobs/${id(jobId)}`)).job;
