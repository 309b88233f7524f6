// The console: it fills the page, and connects its forms, cases and answers.

import { Calls } from "./calls.mjs";
import { cases } from "./cases.mjs";
import { button, choice, chosen, find, make } from "./dom.mjs";
import * as dpop from "./dpop.mjs";
import * as log from "./log.mjs";
import { login } from "./login.mjs";
import { needs, showMatrix } from "./matrix.mjs";
import { load, post } from "./program.mjs";
import { nobody, Session } from "./session.mjs";
import { showToken } from "./token.mjs";

const state = await load();
const session = new Session(state);
const calls = new Calls(state, session, (exchange) => log.show(exchange, remedies(exchange)), { renew, authorize, wait });
let busy = false;

// act runs one action at a time, and shows its failure.
async function act(action) {
  if (busy) return;
  busy = true;
  document.body.dataset.busy = "true";
  try {
    await action();
  } catch (failure) {
    log.note(failure.message);
    find("status").textContent = failure.message;
  } finally {
    busy = false;
    delete document.body.dataset.busy;
  }
}

// The reactions of the client to refusals.

async function renew() {
  if (!session.token) return null;
  log.note("The client gets a new token with the same scopes.");
  return session.get({ ...session.token.choice, life: "1h" });
}

async function authorize(wanted) {
  const next = await login(state, session.token?.choice, wanted);
  log.note(next ? `${session.person(next.person).name} allows it, and the client repeats the request.` : "The user cancels. The client shows the refusal.");
  return next && session.get(next);
}

// wait shows the seconds that are left, and ends early if the user says so.
async function wait(seconds) {
  let left = Math.ceil(seconds), timer;
  const show = () => { find("waiting-text").textContent = `The client waits ${left} s, as Retry-After says. It keeps the token.`; };
  show();
  find("waiting").hidden = false;
  await new Promise((over) => {
    timer = setInterval(() => { left -= 1; if (left > 0) show(); else over(); }, 1000);
    find("wait-over").onclick = over;
  });
  clearInterval(timer);
  find("waiting").hidden = true;
}

// remedies returns the buttons for a refusal that the client did not react to.
function remedies({ request, verdict, token }) {
  if (request.react || !verdict) return {};
  const again = () => calls.call({ ...request, unproven: false });
  const allowed = async () => { if (await authorize(verdict.wanted)) await again(); };
  return {
    login: ["Log in, and try again", () => act(allowed)],
    scope: ["Ask for more scope, and try again", () => act(allowed)],
    stepUp: ["Log in with a second factor, and try again", () => act(allowed)],
    renew: token && ["Get a new token, and try again", () => act(async () => { if (await renew()) await again(); })],
    prove: token?.key && ["Try again with a proof", () => act(again)],
    wait: ["Try again", () => act(again)],
  };
}

// The issuer.

async function runIssuer(to) {
  const { running } = await post("issuer", { state: to });
  state.issuer.running = running;
  showIssuer();
  log.note(running ? "The issuer runs again." : "The issuer is stopped.");
}

function showIssuer() {
  const { running } = state.issuer;
  find("issuer-state").textContent = running ? "The issuer runs" : "The issuer is stopped";
  find("issuer-state").className = `pill ${running ? "good" : "down"}`;
  find("issuer-switch").textContent = running ? "Stop the issuer" : "Start the issuer";
  find("issuer-switch").disabled = false;
  find("wait-start").hidden = running;
}

const toggle = async () => {
  try {
    await runIssuer(state.issuer.running ? "stopped" : "running");
  } catch (failure) {
    log.note(failure.message);
  }
};

// The cases.

async function runCase(c) {
  if (!state.issuer.running) await runIssuer("running");
  const [method, path] = c.call.split(" ");
  if (c.person === nobody) {
    session.forget();
  } else {
    const { scopes } = session.person(c.person);
    await session.get({ format: "jwt", life: "1h", mfa: false, bound: false, scopes, ...c });
  }
  if (c.change) session.change();
  if (c.revoke) await session.revoke();
  if (c.stop) await runIssuer("stopped");
  await calls.call({ method, path, react: c.react, cross: c.cross, unproven: c.unproven });
}

