package dev

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// lookup returns an access token that is good now, and its claims.
func (i *issuer) lookup(text string) (t *token, claims map[string]any) {
	t, ok := i.issued.get(digestOf(text))
	if !ok || t.id || !t.grant.active() || json.Unmarshal(t.claims, &claims) != nil {
		return nil, nil
	}
	now := float64(time.Now().Unix())
	if exp, ok := claims["exp"].(float64); ok && exp <= now { // the claim parameter can change it
		return nil, nil
	}
	if nbf, ok := claims["nbf"].(float64); ok && nbf > now {
		return nil, nil
	}
	return t, claims
}

// introspect is the introspection endpoint (RFC 7662). Every client with a secret
// may ask. Refresh tokens and ID tokens are not active, since an API must not accept
// them.
func (i *issuer) introspect(r *http.Request) (any, *refusal) {
	client, refused := i.authenticate(r)
	if refused != nil {
		return nil, refused
	}
	if client == nil || client.Secret == "" {
		return nil, invalidClient("authenticate with a client that has a secret")
	}
	if r.PostForm.Get("token") == "" {
		return nil, invalidRequest("token is missing")
	}
	t, claims := i.lookup(r.PostForm.Get("token"))
	if t == nil {
		return map[string]any{"active": false}, nil
	}
	answer := map[string]any{"active": true, "token_type": "Bearer"}
	if jktOf(claims) != "" {
		answer["token_type"] = "DPoP" // RFC 9449, Section 6.2
	}
	maps.Copy(answer, claims)
	return answer, nil
}

func jktOf(claims map[string]any) string {
	cnf, _ := claims["cnf"].(map[string]any)
	jkt, _ := cnf["jkt"].(string)
	return jkt
}

// revoke is the revocation endpoint (RFC 7009). A client can revoke only its own
// tokens. The tokens of a refresh token's grant end with it.
func (i *issuer) revoke(r *http.Request) (any, *refusal) {
	client, refused := i.authenticate(r)
	if refused != nil {
		return nil, refused
	}
	text := r.PostForm.Get("token")
	switch {
	case client == nil:
		return nil, invalidClient("client_id is missing")
	case text == "":
		return nil, invalidRequest("token is missing")
	}
	const others = "the token is another client's"
	if found, ok := i.refreshes.get(digestOf(text)); ok {
		if found.grant.client.ID != client.ID {
			return nil, badRequest("unauthorized_client", others)
		}
		found.grant.revoked.Store(true)
	}
	if t, ok := i.issued.get(digestOf(text)); ok && !t.id {
		if t.grant.client.ID != client.ID {
			return nil, badRequest("unauthorized_client", others)
		}
		i.issued.take(digestOf(text))
	}
	return nil, nil // also for unknown tokens (RFC 7009, Section 2.2)
}

// userinfo is the UserInfo endpoint (OpenID Connect Core, Section 5.3): an API that
// a bearer.Guard protects.
func (i *issuer) userinfo() (http.Handler, error) {
	proofs, err := dpop.New(dpop.Config{Origin: i.server.config.URL})
	if err != nil {
		return nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{userinfoTokens{i}}, Realm: "userinfo", Proofs: proofs})
	if err != nil {
		return nil, err
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		u := i.server.user(p.Subject)
		if u == nil { // a token of the parameter sub
			u = &User{Name: p.Subject}
		}
		noteUser(r, u)
		w.Header().Set("Cache-Control", "no-store")
		writeJSON(w, http.StatusOK, i.profileClaims(u, p.Scopes.String()))
	})
	return bearerhttp.Require(guard, scope.All("openid"))(answer), nil
}

// userinfoTokens verifies the tokens of an issuer.
type userinfoTokens struct{ issuer *issuer }

var _ bearer.Verifier = userinfoTokens{}

// Verify implements bearer.Verifier.
func (v userinfoTokens) Verify(_ context.Context, text string) (*bearer.Principal, error) {
	t, claims := v.issuer.lookup(text)
	if t == nil || t.grant.user == nil {
		return nil, bearer.Invalid("token", "an active token of a user", "another one")
	}
	granted, err := scope.Parse(t.scope)
	if err != nil {
		return nil, bearer.Invalid("scope", "scopes", "malformed ones")
	}
	return &bearer.Principal{
		Issuer: v.issuer.url, Subject: t.grant.user.Name, ClientID: t.grant.client.ID, Scopes: granted,
		Expires: t.expires, Confirmation: bearer.Confirmation{JKT: jktOf(claims)},
	}, nil
}
