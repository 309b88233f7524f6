package bearertest

import (
	"crypto"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// Client is a resource server that is registered with an [Issuer]. It may
// introspect and revoke any token. It authenticates with its secret
// (client_secret_basic or client_secret_post), with a signed assertion
// (private_key_jwt), or with a bearer token of the issuer that has the client's ID
// as client_id and the scope introspection.
type Client struct {
	// ID is the client_id. Required.
	ID string

	// Secret is the client_secret. Default: the client has no secret.
	Secret string

	// PublicKey verifies the client's assertions: a *rsa.PublicKey, a
	// *ecdsa.PublicKey or an ed25519.PublicKey. Default: the client has no key.
	PublicKey crypto.PublicKey
}

// client is a validated Client.
type client struct {
	secret string
	key    *jose.Key // nil: none
}

func newClients(list []Client) (map[string]*client, error) {
	clients := map[string]*client{}
	var errs []error
	for n, c := range list {
		if c.ID == "" {
			errs = append(errs, fmt.Errorf("bearertest: IssuerConfig.Clients[%d] has no ID", n))
		}
		if clients[c.ID] != nil {
			errs = append(errs, fmt.Errorf("bearertest: IssuerConfig.Clients has %q twice", c.ID))
		}
		known := &client{secret: c.Secret}
		if c.PublicKey != nil {
			key, err := jose.NewKey(c.PublicKey, "")
			if err != nil {
				errs = append(errs, fmt.Errorf("bearertest: IssuerConfig.Clients[%d].PublicKey: %w", n, err))
			}
			known.key = key
		}
		clients[c.ID] = known
	}
	return clients, errors.Join(errs...)
}

// oauthError is an error answer of RFC 6749, Section 5.2.
type oauthError struct {
	status    int
	code      string
	text      string
	challenge string // for a 401
}

func (e *oauthError) write(w http.ResponseWriter) {
	switch e.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", e.challenge)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	body := map[string]any{"error": e.code}
	if e.text != "" {
		body["error_description"] = e.text
	}
	writeJSON(w, e.status, body)
}

func invalidRequest(text string) *oauthError { return badRequest("invalid_request", text) }

func badRequest(code, text string) *oauthError {
	return &oauthError{status: http.StatusBadRequest, code: code, text: text}
}

// forClients authenticates the client of an endpoint that takes a token:
// introspection (RFC 7662, Section 2.1) and revocation (RFC 7009, Section 2.1).
func (i *Issuer) forClients(endpoint string, answer func(w http.ResponseWriter, r *http.Request, client, token string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		id, token, refused := i.tokenRequest(r, endpoint)
		if refused != nil {
			refused.write(w)
			return
		}
		answer(w, r, id, token)
	}
}

func (i *Issuer) tokenRequest(r *http.Request, endpoint string) (id, token string, refused *oauthError) {
	if r.Method != http.MethodPost {
		return "", "", &oauthError{status: http.StatusMethodNotAllowed, code: "invalid_request", text: "POST a form"}
	}
	if r.ParseForm() != nil {
		return "", "", invalidRequest("POST a form")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 { // RFC 6749, Section 3.2
			return "", "", invalidRequest("a parameter occurs twice")
		}
	}
	id, refused = i.authenticate(r, endpoint)
	if refused != nil {
		return "", "", refused
	}
	if token = r.PostForm.Get("token"); token == "" {
		return "", "", invalidRequest("token is missing")
	}
	return id, token, nil
}

// authenticate returns the ID of the client that sent a request.
func (i *Issuer) authenticate(r *http.Request, endpoint string) (id string, refused *oauthError) {
	form := r.PostForm
	methods := len(r.Header.Values("Authorization"))
	for _, names := range [][]string{{"client_secret"}, {"client_assertion", "client_assertion_type"}} {
		if slices.ContainsFunc(names, form.Has) {
			methods++
		}
	}
	if methods > 1 { // RFC 6749, Section 2.3
		return "", invalidRequest("more than one way of client authentication")
	}
	ok := false
	refused = &oauthError{status: http.StatusUnauthorized, code: "invalid_client", challenge: `Basic realm="bearertest"`}
	scheme, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"): // RFC 7662, Section 2.3
		refused.code, refused.challenge = "invalid_token", `Bearer realm="bearertest", error="invalid_token"`
		id, ok = i.clientOfToken(strings.TrimLeft(bearer, " "))
	case scheme != "":
		var secret string
		if id, secret, ok = basicCredentials(r); ok {
			ok = i.secretHolds(id, secret)
		}
	case form.Has("client_assertion"):
		id, ok = i.clientOfAssertion(form, endpoint)
	case form.Has("client_secret"):
		id = form.Get("client_id")
		ok = i.secretHolds(id, form.Get("client_secret"))
	}
	if !ok || form.Has("client_id") && form.Get("client_id") != id {
		return "", refused
	}
	return id, nil
}

// basicCredentials returns the ID and the secret of client_secret_basic, both
// form-urlencoded (RFC 6749, Section 2.3.1).
func basicCredentials(r *http.Request) (id, secret string, ok bool) {
	id, secret, ok = r.BasicAuth()
	if !ok {
		return "", "", false
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return id, secret, errID == nil && errSecret == nil
}

func (i *Issuer) secretHolds(id, secret string) bool {
	c := i.clients[id]
	return c != nil && c.secret != "" && subtle.ConstantTimeCompare([]byte(c.secret), []byte(secret)) == 1
}

// clientOfToken returns the client of an access token of the issuer, if the
// client may introspect.
func (i *Issuer) clientOfToken(token string) (id string, ok bool) {
	claims := i.lookup(token)
	granted, _ := claims["scope"].(string)
	id, _ = claims["client_id"].(string)
	return id, i.clients[id] != nil && slices.Contains(strings.Fields(granted), "introspection")
}