function showCases() {
  const groups = [...new Set(usable().map((c) => c.group))];
  find("cases").replaceChildren(...groups.map((group) => make("section", { "aria-label": group },
    make("h3", {}, group),
    make("ul", { className: "cases" }, ...usable().filter((c) => c.group === group).map((c) => make("li", {},
      button(c.title, () => act(() => runCase(c)), { data: { case: c.id } }), " ", make("span", { className: "hint" }, c.expect)))))));
}

// usable returns the cases that this program can show.
const usable = () => cases.filter((c) => (!c.bound || (state.dpop !== "off" && dpop.available)) && (!c.cross || state.twin));

// The forms.

function showForms() {
  find("who").replaceChildren(...state.people.filter((p) => p.id !== nobody)
    .map((p, n) => choice("radio", "who", p.id, `${p.name}, ${p.about}`, n === 0)));
  find("scopes").replaceChildren(...state.scopes.map((name) => choice("checkbox", "scope", name, name)));
  suggestScopes();
  find("who").addEventListener("change", suggestScopes);
  find("bound").disabled = state.dpop === "off" || !dpop.available;
  find("bound").checked = state.dpop === "required";
  find("route").replaceChildren(...state.routes.map((route, n) =>
    make("option", { value: String(n) }, `${route.method} ${route.path} (${needs(route)})`)));
  find("route").value = String(state.routes.findIndex((route) => route.path === "/orders"));
  find("route").addEventListener("change", showUserField);
  showUserField();
  find("twin").textContent = state.twin;
  find("cross-field").hidden = !state.twin;
}

function suggestScopes() {
  const { scopes } = session.person(chosen(find("who"))[0]);
  for (const box of find("scopes").querySelectorAll("input")) box.checked = scopes.includes(box.value);
}

const route = () => state.routes[Number(find("route").value)];
const showUserField = () => { find("user-field").hidden = !route().path.includes("{id}"); };

function choiceOfForm() {
  return {
    person: chosen(find("who"))[0], scopes: chosen(find("scopes")), format: find("format").value, life: find("life").value,
    mfa: find("mfa").checked, bound: find("bound").checked,
  };
}

function requestOfForm() {
  const { method, path } = route();
  return {
    method, path: path.replace("{id}", encodeURIComponent(find("user").value)),
    react: find("react").checked, cross: find("cross").checked, unproven: find("unproven").checked,
  };
}

async function sendFromMatrix(person, { method, path }) {
  if (person.id === nobody) session.forget();
  else await session.get({ person: person.id, scopes: person.scopes, format: "jwt", life: "1h", mfa: false, bound: false });
  await calls.call({ method, path: path.replace("{id}", "alice") });
}

function showNotice() {
  const texts = [];
  if (state.mtls === "required") texts.push("Every token must be bound to a client certificate (-mtls required), which a page does not have: the API refuses each token of this page.");
  if (state.dpop === "required") texts.push("Every token must be bound to a key (-dpop required), so this page binds each of its tokens.");
  find("notice").textContent = texts.join(" ");
  find("notice").hidden = texts.length === 0;
}

function listen() {
  const submit = (id, action) => find(id).addEventListener("submit", (event) => { event.preventDefault(); act(action); });
  submit("token-form", async () => {
    await session.get(choiceOfForm());
    find("status").textContent = `There is a token of ${session.person(session.token.choice.person).name}.`;
  });
  submit("call-form", () => calls.call(requestOfForm()));
  find("issuer-switch").addEventListener("click", toggle);
  find("wait-start").addEventListener("click", toggle);
  find("clear").addEventListener("click", log.clear);
  const actions = {
    change: () => act(() => session.change()), revoke: () => act(() => session.revoke()), forget: () => act(() => session.forget()),
  };
  const update = () => {
    showToken(session, state, actions);
    find("unproven-field").hidden = !session.token?.key;
  };
  session.addEventListener("change", update);
  update();
}

find("about").append(` The routes run on ${state.framework}.`);
showNotice();
showIssuer();
showCases();
showMatrix(state, (person, row) => act(() => sendFromMatrix(person, row)));
showForms();
listen();
document.body.dataset.ready = "true";
