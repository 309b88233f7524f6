// A page whose API and issuer are of other origins: authorization code with PKCE, and
// the client of docs/browser-clients.md. It logs what happens.
import { client } from "/client.mjs";

const saved = (name) => JSON.parse(sessionStorage.getItem(name));
const save = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));
const json = async (url, options) => (await fetch(url, options)).json();

const config = await json("/config.json");
const issuer = await json(config.issuer + "/.well-known/oauth-authorization-server");

function log(line) {
  document.querySelector("#log").append(Object.assign(document.createElement("li"), { textContent: line }));
  save("log", [...(saved("log") ?? []), line]);
}

const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// login leaves the page. The call that needed it goes on after the login.
async function login({ scope, acr_values, max_age }, call) {
  const verifier = random(), state = random();
  const scopes = new Set(["openid", ...(saved("tokens")?.scope ?? "").split(" "), ...(scope ?? "").split(" ")]);
  save("pending", { verifier, state, call });
  const url = new URL(issuer.authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: "code", client_id: config.client, redirect_uri: location.origin + "/", scope: [...scopes].filter(Boolean).join(" "), state,
    code_challenge: base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))), code_challenge_method: "S256",
    ...(acr_values && { acr_values }), ...(max_age && { max_age }),
  });
  location.assign(url);
  return new Promise(() => {});
}

async function tokens(parameters) {
  const answer = await json(issuer.token_endpoint, { method: "POST", body: new URLSearchParams({ client_id: config.client, ...parameters }) });
  if (!answer.access_token) {
    log("no token: " + answer.error);
    return null;
  }
  save("tokens", { ...saved("tokens"), ...answer });
  return answer.access_token;
}

async function comeBack(query) {
  const pending = saved("pending");
  history.replaceState(null, "", "/");
  sessionStorage.removeItem("pending");
  if (!pending || query.get("state") !== pending.state || query.get("iss") !== issuer.issuer) return log("a forged answer");
  if (query.has("error")) return log(query.get("error"));
  if (!await tokens({ grant_type: "authorization_code", code: query.get("code"), redirect_uri: location.origin + "/", code_verifier: pending.verifier })) return;
  log("signed in");
  await send(pending.call);
}

async function send(call) {
  const api = client({
    token: () => saved("tokens")?.access_token,
    renew: async () => {
      const refresh_token = saved("tokens")?.refresh_token;
      const token = refresh_token ? await tokens({ grant_type: "refresh_token", refresh_token }) : null;
      if (token) log("renewed");
      return token;
    },
    authorize: (wanted) => login(wanted, call),
    send: async (url, options) => {
      const answer = await fetch(url, options);
      log(`${options.method} ${new URL(url).pathname} ${answer.status}`);
      return answer;
    },
  });
  const answer = await api(config.api + call.path, { method: call.method });
  if (answer.ok) log(await answer.text());
}

async function busy(action) {
  document.body.dataset.busy = "true";
  await action(); // never ends if the page is left
  delete document.body.dataset.busy;
}

for (const button of document.querySelectorAll("[data-path]")) {
  const { method, path } = button.dataset;
  button.addEventListener("click", () => busy(() => send({ method, path })));
}
document.querySelector("#spoil").addEventListener("click", () => {
  save("tokens", { ...saved("tokens"), access_token: saved("tokens").access_token.slice(0, -8) + "AAAAAAAA" });
});
document.querySelector("#sign-out").addEventListener("click", () => {
  const url = new URL(issuer.end_session_endpoint);
  url.search = new URLSearchParams({ id_token_hint: saved("tokens").id_token, post_logout_redirect_uri: location.origin + "/?signed-out" });
  sessionStorage.removeItem("tokens");
  document.body.dataset.busy = "true";
  location.assign(url);
});

for (const line of saved("log") ?? []) document.querySelector("#log").append(Object.assign(document.createElement("li"), { textContent: line }));
const query = new URLSearchParams(location.search);
await busy(async () => {
  if (query.has("signed-out")) {
    history.replaceState(null, "", "/");
    log("signed out");
  } else if (query.has("state")) {
    await comeBack(query);
  }
});
document.body.dataset.ready = "true";
