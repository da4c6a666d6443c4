// The one way by which markup enters the page: what the server has rendered and sanitised. The page's policy (Trusted
// Types) lets browsers that know it refuse every other.

const policy = globalThis.trustedTypes?.createPolicy("daedap", { createHTML: (html) => html });

// Replaces the content of `element` by markup from the server.
export function setSanitized(element, html) {
  element.innerHTML = policy ? policy.createHTML(html) : html;
}
