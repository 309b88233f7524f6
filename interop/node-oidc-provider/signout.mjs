// Runs oidc-provider on loopback for the tests of sign-out in the parent folder.
//
// Its access tokens are JWTs as in RFC 9068. The client shop gets access tokens
// with sid, and logout tokens with sid and sub. The client desk gets access tokens
// without sid, and logout tokens with sub alone. Logout tokens are posted to
// RECEIVER. The server prints its URL and exits when its standard input ends. It
// reports what the receiver answers on standard error.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const key = {
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'key',
};

function getResourceServerInfo(ctx, resource) {
  return {
    scope: 'orders:read', audience: resource, accessTokenTTL: 300, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
  };
}

// extraTokenClaims adds the session to the access tokens of clients that get it in
// logout tokens.
function extraTokenClaims(ctx) {
  const { AuthorizationCode, RefreshToken } = ctx.oidc.entities;
  const sid = (AuthorizationCode ?? RefreshToken)?.sid;
  return sid ? { sid } : undefined;
}

const client = (id, session) => ({
  client_id: id,
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback'],
  id_token_signed_response_alg: 'ES256',
  backchannel_logout_uri: process.env.RECEIVER,
  backchannel_logout_session_required: session,
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    clients: [client('shop', true), client('desk', false)],
    extraTokenClaims,
    // The OP's own dispatcher refuses loopback addresses, where the receiver is.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true, getResourceServerInfo, defaultResource: () => undefined, useGrantedResource: () => true,
      },
    },
  });
  provider.on('backchannel.success', (ctx, { clientId }) => console.error(`back-channel logout of ${clientId}: success`));
  provider.on('backchannel.error', (ctx, err, { clientId }) => console.error(`back-channel logout of ${clientId}: ${err.message}`));
  server.on('request', provider.callback());
  console.log(issuer);
});
process.stdin.resume().on('end', () => process.exit(0));
