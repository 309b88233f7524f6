// Sends requests to the API as a client does, and shows each of them in the log.

import { client } from "./client.mjs";
import * as dpop from "./dpop.mjs";
import { explain } from "./explain.mjs";
import * as log from "./log.mjs";

// NoAnswer is the error of a request that got no answer. The log has shown it, so it
// has no message.
class NoAnswer extends Error {}

export class Calls {
  #nonce;

  // client has the reactions of client.mjs (renew, authorize and wait), and remedy.
  constructor(state, session, client) { Object.assign(this, { state, session, client }); }

  // call sends a request. Without react, the first answer is the result.
  async call(request) {
    const { method, path, react = false, cross = false } = request;
    const url = (cross ? this.state.twin : location.origin) + path;
    const token = async () => this.session.token?.value ?? null;
    const send = (to, options) => this.#send(request, to, options);
    if (react) return client({ ...this.client, token, send })(url, { method });
    const value = await token();
    return send(url, { method, headers: value ? { Authorization: `Bearer ${value}` } : {} });
  }

  async #send(request, url, options, again = false) {
    const { token } = this.session;
    const { method = "GET" } = options;
    const headers = new Headers(options.headers);
    const proven = token?.key && !request.unproven;
    if (token?.key) headers.set("Authorization", `DPoP ${token.value}`);
    if (proven) {
      const proof = { method, url: this.state.origin + request.path, token: token.value, nonce: this.#nonce };
      headers.set("DPoP", await dpop.proof(token.key, proof));
    }
    const exchange = { request, method, url, sent: shown(headers, token), token };
    let answer;
    try {
      answer = await fetch(url, { ...options, headers, cache: "no-store", credentials: "omit" });
    } catch {
      log.show(exchange, "");
      throw new NoAnswer();
    }
    this.#nonce = answer.headers.get("DPoP-Nonce") ?? this.#nonce;
    const body = await answer.clone().text();
    const verdict = explain(answer.status, answer.headers.get("WWW-Authenticate"));
    const answered = { ...exchange, answer, body, verdict };
    log.show(answered, this.client.remedy(answered));
    if (verdict.wanted.error === "use_dpop_nonce" && proven && !again) return this.#send(request, url, options, true);
    return answer;
  }
}

// shown returns the fields of a request for people, who must not see tokens.
function shown(headers, token) {
  const fields = [];
  const credentials = headers.get("Authorization");
  if (credentials) {
    const [scheme, value] = credentials.split(" ");
    fields.push(["Authorization", `${scheme} ‹${token.choice.format === "opaque" ? "opaque token" : "JWT"} of ${value.length} characters›`]);
  }
  if (headers.has("DPoP")) fields.push(["DPoP", "‹a proof for this request›"]);
  return fields;
}
