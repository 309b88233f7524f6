package bearertest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/scope"
)

// token is the token endpoint (RFC 6749, Section 4.4), for development: it
// takes any client at its word. Beyond scope and audience (or resource, RFC
// 8707) it takes sub, acr and auth_age, the seconds since the user
// authenticated, and token_format: opaque, or jwt, which is the default.
//
// A DPoP proof with the request binds the token to its key (RFC 9449, Section
// 5), and client_certificate, in PEM, to that certificate (RFC 8705, Section
// 3): the parameter stands for the client's part in mutual TLS, which this
// endpoint does not speak.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	refuse := func(code, text string) {
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": code, "error_description": text})
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		refuse("invalid_request", "POST a form")
		return
	}
	form := r.PostForm
	if form.Get("grant_type") != "client_credentials" {
		refuse("unsupported_grant_type", "grant_type must be client_credentials")
		return
	}
	client, _, ok := basicCredentials(r)
	if !ok {
		client = form.Get("client_id")
	}
	mint := i.Mint
	switch form.Get("token_format") {
	case "", "jwt":
	case "opaque":
		mint = i.MintOpaque
	default:
		refuse("invalid_request", "token_format must be jwt or opaque")
		return
	}
	granted, err := scope.Parse(form.Get("scope"))
	if err != nil {
		refuse("invalid_scope", "scope must follow RFC 6749, Section 3.3")
		return
	}
	t := Token{ClientID: client, Subject: form.Get("sub"), Scope: granted.String(), Claims: map[string]any{}}
	if t.ClientID == "" {
		t.ClientID = "app"
	}
	if t.Subject == "" { // the client itself, RFC 9068, Section 2.2
		t.Subject = t.ClientID
	}
	for _, name := range []string{"audience", "resource"} {
		t.Audience = append(t.Audience, form[name]...)
	}
	if acr := form.Get("acr"); acr != "" {
		t.Claims["acr"] = acr
	}
	if age := form.Get("auth_age"); age != "" {
		seconds, err := strconv.ParseInt(age, 10, 32)
		if err != nil {
			refuse("invalid_request", "auth_age must be seconds")
			return
		}
		t.Claims["auth_time"] = time.Now().Unix() - seconds
	}
	tokenType := "Bearer"
	bound := map[string]any{}
	jkt, err := i.keyOfProof(r)
	if err != nil {
		refuse("invalid_dpop_proof", err.Error())
		return
	}
	if jkt != "" {
		tokenType = "DPoP"
		bound["jkt"] = jkt
	}
	if certificate := form.Get("client_certificate"); certificate != "" {
		if bound["x5t#S256"], err = thumbprintOf(certificate); err != nil {
			refuse("invalid_request", "client_certificate must be a certificate in PEM")
			return
		}
	}
	if len(bound) > 0 {
		t.Claims["cnf"] = bound
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": mint(t), "token_type": tokenType, "expires_in": 3600, "scope": t.Scope,
	})
}
