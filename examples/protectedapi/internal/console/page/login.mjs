// The dialog in which the user lets the page have a token, as an issuer's login
// page would ask.

import { chosen, choice, find } from "./dom.mjs";
import { nobody } from "./session.mjs";

// login asks for what the API wants, and returns the choice for a new token, or
// null if the user cancels. wanted is what the challenge says.
export async function login(state, current, wanted) {
  const dialog = find("login"), who = current?.person;
  const asked = (wanted.scope ?? "").split(" ").filter(Boolean);
  const secondFactor = wanted.error === "insufficient_user_authentication";
  find("login-title").textContent = who ? (secondFactor ? "Confirm that it is you" : "Allow more") : "Log in";
  find("login-text").textContent = secondFactor
    ? `The API wants a stronger or newer login${wanted.acr_values ? ` (${wanted.acr_values})` : ""}. Allow it as if you had confirmed with a second factor.`
    : asked.length > 0 ? `The API asks for: ${asked.join(", ")}.` : "The API asks for a token.";
  find("login-who-field").hidden = who !== undefined;
  find("login-who").replaceChildren(...state.people.filter((p) => p.id !== nobody)
    .map((p, n) => choice("radio", "login-who", p.id, `${p.name}, ${p.about}`, n === 0)));
  dialog.returnValue = "cancel"; // of the Escape key
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  if (dialog.returnValue !== "allow") return null;
  const person = who ?? chosen(find("login-who"))[0];
  const base = current ?? { format: "jwt", mfa: false, bound: false, scopes: [] };
  return { ...base, person, life: "1h", mfa: base.mfa || secondFactor, scopes: [...new Set([...base.scopes, ...asked])] };
}
