// Proofs of possession (RFC 9449) by WebCrypto. The private key cannot leave the
// browser, so a stolen token is of no use elsewhere.

const bytes = (text) => new TextEncoder().encode(text);
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const segment = (value) => base64url(bytes(JSON.stringify(value)));

// available is false on a page that is neither https nor on a loopback address.
export const available = globalThis.crypto?.subtle !== undefined;

export async function newKey() {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { sign: pair.privateKey, jwk: { kty, crv, x, y } };
}

// proof returns a proof for one request. Without a token, it is for the token
// endpoint.
export async function proof(key, { method, url, token, nonce }) {
  const claims = { jti: crypto.randomUUID(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000) };
  if (token) claims.ath = base64url(await crypto.subtle.digest("SHA-256", bytes(token)));
  if (nonce) claims.nonce = nonce;
  const signed = segment({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk }) + "." + segment(claims);
  return signed + "." + base64url(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key.sign, bytes(signed)));
}
