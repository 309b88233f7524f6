// challenges parses the value of WWW-Authenticate (RFC 9110, Section 11.6.1), in
// which fetch joins several field lines by commas.
export function challenges(value) {
  const name = "[!#$%&'*+.^_`|~0-9A-Za-z-]+", end = "(?=[ \\t]*(?:,|$))";
  const separator = /[ \t,]*/y;
  const parameter = new RegExp(`(${name})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${name}))${end}`, "y");
  const scheme = new RegExp(`(${name})(?: +([A-Za-z0-9._~+/-]+=*)${end})?(?= |,|$)`, "y");
  const found = [];
  for (let at = 0; ; ) {
    const next = (pattern) => { pattern.lastIndex = at; const m = pattern.exec(value); if (m) at = pattern.lastIndex; return m; };
    next(separator);
    const p = found.length > 0 && next(parameter);
    if (p) { found.at(-1).params[p[1].toLowerCase()] ??= p[3] ?? p[2].replace(/\\(.)/g, "$1"); continue; }
    const s = next(scheme);
    if (!s) return at === value.length ? found : []; // malformed
    found.push({ scheme: s[1].toLowerCase(), token68: s[2], params: Object.create(null) });
  }
}

// client returns a fetch that sends access tokens and reacts to refusals. token()
// returns the current token, renew() a new one with the same scope, and authorize()
// one with what the API asks for, usually after a login. Without one, they return
// null, and the caller gets the refusal.
export function client({ token, renew, authorize, send = fetch, wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)) }) {
  return async (url, options = {}) => {
    let access = await token(), renewed = false, authorized = false, waits = 0;
    for (;;) {
      const headers = new Headers(options.headers);
      if (access) headers.set("Authorization", `Bearer ${access}`);
      const answer = await send(url, { ...options, headers });
      const asked = challenges(answer.headers.get("WWW-Authenticate") ?? "").filter((c) => c.scheme === "bearer" || c.scheme === "dpop");
      const { error, scope, acr_values, max_age } = (asked.find((c) => c.params.error) ?? asked[0])?.params ?? {};
      let retry = false;
      if (answer.status === 401 && error === "invalid_token" && !renewed) {
        renewed = true; // once: if the API refuses a new token too, the token is not the problem
        retry = access = await renew();
      } else if ((answer.status === 401 || (answer.status === 403 && error === "insufficient_scope")) && !authorized) {
        authorized = true;
        retry = access = await authorize({ error, scope, acr_values, max_age });
      } else if ((answer.status === 503 || answer.status === 429) && (options.method ?? "GET") === "GET" && waits++ < 3) {
        const after = answer.headers.get("Retry-After") ?? "5"; // seconds, or a date
        const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
        await wait(Math.min(Math.max(seconds || 5, 1), 60));
        retry = true; // with the same token: nothing says that it is bad
      }
      if (!retry) return answer;
    }
  };
}
