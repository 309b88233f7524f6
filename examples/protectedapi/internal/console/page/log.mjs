// Shows what happened, the newest first.

import { button, find, make } from "./dom.mjs";
import { missing } from "./explain.mjs";

const most = 40; // entries that the page keeps

// note adds a line about what the client did.
export function note(text) { add(make("li", { className: "note" }, text)); }

// show adds an exchange. remedies maps a remedy to its button: [text, action].
export function show(exchange, remedies) {
  const { method, url, answer, verdict, failed, token } = exchange;
  const path = new URL(url).pathname;
  const outcome = failed ? "no answer" : `${answer.status}`;
  const error = verdict?.wanted.error ?? "";
  const article = make("article", { data: { status: outcome, error, route: `${method} ${path}` } },
    make("h3", {}, make("span", { className: `status ${kind(answer)}` }, outcome), ` ${method} ${path}`),
    make("p", { className: "verdict" }, failed ? "The browser got no answer." : verdict.title));
  if (failed) {
    article.append(make("p", {}, "The API is down, or it does not allow the origin of this page (CORS). The browser does not tell pages which."));
  } else {
    article.append(list([["Why", verdict.why], ["A client should", verdict.client], lacking(verdict, token)]));
    const remedy = remedies[verdict.remedy];
    if (remedy) article.append(make("p", { className: "actions" }, button(remedy[0], remedy[1])));
  }
  article.append(details(exchange));
  add(make("li", {}, article));
  find("status").textContent = `${method} ${path}: ${outcome}. ${failed ? "" : verdict.title}`;
}

export function clear() {
  find("log").replaceChildren();
  find("status").textContent = "Nothing yet. Press a case, or a cell of the table.";
}

function lacking(verdict, token) {
  const names = verdict.remedy === "scope" ? missing(verdict.wanted, token?.choice.scopes ?? []) : [];
  return ["The token lacks", names.join(" ")];
}

function details({ method, url, sent, answer, body, verdict, token }) {
  const path = new URL(url).pathname;
  const request = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, ...sent.map(([name, value]) => `${name}: ${value}`)];
  if (new URL(url).origin !== location.origin) request.push(`Origin: ${location.origin}`);
  const parts = [make("summary", {}, "Request, challenge and body"), make("h4", {}, "Request"), make("pre", {}, request.join("\n"))];
  if (token) parts.push(make("p", { className: "hint" }, `The token is ${token.choice.person}'s, with the scopes: ${token.choice.scopes.join(" ") || "none"}.`));
  if (answer) {
    const fields = [...answer.headers].filter(([name]) => !["content-length", "date"].includes(name));
    parts.push(make("h4", {}, "Answer"), make("pre", {}, [`HTTP/1.1 ${answer.status} ${answer.statusText}`, ...fields.map(([name, value]) => `${name}: ${value}`)].join("\n")));
    for (const challenge of verdict.list) {
      parts.push(make("h4", {}, `Challenge: ${challenge.scheme}`), list(Object.entries(challenge.params)));
    }
    parts.push(make("h4", {}, "Body"), make("pre", {}, pretty(body)));
  }
  return make("details", {}, ...parts);
}

function pretty(body) {
  try { return JSON.stringify(JSON.parse(body), null, 2); } catch { return body || "(empty)"; }
}

export function list(pairs) {
  const parts = pairs.filter(([, text]) => text).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
  return parts.length > 0 ? make("dl", {}, ...parts) : "";
}

const kind = (answer) => (!answer || answer.status >= 500 ? "down" : answer.status >= 400 ? "refused" : "good");

function add(entry) {
  const log = find("log");
  log.prepend(entry);
  while (log.children.length > most) log.lastElementChild.remove();
  if (matchMedia("(max-width: 60rem)").matches) entry.scrollIntoView({ block: "start" });
}
