// An API with jose, as the pages of jwtVerify and createRemoteJWKSet show. jose is no
// middleware: the answers are those of RFC 6750, written by hand.
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { serve } from './serve.mjs'

const { ISSUER, AUDIENCE, SCOPE } = process.env
const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`))

async function protect(req, res, next) {
  const [, token] = /^Bearer +(\S+)$/i.exec(req.headers.authorization ?? '') ?? []
  if (!token) {
    return res.set('WWW-Authenticate', 'Bearer realm="orders"').status(401).end()
  }
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: ISSUER,
      audience: AUDIENCE,
      typ: 'at+jwt',
      requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti'],
    })
    if (!String(payload.scope ?? '').split(' ').includes(SCOPE)) {
      return res.set('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${SCOPE}"`).status(403).end()
    }
    next()
  } catch {
    res.set('WWW-Authenticate', 'Bearer error="invalid_token"').status(401).end()
  }
}

const app = express()
app.get('/orders', protect, (req, res) => res.send('orders'))
serve(app)
