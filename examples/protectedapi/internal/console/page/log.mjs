// Shows what happened: a group of steps for each action, the newest group first.

import { button, find, make } from "./dom.mjs";
import { missing } from "./explain.mjs";

const most = 20; // groups that the page keeps

const narrow = matchMedia("not all and (min-width: 60rem)"); // as in console.css
let group = null; // { title, from, steps, entry }; steps and entry only once there is a step

// begin begins a group. from is the button that the user pressed.
export function begin(title, from) { group = { title, from }; }

// end moves to the group if the user would not see it otherwise: below the other
// parts of a narrow page, or if the button that was pressed has gone.
export function end() {
  const { entry, from } = group ?? {};
  group = null;
  if (!entry) return;
  find("log").parentElement.scrollTop = 0;
  if (narrow.matches) entry.scrollIntoView({ block: "start" });
  const lost = document.activeElement === document.body || find("log").contains(from);
  if (narrow.matches || lost) entry.querySelector("h3").focus({ preventScroll: true });
}

// say lets a screen reader say a text.
export function say(text) { find("status").textContent = text; }

// note adds a line about what somebody did.
export function note(text) {
  add(make("li", { className: "note" }, text));
  say(text);
}

// fail shows an error. An error that is in the log already has no message.
export function fail({ message }) { if (message) note(message); }

// wait adds what shows that the client waits.
export function wait(element, text) {
  add(element);
  say(text);
  element.scrollIntoView({ block: "nearest" });
}

// show adds an exchange, with the button that helps, if any.
export function show(exchange, remedy) {
  const { request, method, url, answer, verdict, token } = exchange;
  const path = new URL(url).pathname, outcome = answer ? String(answer.status) : "no answer";
  const title = verdict?.title ?? "There is no answer.";
  const article = make("article", { data: { status: outcome, error: verdict?.wanted.error ?? "", route: `${method} ${path}` } },
    make("h4", {}, make("span", { className: `status ${kind(answer)}` }, outcome), ` ${method} ${path}`),
    make("p", { className: "verdict" }, title));
  if (!answer) {
    article.append(make("p", {}, "The program may have ended. Then start it again, and reload this page.",
      request.cross ? " Or the API does not allow this page's origin (CORS): browsers do not tell pages which." : ""));
  } else if (!request.brief) {
    article.append(list([["Why", verdict.why], ["A client should", verdict.client], lacking(verdict, token), ["Retry-After", seconds(answer)]]));
  }
  article.append(remedy, details(exchange));
  add(make("li", {}, article));
  say(`${method} ${path}: ${outcome}. ${title}`);
}

export function clear() {
  find("log").replaceChildren();
  if (group) delete group.entry; // what follows begins anew
  say("");
  find("nothing").hidden = false;
}

function seconds(answer) {
  const value = answer.headers.get("Retry-After");
  return value && `${value} s`;
}

function lacking(verdict, token) {
  const names = verdict.remedy === "scope" ? missing(verdict.wanted, token?.choice.scopes ?? []) : [];
  return ["The token lacks", names.join(" ")];
}

function details({ method, url, sent, answer, body, verdict, token }) {
  const { pathname, host, origin } = new URL(url);
  const request = [`${method} ${pathname} HTTP/1.1`, `Host: ${host}`, ...sent.map(field)];
  if (origin !== location.origin) request.push(`Origin: ${location.origin}`);
  const parts = [make("summary", {}, answer ? "Request, challenge and body" : "Request"), make("h5", {}, "Request"), make("pre", {}, request.join("\n"))];
  if (token) parts.push(make("p", { className: "hint" }, `The token is ${token.choice.person}'s, with the scopes: ${token.choice.scopes.join(" ") || "none"}.`));
  if (answer) {
    const fields = [...answer.headers].filter(([name]) => !["content-length", "date"].includes(name));
    parts.push(make("h5", {}, "Answer"), make("pre", {}, [`HTTP/1.1 ${answer.status} ${answer.statusText}`, ...fields.map(field)].join("\n")));
    for (const challenge of verdict.list) {
      parts.push(make("h5", {}, `Challenge: ${challenge.scheme}`), list(Object.entries(challenge.params)));
    }
    parts.push(make("h5", {}, "Body"), make("pre", {}, pretty(body)));
  }
  return make("details", {}, ...parts);
}

const field = ([name, value]) => `${name}: ${value}`;

function pretty(body) {
  try { return JSON.stringify(JSON.parse(body), null, 2); } catch { return body || "(empty)"; }
}

// list returns a list of names and texts, without the empty ones.
export function list(pairs) {
  const parts = pairs.filter(([, text]) => text).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
  return parts.length > 0 ? make("dl", {}, ...parts) : "";
}

const kind = (answer) => (!answer || answer.status >= 500 ? "down" : answer.status >= 400 ? "refused" : "good");

function add(step) {
  group ??= { title: "Meanwhile" };
  if (!group.entry) open(group);
  group.steps.append(step);
}

// open adds a group to the log. The remedies of older answers go: they would act on
// a token that is no longer there.
function open(to) {
  const log = find("log");
  for (const old of log.querySelectorAll(".remedy")) old.remove();
  to.steps = make("ol", { className: "steps" });
  to.entry = make("li", {}, make("h3", { tabIndex: -1 }, to.title), to.steps);
  if (to.from && !log.contains(to.from)) to.entry.append(make("p", { className: "actions back" }, button("Back to the button", () => back(to.from))));
  log.prepend(to.entry);
  find("nothing").hidden = true;
  while (log.children.length > most) log.lastElementChild.remove();
}

function back(from) {
  from.scrollIntoView({ block: "center" });
  from.focus({ preventScroll: true });
}
