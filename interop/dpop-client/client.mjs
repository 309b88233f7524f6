// The client for ../dpop_client_test.go. oauth4webapi creates proofs (RFC 9449),
// keeps nonces, requests tokens, and parses challenges and metadata. Each line of
// standard input is a command in JSON, and each line of standard output is its
// result. The client exits when its input ends.
//
// The name of a key begins with its algorithm: "ES256", "ES256 another".

import { createInterface } from 'node:readline';

import * as oauth from 'oauth4webapi';

const onLoopback = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'machine' };
const authentication = oauth.ClientSecretBasic('machine-secret');

const keys = new Map();
async function keyOf(name) {
  if (!keys.has(name)) {
    keys.set(name, oauth.DPoP(client, await oauth.generateKeyPair(name.split(' ')[0])));
  }
  return keys.get(name);
}

const commands = {
  // Requests a token for a resource (RFC 8707), bound to the key if there is one.
  async token({ issuer, resource, scope, key }) {
    const url = new URL(issuer);
    const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, onLoopback));
    const DPoP = key ? await keyOf(key) : undefined;
    const response = await oauth.clientCredentialsGrantRequest(
      as, client, authentication, { resource, scope }, { ...onLoopback, ...(DPoP && { DPoP }) },
    );
    const tokens = await oauth.processClientCredentialsResponse(as, client, response);
    return { token: tokens.access_token, type: tokens.token_type, thumbprint: await DPoP?.calculateThumbprint() };
  },

  // Requests a resource. Without a key the scheme is Bearer. The client retries if
  // the server requires a nonce. An unsent request only creates the proof.
  async request({ method = 'GET', url, token, key, unsent }) {
    const exchanges = [];
    const DPoP = key ? await keyOf(key) : undefined;
    const options = {
      ...onLoopback,
      ...(DPoP && { DPoP }),
      [oauth.customFetch]: async (target, init) => {
        const response = unsent ? Response.json({}) : await fetch(target, init);
        exchanges.push({
          url: target,
          proof: init.headers.dpop,
          status: response.status,
          nonce: response.headers.get('dpop-nonce') ?? '',
          body: await response.clone().text(),
        });
        return response;
      },
    };
    for (;;) {
      try {
        await oauth.protectedResourceRequest(token, method, new URL(url), undefined, undefined, options);
        return exchanges;
      } catch (error) {
        if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error;
        exchanges.at(-1).challenges = error.cause;
        if (!oauth.isDPoPNonceError(error) || exchanges.length > 1) return exchanges;
      }
    }
  },

  // Fetches a resource's metadata (RFC 9728): by its identifier, or from the URL in
  // a challenge.
  async metadata({ resource, at }) {
    const expected = new URL(resource);
    const response = at ? await fetch(at) : await oauth.resourceDiscoveryRequest(expected, onLoopback);
    return { at: response.url, metadata: await oauth.processResourceDiscoveryResponse(expected, response) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await commands[command](parameters) };
  } catch (error) {
    answer = { error: `${error.stack} ${JSON.stringify(error.cause)}` };
  }
  console.log(JSON.stringify(answer));
}
