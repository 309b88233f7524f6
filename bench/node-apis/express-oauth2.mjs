// An API with express-oauth2-jwt-bearer, as its README and its API reference show:
// auth with the issuer and the audience, strict for RFC 9068, DPoP allowed (the
// default), and requiredScopes on the route.
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { serve } from './serve.mjs'

const { ISSUER, AUDIENCE, SCOPE } = process.env

const app = express()
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, strict: true }))
app.get('/orders', requiredScopes(SCOPE), (req, res) => res.send('orders'))
serve(app)
