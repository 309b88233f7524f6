package demo

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// row is one row of the table of answers.
type row struct {
	status int
	about  string
	curl   string // one line for /bin/sh
}

// rows returns a request for each row of the table of answers, with real tokens.
func (d *demo) rows() []row {
	reader := d.mint(bearertest.Token{Scope: "orders:read"})
	return slices.Concat(d.credentialRows(reader), d.tokenRows(reader), d.scopeRows(reader), d.userRows(),
		d.optionalRows(reader), d.opaqueRows(), d.proofRows(), d.certificateRows())
}

func (d *demo) get(path, token string) string { return d.send("GET", path, token) }

// minted sends a new token.
func (d *demo) minted(path string, t bearertest.Token) string { return d.get(path, d.mint(t)) }

// credentialRows are about how a request carries its token.
func (d *demo) credentialRows(reader string) []row {
	raw := func(credentials string) string {
		return d.curl("GET", "/orders", "-H", quote("Authorization: "+credentials))
	}
	return []row{
		{200, "any valid token", d.get("/me", reader)},
		{200, "a token with orders:read", d.get("/orders", reader)},

		{401, "no credentials: a challenge without an error", d.curl("GET", "/orders")},
		{401, "another scheme is no access token: the same", d.curl("GET", "/orders", "-u", "alice:secret")},

		{400, "two Authorization lines: invalid_request", d.get("/orders", reader) + " -H " + authorization(d.scheme, reader)},
		{400, "characters that no token has: invalid_request", raw(d.scheme + " not*a*token")},
		{400, "no token behind the scheme: invalid_request", raw(d.scheme)},
	}
}

