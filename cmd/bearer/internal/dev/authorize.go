package dev

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// authorization is an authorization request (RFC 6749, Section 4.1.1) that has no
// mistake.
type authorization struct {
	client      *Client
	redirectURI string
	inRequest   bool // the request named the redirect URI
	state       string
	challenge   string // RFC 7636
	scope       string
	resources   []string
	nonce       string
	acr         string // the first of acr_values
	maxAge      time.Duration
	hasMaxAge   bool
	prompt      []string
	jkt         string // dpop_jkt
}

// code is an authorization code. Each may be used once.
type code struct {
	request *authorization
	grant   *grant
	expires time.Time // earlier than the store forgets it, to detect a second use
	used    atomic.Bool
}

// promptValues are the supported values of prompt (OpenID Connect Core, Section
// 3.1.2.1).
var promptValues = []string{"none", "login", "consent", "select_account"}

// s256 is the form of a code challenge.
var s256 = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// authorize is the authorization endpoint.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodPost || r.ParseForm() != nil {
		i.page(w, http.StatusBadRequest, errorPage("Send an authorization request by GET, or by POST as a form."))
		return
	}
	a, problem := i.destination(r.Form)
	if problem != "" { // never redirect to a URI that is not the client's
		noteError(r, "invalid_request")
		p := errorPage(problem)
		p.Facts = asked(a)
		i.page(w, http.StatusBadRequest, p)
		return
	}
	note(r, a.client)
	if refused := i.read(a, r.Form); refused != nil {
		i.redirect(w, r, a, url.Values{"error": {refused.code}, "error_description": {refused.text}})
		return
	}
	s := i.sessionOf(r)
	if slices.Contains(a.prompt, "none") {
		if !a.satisfied(s) {
			i.redirect(w, r, a, url.Values{"error": {"login_required"}, "error_description": {"the user is not signed in, not recently enough, or not strongly enough"}})
			return
		}
		i.approve(w, r, a, s)
		return
	}
	i.page(w, http.StatusOK, i.signInPage(i.newForm(w, r, form{login: a}), a, s))
}

// destination finds the client and its redirect URI. A problem is told to the user
// (RFC 6749, Section 4.1.2.1), with the authorization as far as it was read.
func (i *issuer) destination(form url.Values) (a *authorization, problem string) {
	if refused := checkParameters(form); refused != nil {
		return nil, "The request is malformed: " + refused.text + "."
	}
	a = &authorization{client: i.client(form.Get("client_id")), redirectURI: form.Get("redirect_uri"), state: form.Get("state")}
	a.inRequest = a.redirectURI != ""
	if a.client == nil {
		return a, "The client_id is missing or unknown. Clients are in the configuration file, or register themselves."
	}
	if !a.inRequest && len(a.client.RedirectURIs) == 1 && !a.client.AnyLoopback {
		a.redirectURI = a.client.RedirectURIs[0]
	}
	if !a.client.redirectsTo(a.redirectURI) {
		return a, "The redirect_uri is missing, or is not one of the client's. It must equal a registered one, except for the port of a loopback address."
	}
	return a, ""
}

// asked returns what helps to correct a request that names no destination: what it
// says, and what the client has. It returns nothing if there is no request.
func asked(a *authorization) (facts []fact) {
	if a == nil {
		return nil
	}
	if a.client != nil {
		facts = append(facts, fact{Name: "client_id", Value: a.client.ID}, fact{Name: "redirect_uri", Value: cmp.Or(a.redirectURI, "missing")})
		if uris := a.client.RedirectURIs; len(uris) > 0 {
			facts = append(facts, fact{Name: "Registered", Chips: uris})
		}
		if a.client.AnyLoopback {
			facts = append(facts, fact{Name: "Also", Value: "every http URI on loopback, such as http://localhost:3000/callback"})
		}
	}
	return facts
}

