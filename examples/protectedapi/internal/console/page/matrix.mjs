// The table of who may enter.

import { button, find, make } from "./dom.mjs";

const verdict = (status) => (status === 200 ? "may enter" : status === 401 ? "must log in" : "may not enter");

// needs says in words what a route needs.
export function needs(route) {
  if (route.token === "no") return "nothing";
  const scopes = route.scopes.map((set) => set.join(" and ")).join(", or ");
  const parts = [scopes, route.also].filter(Boolean);
  if (route.token === "optional") return "nothing; a token is checked if there is one";
  return parts.join("; ") || "any token";
}

// showMatrix fills the table. send(person, route) is called when a cell is pressed.
export function showMatrix(state, send) {
  const head = make("tr", {}, make("th", { scope: "col" }, "Route"), make("th", { scope: "col" }, "It needs"),
    ...state.people.map((p) => make("th", { scope: "col" }, p.name, make("span", { className: "hint" }, p.about))));
  const rows = state.routes.map((route) => make("tr", {},
    make("th", { scope: "row" }, make("code", {}, `${route.method} ${route.path}`)),
    make("td", {}, needs(route)),
    ...state.people.map((p) => make("td", {}, cell(p, route, send)))));
  find("matrix").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}

function cell(person, route, send) {
  const status = route.answers[person.id];
  const name = `${route.method} ${route.path} as ${person.name}: ${status}, ${verdict(status)}. Send it.`;
  return button(`${status === 200 ? "✓" : "✕"} ${status}`, () => send(person, route), {
    "aria-label": name, className: `cell ${status === 200 ? "good" : "refused"}`,
    data: { person: person.id, route: `${route.method} ${route.path}`, status },
  });
}
