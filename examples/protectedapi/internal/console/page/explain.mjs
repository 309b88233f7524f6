// Explains an answer: what it means, and what a client does. The order of the
// questions is that of docs/answers.md: the status, then the challenge.

import { challenges } from "./client.mjs";

// verdicts maps a status and an error of the challenge to an explanation. Remedy is
// what helps: login, renew, scope, stepUp, wait or nothing.
const verdicts = {
  "400 invalid_request": {
    title: "The request is malformed.", remedy: "",
    why: "The credentials are not sent as RFC 6750 says: no token after the scheme, characters that no token has, or two of them.",
    client: "Fix the request. No other token helps.",
  },
  "401 ": {
    title: "Nobody is logged in.", remedy: "login",
    why: "The request has no token, so the challenge has no error (RFC 6750, Section 3.1). It names the scope to ask for.",
    client: "Log in, and ask for the scope of the challenge.",
  },
  "401 invalid_token": {
    title: "The API does not accept this token.", remedy: "renew",
    why: "The token is expired, revoked, changed, or meant for another API. Only of an expired token does the API say so: a client must not learn why it refused a forged one. The API's log says why.",
    client: "Get a new token once. If that is refused too, log in.",
  },
  "401 insufficient_user_authentication": {
    title: "The login is too weak or too old.", remedy: "stepUp",
    why: "The token is good, but this route needs another authentication (RFC 9470): see acr_values and max_age.",
    client: "Log the user in again, with acr_values and max_age of the challenge.",
  },
  "401 invalid_dpop_proof": {
    title: "The proof of possession is missing or wrong.", remedy: "prove",
    why: "The token is bound to a key. Only who has the key can use the token, so a stolen one is worthless (RFC 9449).",
    client: "Send a new proof with each request: for its method, its URL and this token.",
  },
  "401 use_dpop_nonce": {
    title: "The API wants a nonce in the proof.", remedy: "prove",
    why: "The answer has the nonce in DPoP-Nonce (RFC 9449, Section 9).",
    client: "Repeat the request with a proof that has this nonce.",
  },
  "403 insufficient_scope": {
    title: "The token is good, but grants too little.", remedy: "scope",
    why: "The challenge lists every scope that the route needs (RFC 6750, Section 3.1).",
    client: "Ask for more scope if the user may have it. Otherwise show what is missing. Do not log the user out.",
  },
  "403 ": {
    title: "This caller may not do that.", remedy: "",
    why: "There is no challenge, because no other token of this caller would help: the resource belongs to somebody else, or a policy says no.",
    client: "Show that it is not allowed. Neither a login nor a new token helps.",
  },
  "404 ": { title: "There is no such path.", remedy: "", why: "Or the API hides that it exists.", client: "Give up." },
  "429 ": {
    title: "Too many bad tokens from this address.", remedy: "wait",
    why: "The API refuses each token from the address for a while, good ones too, without looking at them (bearer.FailureLimit).",
    client: "Keep the token, wait as Retry-After says, and retry.",
  },
  "431 ": { title: "The token is too long.", remedy: "", why: "Another token of this kind is as long.", client: "Get a shorter token." },
  "503 ": {
    title: "The API cannot tell whether the token is good.", remedy: "wait",
    why: "The issuer is out of reach. An outage is never a 401: nobody has said that the token is bad.",
    client: "Keep the token, wait as Retry-After says, and retry. Do not log the user out.",
  },
};

const admitted = {
  title: "The API lets the request in.", remedy: "", client: "Nothing.",
  why: "The token is accepted, and it has what the route needs; or the route is open to anyone.",
};

// explain returns { title, why, client, remedy, wanted, asked }: asked is the
// challenge that counts, and wanted what it asks for.
export function explain(status, field) {
  const list = challenges(field ?? "");
  const asked = list.find((c) => c.params.error) ?? list[0];
  const { error = "", scope, acr_values, max_age } = asked?.params ?? {};
  const verdict = status < 300 ? admitted : verdicts[`${status} ${error}`] ??
    { title: `The answer is ${status}.`, why: "That is no answer about a token.", client: "See the body.", remedy: "" };
  const why = error === "invalid_token" && asked.params.error_description?.includes("expired")
    ? "The token was good, and has expired. Only a genuine token gets this text." : verdict.why;
  return { ...verdict, why, asked, list, wanted: { error, scope, acr_values, max_age } };
}

// missing returns the scopes of a challenge that a token lacks.
export const missing = (wanted, scopes) => (wanted.scope ?? "").split(" ").filter((name) => name && !scopes.includes(name));
