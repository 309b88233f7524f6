// The client of ../dpop_client_test.go: oauth4webapi makes proofs (RFC 9449),
// keeps nonces, asks for tokens, and reads challenges and metadata. Each line of
// the standard input is a command in JSON, each line of the output its result;
// the client ends when its input does.
//
// A key is named by its algorithm, and by another word where there are several.

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
  // A token for a resource (RFC 8707), bound to a key if there is one.
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

  // A request for a resource, as Bearer without a key, and again if the client
  // sees that a nonce is asked for. An unsent one is only made.
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

  // A resource's metadata (RFC 9728), where it is by its identifier, or at a URL
  // that a challenge names.
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
