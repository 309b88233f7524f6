package bearertest

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// token is the token endpoint (RFC 6749, Section 4.4), for development: it
// authenticates no client. Besides scope and audience (or resource, RFC 8707) it
// accepts sub, sid, acr, auth_age (the seconds since the user authenticated), roles
// (repeatable), valid_for (a duration such as 10s, or -1m for an expired token) and
// token_format: jwt, the default; opaque; or logout, which returns the logout token
// for sub and sid in place of an access token.
//
// A DPoP proof in the request binds the token to its key (RFC 9449, Section 5).
// The parameter client_certificate, in PEM, binds the token to that certificate
// (RFC 8705, Section 3). It replaces mutual TLS, which this endpoint does not
// support.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		invalidRequest("POST a form").write(w)
		return
	}
	if r.PostForm.Get("grant_type") != "client_credentials" {
		badRequest("unsupported_grant_type", "grant_type must be client_credentials").write(w)
		return
	}
	mint := i.Mint
	switch r.PostForm.Get("token_format") {
	case "", "jwt":
	case "opaque":
		mint = i.MintOpaque
	case "logout":
		mint = func(t Token) string { return i.LogoutToken(t.ClientID, r.PostForm.Get("sub"), r.PostForm.Get("sid")) }
	default:
		invalidRequest("token_format must be jwt, opaque or logout").write(w)
		return
	}
	t, refused := tokenOf(r)
	if refused != nil {
		refused.write(w)
		return
	}
	bound, tokenType, refused := i.bindingOf(r)
	if refused != nil {
		refused.write(w)
		return
	}
	if len(bound) > 0 {
		t.Claims["cnf"] = bound
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": mint(t), "token_type": tokenType, "expires_in": max(0, int(cmp.Or(t.TTL, defaultTTL).Seconds())), "scope": t.Scope,
	})
}

// tokenOf returns the token that a request asks for, except for its binding.
func tokenOf(r *http.Request) (Token, *oauthError) {
	form := r.PostForm
	granted, err := scope.Parse(form.Get("scope"))
	if err != nil {
		return Token{}, badRequest("invalid_scope", "scope must follow RFC 6749, Section 3.3")
	}
	client := clientOf(r, form)
	t := Token{ClientID: client, Subject: form.Get("sub"), Scope: granted.String(), Roles: form["roles"], Claims: map[string]any{}}
	if t.Subject == "" { // the client itself (RFC 9068, Section 2.2)
		t.Subject = client
	}
	for _, name := range []string{"audience", "resource"} {
		t.Audience = append(t.Audience, form[name]...)
	}
	if acr := form.Get("acr"); acr != "" {
		t.Claims["acr"] = acr
	}
	if sid := form.Get("sid"); sid != "" {
		t.Claims["sid"] = sid
	}
	if age := form.Get("auth_age"); age != "" {
		seconds, err := strconv.ParseInt(age, 10, 32)
		if err != nil {
			return Token{}, invalidRequest("auth_age must be seconds")
		}
		t.Claims["auth_time"] = time.Now().Unix() - seconds
	}
	if life := form.Get("valid_for"); life != "" {
		if t.TTL, err = time.ParseDuration(life); err != nil || t.TTL == 0 {
			return Token{}, invalidRequest("valid_for must be a duration such as 10s or -1m, and not zero")
		}
	}
	return t, nil
}

// clientOf returns the ID of the client, which is not authenticated.
func clientOf(r *http.Request, form url.Values) string {
	id, _, ok := basicCredentials(r)
	if !ok {
		id = form.Get("client_id")
	}
	if id == "" {
		return defaultClientID
	}
	return id
}

// bindingOf returns the cnf claim that a request asks for, and the token_type.
func (i *Issuer) bindingOf(r *http.Request) (cnf map[string]any, tokenType string, refused *oauthError) {
	cnf, tokenType = map[string]any{}, "Bearer"
	jkt, err := i.keyOfProof(r)
	if err != nil {
		return nil, "", badRequest("invalid_dpop_proof", err.Error())
	}
	if jkt != "" {
		cnf["jkt"], tokenType = jkt, "DPoP"
	}
	if certificate := r.PostForm.Get("client_certificate"); certificate != "" {
		if cnf["x5t#S256"], err = thumbprintOf(certificate); err != nil {
			return nil, "", invalidRequest("client_certificate must be a certificate in PEM")
		}
	}
	return cnf, tokenType, nil
}
