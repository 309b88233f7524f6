// The client for ../dev_client_test.go: openid-client, which is strict about what an
// authorization server answers. Each line of standard input is a command in JSON,
// and each line of standard output is its result. The client exits when its input
// ends.

import { createInterface } from 'node:readline';

import * as client from 'openid-client';

const onLoopback = { execute: [client.allowInsecureRequests] };
let config; // of the client that the last command chose
let DPoP;
let pending; // the checks of a sign-in that began
let device;

const options = () => (DPoP ? { DPoP } : undefined);
const summary = (tokens) => ({
  access: tokens.access_token,
  refresh: tokens.refresh_token,
  id: tokens.id_token,
  type: tokens.token_type,
  claims: tokens.claims?.(),
});

const commands = {
  // Finds the issuer, for a known client.
  async discover({ issuer, id, secret, algorithm = 'oidc' }) {
    config = await client.discovery(new URL(issuer), id, undefined, secret ? client.ClientSecretBasic(secret) : client.None(), {
      ...onLoopback, algorithm,
    });
    return { issuer: config.serverMetadata().issuer };
  },

  // Finds the issuer and registers.
  async register({ issuer, redirect }) {
    config = await client.dynamicClientRegistration(new URL(issuer), {
      client_name: 'interop', redirect_uris: [redirect], token_endpoint_auth_method: 'client_secret_post',
    }, undefined, onLoopback);
    return { id: config.clientMetadata().client_id };
  },

  // Uses DPoP from now on, or not.
  async dpop({ on }) {
    DPoP = on ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) : undefined;
    return {};
  },

  // Begins a sign-in. The browser goes to the URL.
  async begin({ redirect, ...parameters }) {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    pending = {
      pkceCodeVerifier,
      expectedState: client.randomState(),
      expectedNonce: client.randomNonce(),
      idTokenExpected: true,
      ...(parameters.max_age && { maxAge: Number(parameters.max_age) }),
    };
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirect, ...parameters,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
      state: pending.expectedState, nonce: pending.expectedNonce,
      ...(DPoP && { dpop_jkt: await DPoP.calculateThumbprint() }),
    });
    return { url: url.href };
  },

  // Ends a sign-in, with the URL to which the browser came back. The signature of
  // the ID token is checked, too.
  async finish({ url, ...parameters }) {
    return summary(await client.authorizationCodeGrant(config, new URL(url), pending, parameters, options()));
  },

  async refresh({ token, ...parameters }) {
    return summary(await client.refreshTokenGrant(config, token, parameters, options()));
  },

  async userinfo({ token, subject }) {
    return client.fetchUserInfo(config, token, subject, options());
  },

  async own(parameters) {
    return summary(await client.clientCredentialsGrant(config, parameters, options()));
  },

  async introspect({ token }) {
    return client.tokenIntrospection(config, token);
  },

  async revoke({ token }) {
    await client.tokenRevocation(config, token);
    return {};
  },

  async device(parameters) {
    device = await client.initiateDeviceAuthorization(config, parameters);
    return device;
  },

  // Polls until the user has decided; quickly, since the test has decided already.
  async poll() {
    return summary(await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 0.05 }, undefined, options()));
  },

  async logout(parameters) {
    return { url: client.buildEndSessionUrl(config, parameters).href };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await commands[command](parameters) };
    if (command === 'discover' || command === 'register') client.enableNonRepudiationChecks(config);
  } catch (error) {
    answer = { error: `${error.code ?? ''} ${error.error ?? ''} ${error.stack} ${JSON.stringify(error.cause)}` };
  }
  console.log(JSON.stringify(answer));
}
