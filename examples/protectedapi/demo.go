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

// demo returns a request for each row of the table of answers, with real
// tokens. An answer about an opaque token is believed for maxAge.
func (d *devIssuer) demo(origin string, maxAge time.Duration) []demoRow {
	curl := func(path string, args ...string) string {
		line := "curl -si " + quote(origin+path)
		for _, arg := range args {
			if !strings.HasPrefix(arg, "-") {
				arg = quote(arg)
			}
			line += " " + arg
		}
		return line
	}
	const ttl = 12 * time.Hour // a demonstration may stay open for a day
	mint := func(t bearertest.Token) string {
		if t.TTL == 0 {
			t.TTL = ttl
		}
		return "Authorization: Bearer " + d.issuer.Mint(t)
	}
	mintOpaque := func(scope string) string {
		return d.issuer.MintOpaque(bearertest.Token{Scope: scope, TTL: ttl})
	}
	const header = "Authorization: Bearer "
	opaque, revoked := mintOpaque("orders:read"), mintOpaque("orders:read")
	asClient := " -u " + quote(d.client.ID+":"+d.client.Secret) + " -d token="
	reader := mint(bearertest.Token{Scope: "orders:read"})
	profile := mint(bearertest.Token{Scope: "profile"})
	transfer := bearertest.Token{Scope: "transfers:write"}

	return []demoRow{
		{200, "any valid token", curl("/me", "-H", reader)},
		{200, "a token with orders:read", curl("/orders", "-H", reader)},

		{401, "no credentials: a challenge without an error", curl("/orders")},
		{401, "another scheme is no access token: the same", curl("/orders", "-u", "alice:secret")},

		{400, "two Authorization lines: invalid_request", curl("/orders", "-H", reader, "-H", reader)},
		{400, "characters that no token has: invalid_request", curl("/orders", "-H", "Authorization: Bearer not*a*token")},
		{400, "no token behind the scheme: invalid_request", curl("/orders", "-H", "Authorization: Bearer")},

		{401, "an expired token: invalid_token, and only here the description says why",
			curl("/orders", "-H", mint(bearertest.Token{Scope: "orders:read", TTL: -time.Hour}))},
		{401, "a forged signature: invalid_token", curl("/orders", "-H", forge(reader))},
		{401, "a token for another API (aud): invalid_token",
			curl("/orders", "-H", mint(bearertest.Token{Scope: "orders:read", Audience: []string{"https://other.example.com"}}))},
		{401, "a token of another issuer: invalid_token",
			curl("/orders", "-H", mint(bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": "https://login.example.com"}}))},
		{401, "an ID token in place of an access token: invalid_token",
			curl("/orders", "-H", mint(bearertest.Token{
				Header: map[string]any{"typ": "JWT"},
				Claims: map[string]any{"client_id": nil, "jti": nil, "nonce": "n-0S6_WzA2Mj"},
			}))},
		{401, "a token bound to a key (cnf), where no binding is checked: invalid_token",
			curl("/orders", "-H", mint(bearertest.Token{
				Scope:  "orders:read",
				Claims: map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
			}))},

		{403, "a token with orders:read alone: insufficient_scope, and the scope to ask for",
			curl("/orders", "-X", "POST", "-H", reader)},
		{403, "orders:readall is another scope than orders:read: insufficient_scope",
			curl("/orders", "-H", mint(bearertest.Token{Scope: "orders:readall"}))},

		{200, "alice's own profile", curl("/users/alice/profile", "-H", profile)},
		{200, "auth0|alice's own profile",
			curl("/users/auth0%7Calice/profile", "-H", mint(bearertest.Token{Subject: "auth0|alice", Scope: "profile"}))},
		{403, "somebody else's profile: no challenge, no other token would help", curl("/users/bob/profile", "-H", profile)},
		{403, "a client's own token, though its id is in the path: no challenge",
			curl("/users/app/profile", "-H", mint(bearertest.Token{Subject: "app", ClientID: "app", Scope: "profile"}))},

		{401, "a token without acr and auth_time: insufficient_user_authentication",
			curl("/transfers", "-X", "POST", "-H", mint(transfer))},
		{200, "the same after step-up: a token that says mfa, 10 seconds ago",
			curl("/transfers", "-X", "POST", "-H") + ` "Authorization: Bearer $(curl -s ` + d.tokenRequest("transfers:write") +
				` -d acr=urn:example:mfa -d auth_age=10 | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"`},

		{200, "optional authentication: a greeting for a stranger", curl("/greeting")},
		{200, "optional authentication: a greeting for alice", curl("/greeting", "-H", reader)},
		{401, "optional authentication: a bad token is refused all the same", curl("/greeting", "-H", forge(reader))},

		{503, "keys out of reach, so we cannot tell: Retry-After and no challenge (this token's issuer, " +
			d.outOfReach() + ", is trusted with -dev alone, and publishes no keys)",
			curl("/orders", "-H", mint(bearertest.Token{Scope: "orders:read", Claims: map[string]any{"iss": d.outOfReach()}}))},
		{200, "ready: the keys of the development issuer are at hand", curl("/readyz")},

		{200, "an opaque token, which the development issuer is asked about (RFC 7662)", curl("/orders", "-H", header+opaque)},
		{403, "an opaque token with orders:read alone: insufficient_scope", curl("/orders", "-X", "POST", "-H", header+opaque)},
		{401, "an opaque token that the issuer does not know: invalid_token", curl("/orders", "-H", header+"opaque_"+rand.Text())},
		{401, "an opaque token, revoked (RFC 7009) before its first use: invalid_token. " + afterRevocation(maxAge),
			"curl -s " + quote(d.url()+"/revoke") + asClient + revoked + " && " + curl("/orders", "-H", header+revoked)},

		{200, "the development issuer: a fresh token, with any scope, sub, acr and auth_age",
			"curl -si " + d.tokenRequest("orders:read orders:write")},
		{200, "the development issuer: a fresh opaque token",
			"curl -si " + d.tokenRequest("orders:read orders:write") + " -d token_format=opaque"},
		{200, "the development issuer: what it says of an opaque token to this program, whose credentials these are",
			"curl -si " + quote(d.url()+"/introspect") + asClient + opaque},
	}
}

// afterRevocation says how soon the revocation of a token is seen that was used
// before.
func afterRevocation(maxAge time.Duration) string {
	if maxAge == 0 {
		return "One that was used before is refused at once, too, since no answer is kept (-introspection-max-age 0s)"
	}
	return "One that was used before lives on for up to " + maxAge.String() + " (-introspection-max-age), while its answer is kept"
}

// tokenRequest is what follows curl to get a token for alice.
func (d *devIssuer) tokenRequest(scope string) string {
	return quote(d.url()+"/token") + " -d grant_type=client_credentials -d client_id=app -d sub=alice -d " + quote("scope="+scope)
}

// forge changes a character of the token's signature, not the last one, which
// holds unused bits.
func forge(header string) string {
	at := strings.LastIndexByte(header, '.') + 1
	changed := "A"
	if header[at] == 'A' {
		changed = "B"
	}
	return header[:at] + changed + header[at+1:]
}

// quote quotes a word for /bin/sh, if need be.
func quote(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:=%@+") == "" && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
