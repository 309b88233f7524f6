// Sends requests to the API as a client does, and records each of them.

import { client } from "./client.mjs";
import * as dpop from "./dpop.mjs";
import { explain } from "./explain.mjs";

export class Calls {
  #nonce;

  // record is called with each exchange. The reactions are those of client.mjs:
  // renew, authorize and wait.
  constructor(state, session, record, reactions) {
    Object.assign(this, { state, session, record, reactions });
  }

  // call sends a request. Without react, the first answer is the result.
  async call(request) {
    const { method, path, react = false, cross = false } = request;
    const none = async () => null;
    const { renew, authorize, wait } = this.reactions;
    const send = (url, options) => this.#send(request, url, options);
    const base = cross ? this.state.twin : location.origin;
    const token = async () => this.session.token?.value ?? null;
    if (!react) {
      const value = await token();
      return send(base + path, { method, headers: new Headers(value ? { Authorization: `Bearer ${value}` } : {}) });
    }
    return client({ token, renew: renew ?? none, authorize: authorize ?? none, wait, send })(base + path, { method });
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
    const exchange = { request, method, url, sent: shown(headers, token), token, at: new Date() };
    let answer;
    try {
      answer = await fetch(url, { ...options, headers, cache: "no-store", credentials: "omit" });
    } catch (failure) {
      this.record({ ...exchange, failed: true });
      throw failure;
    }
    this.#nonce = answer.headers.get("DPoP-Nonce") ?? this.#nonce;
    const body = await answer.clone().text();
    const verdict = explain(answer.status, answer.headers.get("WWW-Authenticate"));
    this.record({ ...exchange, answer, body, verdict });
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
