// Runs oidc-provider on loopback for the tests in the parent folder.
//
// Access tokens are opaque. For a resource (RFC 8707) they are JWTs as in RFC
// 9068, and the path of the resource selects the algorithm and the lifetime in
// seconds: https://api.example.com/ES256, .../PS256/2. The resource .../opaque has
// opaque tokens with an audience. Any other resource has ES256. The server accepts
// DPoP proofs (RFC 9449). Two clients may introspect and revoke tokens:
// resource-server, with a secret, and resource-server-key, whose public key is the
// JWK in CLIENT_KEY. The access tokens of users have roles and groups.
//
// LISTEN is host:port; port 0 selects a free port. ISSUER is the issuer
// identifier; by default it is the URL of the server. KID is the prefix of the key
// ids. The server prints its URL and exits when its standard input ends.

import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const { CLIENT_KEY, ISSUER, LISTEN = '127.0.0.1:0', KID = 'key' } = process.env;
const apis = 'https://api.example.com/';
const secret = createSecretKey(randomBytes(32));

const keys = [
  ['RS256', 'rsa', { modulusLength: 2048 }],
  ['PS256', 'rsa', { modulusLength: 2048 }],
  ['ES256', 'ec', { namedCurve: 'P-256' }],
  ['ES384', 'ec', { namedCurve: 'P-384' }],
  ['ES512', 'ec', { namedCurve: 'P-521' }],
  ['EdDSA', 'ed25519', {}],
  ['Ed25519', 'ed25519', {}],
].map(([alg, type, options]) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  alg, use: 'sig', kid: `${KID}-${alg}`,
}));

const formats = {
  HS256: { sign: { alg: 'HS256', key: secret } },
  encrypted: { sign: { alg: 'ES256' }, encrypt: { alg: 'dir', enc: 'A128CBC-HS256', key: secret } },
};

function getResourceServerInfo(ctx, resource) {
  const [alg, seconds] = resource.startsWith(apis) ? resource.slice(apis.length).split('/') : ['ES256'];
  return {
    scope: 'orders:read orders:write orders:readall',
    audience: resource,
    accessTokenTTL: Number(seconds ?? 300),
    ...(alg === 'opaque'
      ? { accessTokenFormat: 'opaque' }
      : { accessTokenFormat: 'jwt', jwt: formats[alg] ?? { sign: { alg } } }),
  };
}

const resourceServer = { grant_types: [], redirect_uris: [], response_types: [] };
const mayAsk = (ctx, client) => client.clientId.startsWith('resource-server');

const server = createServer();
const [host, port] = LISTEN.split(':');
server.listen(Number(port), host, () => {
  const at = `http://${host}:${server.address().port}`;
  const provider = new Provider(ISSUER || at, {
    jwks: { keys },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: (ctx, token) => (token.accountId ? { roles: ['admin'], groups: ['staff', 'sales'] } : {}),
    enabledJWA: {
      idTokenSigningAlgValues: keys.map((key) => key.alg),
      dPoPSigningAlgValues: ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
    },
    clients: [
      {
        client_id: 'machine', client_secret: 'machine-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
      },
      { client_id: 'resource-server', client_secret: 'resource-server-secret', ...resourceServer },
      ...(CLIENT_KEY ? [{
        client_id: 'resource-server-key',
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [JSON.parse(CLIENT_KEY)] },
        introspection_signed_response_alg: 'ES256',
        ...resourceServer,
      }] : []),
      ...['RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => ({
        client_id: `native-${alg}`,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'implicit'],
        response_types: ['code', 'id_token'],
        redirect_uris: ['http://127.0.0.1/callback'],
        id_token_signed_response_alg: alg,
      })),
    ],
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      dPoP: { enabled: true },
      introspection: { enabled: true, allowedPolicy: mayAsk },
      jwtIntrospection: { enabled: true },
      registration: { enabled: true },
      revocation: { enabled: true, allowedPolicy: mayAsk },
      resourceIndicators: {
        enabled: true, getResourceServerInfo, defaultResource: () => undefined, useGrantedResource: () => true,
      },
    },
  });
  server.on('request', provider.callback());
  console.log(at);
});
process.stdin.resume().on('end', () => process.exit(0));
