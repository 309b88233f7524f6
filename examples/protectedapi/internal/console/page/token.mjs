// The card that shows the token of the page, and what can happen to it. The token
// itself is never shown.

import { act } from "./act.mjs";
import { button, find, make } from "./dom.mjs";
import * as log from "./log.mjs";

let timer;

// showToken shows a session's token. The focus stays where it is: at the button of
// the same name, or at the form's.
export function showToken(session, state) {
  const focused = find("token").contains(document.activeElement) && document.activeElement.id;
  clearInterval(timer);
  find("token").replaceChildren(...(session.token ? card(session, state) : [make("p", {}, "There is no token: requests are those of a visitor.")]));
  if (focused !== false) (find(focused) ?? find("get-token")).focus();
}

function card(session, state) {
  const { token } = session, { choice } = token;
  const left = make("span", { id: "left" });
  const tick = () => {
    const seconds = Math.ceil((token.expires - Date.now()) / 1000);
    left.textContent = seconds > 0 ? `good for ${duration(seconds)}` : seconds > -state.leeway ? `expired; the API allows ${state.leeway} s for clocks` : "expired";
  };
  tick();
  timer = setInterval(tick, 1000);
  const change = (id, title, done, action) => button(title, () => act(title, async () => { await action(); log.say(done); }), { id });
  return [
    make("p", {}, make("strong", {}, `A token of ${session.person(choice.person).name}`), `, ${choice.format === "opaque" ? "opaque" : "a JWT"}`,
      token.key ? ", bound to a key of this browser" : "", token.changed ? ", changed" : "", token.revoked ? ", revoked" : "", ", ", left),
    log.list([["scopes", choice.scopes.join(" ") || "none"]]), revocation(token, state), said(session),
    make("p", { className: "actions" },
      change("change", "Change a character", "The token is changed.", () => session.change()),
      change("revoke", "Revoke it", "The token is revoked.", () => session.revoke()),
      change("forget", "Forget it", "There is no token.", () => session.use(null))),
  ];
}

const duration = (seconds) => (seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`);

// revocation says when the API learns of it.
function revocation({ choice, revoked }, state) {
  if (!revoked) return "";
  let text = "The API asks the issuer on each request, so it learns of this at once.";
  if (choice.format === "jwt" && !state.asks_about_jwts) {
    text = "The API verifies a JWT by itself, so it does not learn of this; the token lives until it expires. See the flag -introspect-all.";
  } else if (state.max_age > 0) {
    text = `The API keeps an answer of the issuer for up to ${state.max_age} s, so a token that it has seen before lives on as long.`;
  }
  return make("p", { className: "hint" }, text);
}

// said shows the claims of a JWT.
function said(session) {
  const claims = session.claims();
  if (!claims) return "";
  return make("details", {}, make("summary", {}, "What the token says (this page has not verified it)"),
    make("pre", {}, JSON.stringify(claims, null, 2)));
}
