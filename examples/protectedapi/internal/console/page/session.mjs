// The session of the page: who it acts for, and the token that it has.

import * as dpop from "./dpop.mjs";
import { post } from "./program.mjs";

export const nobody = "nobody";

export class Session extends EventTarget {
  token = null; // or { value, choice, expires, key, changed, revoked }
  #state;
  #key; // made at the first bound token

  constructor(state) {
    super();
    this.#state = state;
  }

  person(id) { return this.#state.people.find((p) => p.id === id); }

  // get gets a token as a choice describes it: person, scopes, format (jwt or
  // opaque), life, mfa, bound.
  async get(choice) {
    const { user, client } = this.person(choice.person);
    const bound = choice.bound || this.#state.dpop === "required";
    const form = { grant_type: "client_credentials", client_id: client, scope: choice.scopes.join(" "), token_format: choice.format, valid_for: choice.life };
    if (user) form.sub = user;
    if (choice.mfa) Object.assign(form, { acr: "urn:example:mfa", auth_age: "1" });
    const fields = {};
    if (bound) {
      this.#key ??= await dpop.newKey();
      fields.DPoP = await dpop.proof(this.#key, { method: "POST", url: this.#state.issuer.token_endpoint });
    }
    const answer = await post("token", form, fields);
    const life = choice.life.startsWith("-") ? -60 : answer.expires_in;
    this.use({ value: answer.access_token, choice, expires: Date.now() + life * 1000, key: bound ? this.#key : null, changed: false, revoked: false });
    return this.token.value;
  }

  // change changes one character of the signature, or of an opaque token.
  change() {
    const { value } = this.token;
    const at = Math.max(value.lastIndexOf(".") + 1, value.indexOf("_") + 1);
    this.use({ ...this.token, value: value.slice(0, at) + (value[at] === "A" ? "B" : "A") + value.slice(at + 1), changed: true });
  }

  async revoke() {
    await post("revoke", { token: this.token.value });
    this.use({ ...this.token, revoked: true });
  }

  // claims returns what a JWT says. The page does not verify it: that is the
  // API's task.
  claims() {
    const segments = this.token?.value.split(".") ?? [];
    if (segments.length !== 3) return null;
    const text = atob(segments[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (c) => c.charCodeAt(0))));
  }

  // use makes a token the session's own; null: none.
  use(token) {
    this.token = token;
    this.dispatchEvent(new Event("change"));
  }
}
