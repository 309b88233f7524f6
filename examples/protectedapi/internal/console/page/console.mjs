// The console: it fills the page, and connects its parts.

import { Calls } from "./calls.mjs";
import { find } from "./dom.mjs";
import { showCallForm, showTokenForm } from "./forms.mjs";
import { Issuer } from "./issuer.mjs";
import * as log from "./log.mjs";
import { showMatrix } from "./matrix.mjs";
import { showCases } from "./play.mjs";
import { load } from "./program.mjs";
import { Client } from "./react.mjs";
import { Session } from "./session.mjs";

function notice(...texts) {
  find("notice").textContent = texts.filter(Boolean).join(" ");
  find("notice").hidden = !find("notice").textContent;
}

function show(state) {
  const session = new Session(state);
  const client = new Client(state, session);
  const calls = new Calls(state, session, client);
  const parts = { state, session, calls, issuer: new Issuer(state) };
  client.remedied = (request) => calls.call(request);
  find("about").append(` The routes run on ${state.framework}.`);
  notice(
    state.mtls === "required" && "Every token must be bound to a client certificate (-mtls or -profile), which a page does not have: the API refuses each token of this page.",
    state.dpop === "required" && "Every token must be bound to a key (-dpop or -profile), so this page binds each of its tokens.");
  showCases(parts);
  showMatrix(parts);
  showTokenForm(parts);
  showCallForm(parts);
  find("clear").addEventListener("click", log.clear);
  find("main").hidden = false;
  document.body.dataset.ready = "true";
}

try {
  show(await load());
} catch (failure) {
  notice(failure.message);
}
