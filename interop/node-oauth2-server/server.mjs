// Runs @node-oauth/oauth2-server on loopback for the tests in the parent folder.
//
// The package issues opaque tokens. It has endpoints for authorization and tokens
// only; the handlers for metadata, introspection (RFC 7662) and revocation (RFC
// 7009) are those of this file, as its users write them. It knows no audience:
// every token is for the one API of this server. Every user is alice. Refresh
// tokens and authorization codes are inactive, because the introspection looks up
// access tokens only.
//
// The client brief gets tokens that live for two seconds. The server prints its URL
// and exits when its standard input ends.

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

import OAuth2Server from '@node-oauth/oauth2-server';

const { Request, Response } = OAuth2Server;
const audience = 'https://api.example.com/orders';
const resourceServer = { id: 'api', secret: 'api-secret' };

const clients = ['machine', 'brief', 'web'].map((id) => ({
  id,
  secret: `${id}-secret`,
  grants: ['client_credentials', 'authorization_code', 'refresh_token'],
  redirectUris: ['http://127.0.0.1/callback'],
  accessTokenLifetime: id === 'brief' ? 2 : 300,
}));

const tokens = new Map(); // by access token
const codes = new Map();

const model = {
  getClient: (id, secret) => clients.find((c) => c.id === id && (secret === null || c.secret === secret)),
  getUserFromClient: () => ({}),
  validateScope: (user, client, scope) => scope,
  saveToken: (token, client, user) => {
    const saved = { ...token, client, user, issuedAt: new Date() };
    tokens.set(token.accessToken, saved);
    return saved;
  },
  getAccessToken: (token) => tokens.get(token),
  getRefreshToken: (token) => [...tokens.values()].find((t) => t.refreshToken === token),
  revokeToken: (token) => tokens.delete(token.accessToken),
  saveAuthorizationCode: (code, client, user) => {
    const saved = { ...code, client, user };
    codes.set(code.authorizationCode, saved);
    return saved;
  },
  getAuthorizationCode: (code) => codes.get(code),
  revokeAuthorizationCode: (code) => codes.delete(code.authorizationCode),
};
const oauth = new OAuth2Server({ model });

const seconds = (date) => Math.floor(date / 1000);

function introspect(token) {
  const t = tokens.get(token);
  if (!t || t.accessTokenExpiresAt <= new Date()) {
    return { active: false };
  }
  return {
    active: true,
    token_type: 'Bearer',
    client_id: t.client.id,
    sub: t.user.name, // absent from the tokens of clients
    aud: audience,
    scope: t.scope?.join(' '),
    iat: seconds(t.issuedAt),
    exp: seconds(t.accessTokenExpiresAt),
  };
}

function mayIntrospect({ authorization = '' }) {
  const want = `Basic ${Buffer.from(`${resourceServer.id}:${resourceServer.secret}`).toString('base64')}`;
  const digest = (s) => createHash('sha256').update(s).digest();
  return timingSafeEqual(digest(authorization), digest(want));
}

function reply(res, status, body) {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

async function handle(req, res, issuer) {
  const url = new URL(req.url, issuer);
  const body = Object.fromEntries(new URLSearchParams(await text(req)));
  const request = new Request({
    headers: req.headers, method: req.method, query: Object.fromEntries(url.searchParams), body,
  });
  const response = new Response();
  switch (`${req.method} ${url.pathname}`) {
    case 'GET /.well-known/oauth-authorization-server':
      return reply(res, 200, { issuer, introspection_endpoint: `${issuer}/introspect`, response_types_supported: ['code'] });
    case 'GET /auth':
      await oauth.authorize(request, response, { authenticateHandler: { handle: () => ({ name: 'alice' }) } });
      return res.writeHead(response.status, response.headers).end();
    case 'POST /token':
      await oauth.token(request, response);
      return reply(res, response.status, response.body);
    case 'POST /introspect':
      return mayIntrospect(req.headers) ? reply(res, 200, introspect(body.token)) : reply(res, 401, { error: 'invalid_client' });
    case 'POST /revoke':
      tokens.delete(body.token);
      return reply(res, 200, {});
    default:
      return reply(res, 404, {});
  }
}

const server = createServer((req, res) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle(req, res, issuer).catch((err) => {
    console.error(err);
    reply(res, err.code ?? 500, { error: err.name });
  });
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
process.stdin.resume().on('end', () => process.exit(0));
