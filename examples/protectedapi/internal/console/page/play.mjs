// Plays the cases.

import { act } from "./act.mjs";
import { cases } from "./cases.mjs";
import { button, find, make } from "./dom.mjs";
import * as dpop from "./dpop.mjs";
import * as log from "./log.mjs";
import { nobody } from "./session.mjs";

// showCases shows the cases that this program can play.
export function showCases(parts) {
  const { state } = parts;
  const usable = cases.filter((c) => (!c.bound || (state.dpop !== "off" && dpop.available)) && (!c.cross || state.twin));
  const groups = [...new Set(usable.map((c) => c.group))];
  find("cases").replaceChildren(...groups.map((group) => make("div", {},
    make("h3", {}, group),
    make("ul", { className: "cases" }, ...usable.filter((c) => c.group === group).map((c) => make("li", {},
      button(c.title, () => act(c.title, () => play(c, parts)), { className: "case", data: { case: c.id } }, " ", make("span", { className: "expect" }, c.expect))))))));
}

async function play(c, { state, session, calls, issuer }) {
  const [method, path] = c.call.split(" ");
  const request = { method, path, react: c.react, cross: c.cross, unproven: c.unproven };
  if (!issuer.running) await issuer.run("running");
  if (c.person === nobody) {
    session.use(null);
  } else {
    const { scopes } = session.person(c.person);
    await session.get({ format: "jwt", life: "1h", mfa: false, bound: false, scopes, ...c });
  }
  if (c.change) session.change();
  if (c.revoke) await session.revoke();
  if (c.stop) await issuer.run("stopped");
  if (c.guess) await guess(session, calls, request);
  if (c.rotate) await rotate(c, session, calls, issuer, request);
  else await calls.call(request);
}

// guess sends changed tokens until the API has had enough, and then gets a good
// one.
async function guess(session, calls, request) {
  const { choice } = session.token;
  session.change();
  log.note("Somebody sends tokens with a wrong signature.");
  for (let n = 0; n < 10; n++) {
    const { status } = await calls.call({ ...request, react: false, brief: true });
    if (status === 429) break;
  }
  await session.get(choice);
  log.note(`${session.person(choice.person).name} comes with a good token.`);
}

// rotate calls with a token of the new key, and then with the one of the old key.
async function rotate(c, session, calls, issuer, request) {
  const before = session.token;
  await issuer.rotate();
  if (c.withdraw) await issuer.withdraw();
  await session.get(before.choice);
  log.note(`A token of ${issuer.signs}:`);
  await calls.call({ ...request, react: true });
  session.use(before);
  log.note("The token of the key before:");
  await calls.call(request);
}
