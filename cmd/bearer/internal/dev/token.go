package dev

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// refresh is a refresh token. Each may be used once (RFC 9700, Section 4.14.2).
type refresh struct {
	grant *grant
	used  atomic.Bool
}

// tokenHandler is the token endpoint (RFC 6749, Section 3.2).
func (i *issuer) tokenHandler() http.Handler {
	next := endpoint(i.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.nonces != nil {
			w.Header().Set("DPoP-Nonce", i.nonces.Current()) // RFC 9449, Section 8
		}
		next.ServeHTTP(w, r)
	})
}

// redemption is a grant that a token request names, before it is used up: a request
// with another mistake does not use it up.
type redemption struct {
	grant *grant
	use   func() *refusal // nil: it may be used again
}

func (i *issuer) token(r *http.Request) (any, *refusal) {
	client, refused := i.authenticate(r)
	if refused != nil {
		return nil, refused
	}
	form := r.PostForm
	redeem := map[string]func(*Client, url.Values, string) (redemption, *refusal){
		codeGrant: i.redeemCode, refreshGrant: i.redeemRefresh, clientGrant: i.redeemClient, deviceGrant: i.redeemDevice,
	}[form.Get("grant_type")]
	switch {
	case form.Get("grant_type") == "":
		return nil, invalidRequest("grant_type is missing")
	case redeem == nil:
		return nil, badRequest("unsupported_grant_type", "grant_type must be one of "+strings.Join(grantTypes, ", "))
	case client == nil && form.Get("grant_type") == clientGrant: // for development, anybody is a client
		client = i.server.ownClient()
		note(r, client)
	case client == nil:
		return nil, invalidClient("client_id is missing")
	}
	if !client.may(form.Get("grant_type")) {
		return nil, badRequest("unauthorized_client", "the client may not use this grant type")
	}
	wish, refused := parseWish(form)
	if refused != nil {
		return nil, refused
	}
	jkt, refused := i.keyOfProof(r)
	if refused != nil {
		return nil, refused
	}
	found, refused := redeem(client, form, jkt)
	if refused != nil {
		return nil, refused
	}
	noteUser(r, found.grant.user)
	if refused := wish.narrow(found.grant, form); refused != nil {
		return nil, refused
	}
	if found.use != nil {
		if refused := found.use(); refused != nil {
			return nil, refused
		}
	}
	return i.answer(found.grant, form, wish, jkt), nil
}

// answer returns the tokens of a grant (RFC 6749, Section 5.1).
func (i *issuer) answer(g *grant, form url.Values, w wish, jkt string) map[string]any {
	if w.format == formatLogout {
		return map[string]any{
			"access_token": i.kit.LogoutToken(g.client.ID, form.Get("sub"), form.Get("sid")), "token_type": "Bearer",
		}
	}
	tokenType := "Bearer"
	if jkt != "" {
		w.bind("jkt", jkt)
		tokenType = "DPoP"
	}
	access, life := i.mintAccess(g, w)
	answer := map[string]any{
		"access_token": access, "token_type": tokenType, "expires_in": max(0, int(life.Seconds())), "scope": w.scope,
	}
	if form.Get("grant_type") == clientGrant {
		return answer
	}
	if g.client.may(refreshGrant) {
		if g.client.Secret == "" {
			g.bindTo(jkt) // RFC 9449, Section 5
		}
		text := randomText()
		i.refreshes.put(digestOf(text), &refresh{grant: g}, i.config.RefreshTTL)
		answer["refresh_token"] = text
	}
	if slices.Contains(strings.Fields(g.scope), "openid") {
		answer["id_token"] = i.mintID(g, access)
	}
	return answer
}

// redeemClient is the client's own grant (RFC 6749, Section 4.4). For development,
// the parameters sub, sid, acr and auth_age make it a user's, without a sign-in.
func (i *issuer) redeemClient(client *Client, form url.Values, _ string) (redemption, *refusal) {
	granted, refused := client.limit(form.Get("scope"))
	if refused != nil {
		return redemption{}, refused
	}
	g := &grant{client: client, scope: granted, acr: form.Get("acr")}
	if name := form.Get("sub"); name != "" && name != client.ID {
		if g.user = i.server.user(name); g.user == nil {
			g.user = &User{Name: name}
		}
	}
	if age := form.Get("auth_age"); age != "" {
		d, err := parseLife(age)
		if err != nil {
			return redemption{}, invalidRequest("auth_age must be seconds, or a duration such as 10m")
		}
		g.authTime = time.Now().Add(-d)
	}
	return redemption{grant: g}, nil
}

func (i *issuer) redeemRefresh(client *Client, form url.Values, jkt string) (redemption, *refusal) {
	found, ok := i.refreshes.get(digestOf(form.Get("refresh_token")))
	switch {
	case form.Get("refresh_token") == "":
		return redemption{}, invalidRequest("refresh_token is missing")
	case !ok || found.grant.client.ID != client.ID:
		return redemption{}, invalidGrant("the refresh token is unknown, expired or another client's")
	case found.used.Load():
		found.grant.revoked.Store(true)
		return redemption{}, invalidGrant("the refresh token was used before, so all tokens of its grant are revoked")
	case !found.grant.active():
		return redemption{}, invalidGrant("the refresh token is revoked, or the user signed out")
	case !found.grant.bound(jkt):
		return redemption{}, badRequest("invalid_dpop_proof", "the refresh token is bound to another key")
	}
	return redemption{found.grant, func() *refusal {
		if !found.used.CompareAndSwap(false, true) {
			found.grant.revoked.Store(true)
			return invalidGrant("the refresh token was used twice at the same time, so all tokens of its grant are revoked")
		}
		return nil
	}}, nil
}

// active reports whether tokens of the grant are still good.
func (g *grant) active() bool {
	return !g.revoked.Load() && (g.session == nil || g.session.active())
}

// bound reports whether the grant may be used with a key.
func (g *grant) bound(jkt string) bool {
	known := g.jkt.Load()
	return known == nil || *known == jkt
}

// bindTo binds the grant to a key, if it is not bound yet.
func (g *grant) bindTo(jkt string) {
	if jkt != "" {
		g.jkt.CompareAndSwap(nil, &jkt)
	}
}
