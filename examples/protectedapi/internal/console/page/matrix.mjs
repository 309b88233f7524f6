// The table of who may enter.

import { act } from "./act.mjs";
import { button, find, make } from "./dom.mjs";
import { nobody } from "./session.mjs";

const verdict = (status) => (status === 200 ? "may enter" : status === 401 ? "must log in" : "may not enter");

// needs says in words what a route needs.
export function needs(route) {
  if (route.token === "no") return "nothing";
  if (route.token === "optional") return "nothing; a token is checked if there is one";
  const scopes = route.scopes.map((set) => set.join(" and ")).join(", or ");
  return [scopes, route.also].filter(Boolean).join("; ") || "any token";
}

// showMatrix fills the table. The roles are those that the elements have by
// themselves, until the layout for phones makes them a grid.
export function showMatrix({ state, session, calls }) {
  const send = async (person, { method, path }) => {
    if (person.id === nobody) session.use(null);
    else await session.get({ person: person.id, scopes: person.scopes, format: "jwt", life: "1h", mfa: false, bound: false });
    await calls.call({ method, path: path.replace("{id}", "alice") });
  };
  const head = make("tr", { role: "row" }, make("th", { scope: "col", role: "columnheader" }, "Route, and what it needs"),
    ...state.people.map((p) => make("th", { scope: "col", role: "columnheader" }, p.name, make("span", { className: "hint" }, p.about))));
  const rows = state.routes.map((route) => make("tr", { role: "row" },
    make("th", { scope: "row", role: "rowheader" }, make("code", {}, `${route.method} ${route.path}`), make("span", { className: "hint" }, needs(route))),
    ...state.people.map((p) => make("td", { role: "cell" }, cell(p, route, send)))));
  find("matrix").setAttribute("role", "table");
  find("matrix").replaceChildren(make("thead", { role: "rowgroup" }, head), make("tbody", { role: "rowgroup" }, ...rows));
}

function cell(person, route, send) {
  const status = route.answers[person.id], good = status === 200;
  const title = `${route.method} ${route.path} as ${person.name}`;
  return button(`${good ? "✓" : "✕"} ${status}`, () => act(title, () => send(person, route)), {
    "aria-label": `${title}: ${status}, ${verdict(status)}. Send it.`, className: `cell ${good ? "good" : "refused"}`,
    data: { person: person.id, route: `${route.method} ${route.path}`, status },
  });
}