// read reads the other parameters.
func (i *issuer) read(a *authorization, form url.Values) (refused *refusal) {
	switch {
	case form.Get("response_type") == "":
		return invalidRequest("response_type is missing")
	case form.Get("response_type") != "code":
		return badRequest("unsupported_response_type", "response_type must be code")
	case form.Has("request"):
		return badRequest("request_not_supported", "request objects are not supported")
	case form.Has("request_uri"):
		return badRequest("request_uri_not_supported", "request objects are not supported")
	case form.Has("response_mode") && form.Get("response_mode") != "query":
		return invalidRequest("response_mode must be query")
	case !a.client.may(codeGrant):
		return badRequest("unauthorized_client", "the client may not use authorization codes")
	case form.Get("code_challenge_method") != "S256" || !s256.MatchString(form.Get("code_challenge")):
		return invalidRequest("PKCE is required: code_challenge_method must be S256, and code_challenge 43 characters of base64url")
	}
	if a.scope, refused = a.client.limit(form.Get("scope")); refused != nil {
		return refused
	}
	if refused := checkResources(form["resource"]); refused != nil {
		return refused
	}
	a.prompt = strings.Fields(form.Get("prompt"))
	for _, value := range a.prompt {
		if !slices.Contains(promptValues, value) || value == "none" && len(a.prompt) > 1 {
			return invalidRequest("prompt must be some of login, consent and select_account, or none alone")
		}
	}
	if text := form.Get("max_age"); text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return invalidRequest("max_age must be seconds")
		}
		a.maxAge, a.hasMaxAge = time.Duration(seconds)*time.Second, true
	}
	a.acr, _, _ = strings.Cut(strings.TrimSpace(form.Get("acr_values")), " ")
	a.challenge, a.resources, a.nonce, a.jkt = form.Get("code_challenge"), form["resource"], form.Get("nonce"), form.Get("dpop_jkt")
	return nil
}

// satisfied reports whether a session is enough for the request.
func (a *authorization) satisfied(s *session) bool {
	return s != nil && !slices.Contains(a.prompt, "login") && (a.acr == "" || a.acr == s.acr) &&
		(!a.hasMaxAge || time.Since(s.at) <= a.maxAge)
}

// approve sends the user back with a code.
func (i *issuer) approve(w http.ResponseWriter, r *http.Request, a *authorization, s *session) {
	noteUser(r, s.user)
	s.use(a.client)
	text := randomText()
	c := &code{request: a, expires: time.Now().Add(codeLife), grant: &grant{
		client: a.client, user: s.user, session: s, scope: a.scope, resources: a.resources,
		authTime: s.at, acr: s.acr, nonce: a.nonce,
	}}
	i.codes.put(digestOf(text), c, 10*codeLife)
	i.redirect(w, r, a, url.Values{"code": {text}})
}

// redirect sends the user back to the client (RFC 6749, Section 4.1.2), with iss
// (RFC 9207).
func (i *issuer) redirect(w http.ResponseWriter, r *http.Request, a *authorization, answer url.Values) {
	noteError(r, answer.Get("error"))
	answer.Set("iss", i.url)
	if a.state != "" {
		answer.Set("state", a.state)
	}
	w.Header().Set("Location", withQuery(a.redirectURI, answer))
	w.WriteHeader(http.StatusSeeOther) // so that a form is not posted to the client (RFC 9700, Section 4.12)
}

// redeemCode is the code grant (RFC 6749, Section 4.1.3).
func (i *issuer) redeemCode(client *Client, form url.Values, jkt string) (redemption, *refusal) {
	c, ok := i.codes.get(digestOf(form.Get("code")))
	switch {
	case form.Get("code") == "":
		return redemption{}, invalidRequest("code is missing")
	case !ok || c.grant.client.ID != client.ID:
		return redemption{}, invalidGrant("the code is unknown, expired or another client's")
	case c.used.Load(): // RFC 6749, Section 4.1.2
		c.grant.revoked.Store(true)
		return redemption{}, invalidGrant("the code was used before, so all its tokens are revoked")
	case time.Now().After(c.expires) || !c.grant.active():
		return redemption{}, invalidGrant("the code is expired or revoked")
	case c.request.inRequest && form.Get("redirect_uri") != c.request.redirectURI:
		return redemption{}, invalidGrant("redirect_uri must be the one of the authorization request")
	case form.Get("code_verifier") == "":
		return redemption{}, invalidRequest("code_verifier is missing")
	case challengeOf(form.Get("code_verifier")) != c.request.challenge:
		return redemption{}, invalidGrant("code_verifier does not fit code_challenge")
	case c.request.jkt != "" && c.request.jkt != jkt:
		return redemption{}, badRequest("invalid_dpop_proof", "the proof must be of the key dpop_jkt of the authorization request")
	}
	return redemption{c.grant, func() *refusal {
		if !c.used.CompareAndSwap(false, true) {
			c.grant.revoked.Store(true)
			return invalidGrant("the code was used twice at the same time, so all its tokens are revoked")
		}
		return nil
	}}, nil
}

// challengeOf returns the S256 challenge of a verifier (RFC 7636, Section 4.6).
func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
