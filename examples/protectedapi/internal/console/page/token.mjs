// The card that shows the token of the page, and what can happen to it. The token
// itself is never shown.

import { button, find, make } from "./dom.mjs";
import { list } from "./log.mjs";

let timer;

// showToken shows a session's token; actions has change, revoke and forget.
export function showToken(session, state, actions) {
  clearInterval(timer);
  const { token } = session, card = find("token");
  if (!token) {
    card.replaceChildren(make("p", {}, "There is no token: requests are those of a visitor."));
    return;
  }
  const { choice } = token, person = session.person(choice.person);
  const left = make("span", { id: "left", "aria-live": "off" });
  const facts = make("p", {}, make("strong", {}, `A token of ${person.name}`), `, ${choice.format === "opaque" ? "opaque" : "a JWT"}`,
    token.key ? ", bound to a key of this browser" : "", token.changed ? ", changed" : "", token.revoked ? ", revoked" : "", ", ", left);
  const tick = () => {
    const seconds = Math.ceil((token.expires - Date.now()) / 1000);
    left.textContent = seconds > 0 ? `good for ${seconds} s` : seconds > -state.leeway ? `expired; the API allows ${state.leeway} s for clocks` : "expired";
  };
  tick();
  timer = setInterval(tick, 1000);
  card.replaceChildren(facts, list([["scopes", choice.scopes.join(" ") || "none"]]), revocation(token, state), said(session),
    make("p", { className: "actions" },
      button("Change a character", actions.change, { id: "change" }),
      button("Revoke it", actions.revoke, { id: "revoke" }),
      button("Forget it", actions.forget, { id: "forget" })));
}

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