// tokenRows are about tokens that are bad.
func (d *demo) tokenRows(reader string) []row {
	return []row{
		{401, "an expired token: invalid_token, and only here the description says why",
			d.minted("/orders", bearertest.Token{Scope: "orders:read", TTL: -time.Hour})},
		{401, "a forged signature: invalid_token", d.get("/orders", forge(reader))},
		{401, "a token for another API (aud): invalid_token",
			d.minted("/orders", bearertest.Token{Scope: "orders:read", Audience: []string{"https://other.example.com"}})},
		{401, "a token of another issuer: invalid_token",
			d.minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": "https://login.example.com"}})},
		{401, "an ID token in place of an access token: invalid_token",
			d.minted("/orders", bearertest.Token{
				Header: map[string]any{"typ": "JWT"},
				Claims: map[string]any{"client_id": nil, "jti": nil, "nonce": "n-0S6_WzA2Mj"},
			})},
	}
}

// scopeRows are about tokens that lack a scope.
func (d *demo) scopeRows(reader string) []row {
	return []row{
		{403, "a token with orders:read alone: insufficient_scope, and the scope to ask for", d.send("POST", "/orders", reader)},
		{403, "orders:readall is another scope than orders:read: insufficient_scope",
			d.minted("/orders", bearertest.Token{Scope: "orders:readall"})},
	}
}

// userRows are about who the user is, and how the user authenticated.
func (d *demo) userRows() []row {
	profile := d.mint(bearertest.Token{Scope: "profile"})
	return []row{
		{200, "alice's own profile", d.get("/users/alice/profile", profile)},
		{200, "auth0|alice's own profile",
			d.minted("/users/auth0%7Calice/profile", bearertest.Token{Subject: "auth0|alice", Scope: "profile"})},
		{403, "somebody else's profile: no challenge, no other token would help", d.get("/users/bob/profile", profile)},
		{403, "a client's own token, though its id is in the path: no challenge",
			d.minted("/users/app/profile", bearertest.Token{Subject: "app", ClientID: "app", Scope: "profile"})},

		{401, "a token without acr and auth_time: insufficient_user_authentication",
			d.send("POST", "/transfers", d.mint(bearertest.Token{Scope: "transfers:write"}))},
		{200, "the same after step-up: a token that says mfa, 10 seconds ago", d.stepUp()},
	}
}

// optionalRows are about optional authentication, keys and metadata.
func (d *demo) optionalRows(reader string) []row {
	return []row{
		{200, "optional authentication: a greeting for a stranger", d.curl("GET", "/greeting")},
		{200, "optional authentication: a greeting for alice", d.get("/greeting", reader)},
		{401, "optional authentication: a bad token is refused all the same", d.get("/greeting", forge(reader))},

		{503, "keys out of reach, so we cannot tell: Retry-After and no challenge (this token's issuer, " +
			d.Issuer.OutOfReach() + ", is trusted with -dev alone, and publishes no keys)",
			d.minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": d.Issuer.OutOfReach()}})},
		{200, "ready: the keys of the development issuer are at hand", d.curl("GET", "/readyz")},
		{200, "what a client must know of this API (RFC 9728): the issuer, the scopes, how tokens are bound",
			d.curl("GET", d.metadataPath)},
	}
}

// opaqueRows are about opaque tokens, denied tokens and the development issuer.
func (d *demo) opaqueRows() []row {
	opaque, revoked := d.mintOpaque("orders:read"), d.mintOpaque("orders:read")
	asClient := " -u " + quote(d.Issuer.Client.ID+":"+d.Issuer.Client.Secret) + " -d token="
	stolen := rand.Text()
	fetch := "curl -si " + d.tokenRequest("orders:read orders:write") + d.binding()
	return []row{
		{200, "an opaque token, which the development issuer is asked about (RFC 7662)", d.get("/orders", opaque)},
		{403, "an opaque token with orders:read alone: insufficient_scope", d.send("POST", "/orders", opaque)},
		{401, "an opaque token that the issuer does not know: invalid_token", d.get("/orders", "opaque_"+rand.Text())},
		{401, "an opaque token, revoked (RFC 7009) before its first use: invalid_token. " + afterRevocation(d.MaxAge),
			"curl -s " + quote(d.Issuer.URL()+"/revoke") + asClient + revoked + " && " + d.get("/orders", revoked)},

		{401, "a token that was denied by its jti, before it expires: invalid_token. Its sub, sid or client_id would do, too",
			d.deny(stolen) + " && " + d.minted("/orders", bearertest.Token{Scope: "orders:read", Claims: map[string]any{"jti": stolen}})},

		{200, "the development issuer: a fresh token, with any scope, sub, roles, sid, acr and auth_age", fetch},
		{200, "the development issuer: a fresh opaque token", fetch + " -d token_format=opaque"},
		{200, "the development issuer: what it says of an opaque token to this program, whose credentials these are",
			"curl -si " + quote(d.Issuer.URL()+"/introspect") + asClient + opaque},
	}
}

// deny returns a request that denies the token with a jti, and prints nothing.
func (d *demo) deny(jti string) string {
	return d.send("POST", "/denials", d.mint(bearertest.Token{Scope: "denials:write"})) +
		" -o /dev/null -d " + quote(`{"jti":"`+jti+`"}`)
}

// stepUp returns a request that fetches its token first. The authentication of a
// token that is minted now would soon be too old.
func (d *demo) stepUp() string {
	fetch := d.fetch("transfers:write", " -d acr=urn:example:mfa -d auth_age=10")
	if d.scheme == "DPoP" { // the proof needs the token too
		return `TOKEN="` + fetch + `"; ` + d.send("POST", "/transfers", "$TOKEN")
	}
	return d.send("POST", "/transfers", fetch)
}

// fetch returns a word that the shell expands to a new token for alice.
func (d *demo) fetch(scope, more string) string {
	return "$(curl -s " + d.tokenRequest(scope) + d.binding() + more + ` | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`
}

// afterRevocation says when the API sees the revocation of a token in use.
func afterRevocation(maxAge time.Duration) string {
	if maxAge == 0 {
		return "One that was used before is refused at once, too, since no answer is kept (-introspection-max-age 0s)"
	}
	return "One that was used before lives on for up to " + maxAge.String() + " (-introspection-max-age), while its answer is kept"
}

// forge changes the first character of a token's signature. The last one has
// unused bits.
func forge(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	changed := "A"
	if token[at] == 'A' {
		changed = "B"
	}
	return token[:at] + changed + token[at+1:]
}
