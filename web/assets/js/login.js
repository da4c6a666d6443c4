// Signs this browser in with the one-time code of a link that the server printed: #/login/CODE.

import * as api from "./api.js";

const LINK = /^#\/login\/(\w+)$/;

// Whether the address is such a link.
export function isLogin() {
  return LINK.test(location.hash);
}

// Takes the code out of the address and exchanges it for a cookie. A code that has been used is no failure by itself: the
// browser may be signed in already, and if not, the next request says so.
export async function logIn() {
  const code = location.hash.match(LINK)[1];
  history.replaceState(null, "", location.pathname);
  await api.logIn(code).catch(() => {});
}
