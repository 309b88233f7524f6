// The forms: get a token, and call a route.

import { act } from "./act.mjs";
import { choice, chosen, find, make } from "./dom.mjs";
import * as dpop from "./dpop.mjs";
import * as log from "./log.mjs";
import { needs } from "./matrix.mjs";
import { nobody } from "./session.mjs";
import { showToken } from "./token.mjs";

const onSubmit = (id, title, action) => find(id).addEventListener("submit", (event) => {
  event.preventDefault();
  act(title(), action);
});

export function showTokenForm({ state, session }) {
  const person = () => session.person(chosen(find("who"))[0]);
  const suggest = () => {
    for (const box of find("scopes").querySelectorAll("input")) box.checked = person().scopes.includes(box.value);
  };
  find("who").replaceChildren(...state.people.filter((p) => p.id !== nobody)
    .map((p, n) => choice("radio", "who", p.id, `${p.name}, ${p.about}`, n === 0)));
  find("scopes").replaceChildren(...state.scopes.map((name) => choice("checkbox", "scope", name, name)));
  find("who").addEventListener("change", suggest);
  suggest();
  find("bound").disabled = state.dpop !== "allowed" || !dpop.available;
  find("bound").checked = state.dpop === "required";

  onSubmit("token-form", () => "Get a token", async () => {
    await session.get({
      person: person().id, scopes: chosen(find("scopes")), format: find("format").value, life: find("life").value,
      mfa: find("mfa").checked, bound: find("bound").checked,
    });
    log.say(`There is a token of ${person().name}.`);
  });
  const show = () => {
    showToken(session, state);
    find("unproven-field").hidden = !session.token?.key;
  };
  session.addEventListener("change", show);
  show();
}

export function showCallForm({ state, calls }) {
  const route = () => state.routes[Number(find("route").value)];
  const showUser = () => {
    const named = route().path.includes("{id}");
    find("user-field").hidden = !named;
    find("user").disabled = !named; // otherwise the browser asks for a hidden value
  };
  find("route").replaceChildren(...state.routes.map((r, n) => make("option", { value: String(n) }, `${r.method} ${r.path} (${needs(r)})`)));
  find("route").value = String(state.routes.findIndex((r) => r.path === "/orders"));
  find("route").addEventListener("change", showUser);
  showUser();
  find("twin").textContent = state.twin;
  find("cross-field").hidden = !state.twin;

  onSubmit("call-form", () => `${route().method} ${route().path}`, () => {
    const { method, path } = route();
    return calls.call({
      method, path: path.replace("{id}", encodeURIComponent(find("user").value)),
      react: find("react").checked, cross: find("cross").checked, unproven: find("unproven").checked,
    });
  });
}
