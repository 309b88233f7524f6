package main

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// demoRow is one row of the table of answers.
type demoRow struct {
	status int
	about  string
	curl   string // one line for /bin/sh
}

// rows returns a request for each row of the table of answers, with real
// tokens.
func (m *demo) rows() []demoRow {
	d := m.issuer
	opaque, revoked := m.mintOpaque("orders:read"), m.mintOpaque("orders:read")
	asClient := " -u " + quote(d.client.ID+":"+d.client.Secret) + " -d token="
	reader := m.mint(bearertest.Token{Scope: "orders:read"})
	profile := m.mint(bearertest.Token{Scope: "profile"})
	get := func(path, token string) string { return m.send("GET", path, token) }
	minted := func(path string, t bearertest.Token) string { return get(path, m.mint(t)) }
	raw := func(credentials string) string {
		return m.curl("GET", "/orders", "-H", quote("Authorization: "+credentials))
	}
	stolen := rand.Text()
	fetch := "curl -si " + m.tokenRequest("orders:read orders:write") + m.binding()

	rows := []demoRow{
		{200, "any valid token", get("/me", reader)},
		{200, "a token with orders:read", get("/orders", reader)},

		{401, "no credentials: a challenge without an error", m.curl("GET", "/orders")},
		{401, "another scheme is no access token: the same", m.curl("GET", "/orders", "-u", "alice:secret")},

		{400, "two Authorization lines: invalid_request", get("/orders", reader) + " -H " + authorization(m.scheme, reader)},
		{400, "characters that no token has: invalid_request", raw(m.scheme + " not*a*token")},
		{400, "no token behind the scheme: invalid_request", raw(m.scheme)},

		{401, "an expired token: invalid_token, and only here the description says why",
			minted("/orders", bearertest.Token{Scope: "orders:read", TTL: -time.Hour})},
		{401, "a forged signature: invalid_token", get("/orders", forge(reader))},
		{401, "a token for another API (aud): invalid_token",
			minted("/orders", bearertest.Token{Scope: "orders:read", Audience: []string{"https://other.example.com"}})},
		{401, "a token of another issuer: invalid_token",
			minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": "https://login.example.com"}})},
		{401, "an ID token in place of an access token: invalid_token",
			minted("/orders", bearertest.Token{
				Header: map[string]any{"typ": "JWT"},
				Claims: map[string]any{"client_id": nil, "jti": nil, "nonce": "n-0S6_WzA2Mj"},
			})},

		{403, "a token with orders:read alone: insufficient_scope, and the scope to ask for", m.send("POST", "/orders", reader)},
		{403, "orders:readall is another scope than orders:read: insufficient_scope",
			minted("/orders", bearertest.Token{Scope: "orders:readall"})},

		{200, "alice's own profile", get("/users/alice/profile", profile)},
		{200, "auth0|alice's own profile",
			minted("/users/auth0%7Calice/profile", bearertest.Token{Subject: "auth0|alice", Scope: "profile"})},
		{403, "somebody else's profile: no challenge, no other token would help", get("/users/bob/profile", profile)},
		{403, "a client's own token, though its id is in the path: no challenge",
			minted("/users/app/profile", bearertest.Token{Subject: "app", ClientID: "app", Scope: "profile"})},

		{401, "a token without acr and auth_time: insufficient_user_authentication",
			m.send("POST", "/transfers", m.mint(bearertest.Token{Scope: "transfers:write"}))},
		{200, "the same after step-up: a token that says mfa, 10 seconds ago", m.stepUp()},

		{200, "optional authentication: a greeting for a stranger", m.curl("GET", "/greeting")},
		{200, "optional authentication: a greeting for alice", get("/greeting", reader)},
		{401, "optional authentication: a bad token is refused all the same", get("/greeting", forge(reader))},

		{503, "keys out of reach, so we cannot tell: Retry-After and no challenge (this token's issuer, " +
			d.outOfReach() + ", is trusted with -dev alone, and publishes no keys)",
			minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": d.outOfReach()}})},
		{200, "ready: the keys of the development issuer are at hand", m.curl("GET", "/readyz")},
		{200, "what a client must know of this API (RFC 9728): the issuer, the scopes, how tokens are bound",
			m.curl("GET", m.metadataPath)},

		{200, "an opaque token, which the development issuer is asked about (RFC 7662)", get("/orders", opaque)},
		{403, "an opaque token with orders:read alone: insufficient_scope", m.send("POST", "/orders", opaque)},
		{401, "an opaque token that the issuer does not know: invalid_token", get("/orders", "opaque_"+rand.Text())},
		{401, "an opaque token, revoked (RFC 7009) before its first use: invalid_token. " + afterRevocation(m.config.introspection.maxAge),
			"curl -s " + quote(d.url()+"/revoke") + asClient + revoked + " && " + get("/orders", revoked)},

		{401, "a token that was denied by its jti, before it expires: invalid_token. Its sub or client_id would do, too",
			m.deny(stolen) + " && " + minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"jti": stolen}})},

		{200, "the development issuer: a fresh token, with any scope, sub, acr and auth_age", fetch},
		{200, "the development issuer: a fresh opaque token", fetch + " -d token_format=opaque"},
		{200, "the development issuer: what it says of an opaque token to this program, whose credentials these are",
			"curl -si " + quote(d.url()+"/introspect") + asClient + opaque},
	}
	return append(append(rows, m.proofRows()...), m.certificateRows()...)
}

// deny is a request that denies the token of a jti, and shows nothing.
func (m *demo) deny(jti string) string {
	return m.send("POST", "/denials", m.mint(bearertest.Token{Scope: "denials:write"})) +
		" -o /dev/null -d " + quote(`{"jti":"`+jti+`"}`)
}

// stepUp is a request with a fresh token, since one that was minted now would
// be too old soon.
func (m *demo) stepUp() string {
	fetch := "$(curl -s " + m.tokenRequest("transfers:write") + m.binding() +
		` -d acr=urn:example:mfa -d auth_age=10 | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
	if m.scheme == "DPoP" { // whose proof needs it too
		return `TOKEN="` + fetch + `"; ` + m.send("POST", "/transfers", "$TOKEN")
	}
	return m.send("POST", "/transfers", fetch)
}

// afterRevocation says how soon the revocation of a token is seen that was used
// before.
func afterRevocation(maxAge time.Duration) string {
	if maxAge == 0 {
		return "One that was used before is refused at once, too, since no answer is kept (-introspection-max-age 0s)"
	}
	return "One that was used before lives on for up to " + maxAge.String() + " (-introspection-max-age), while its answer is kept"
}

// forge changes a character of the token's signature, not the last one, which
// holds unused bits.
func forge(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	changed := "A"
	if token[at] == 'A' {
		changed = "B"
	}
	return token[:at] + changed + token[at+1:]
}

// quote quotes a word for /bin/sh, if need be.
func quote(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:=%@+") == "" && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
