package explain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// API is what an API says about itself: in the challenge of its 401 (RFC 6750,
// Section 3), and in its metadata (RFC 9728).
type API struct {
	URL        string      `json:"url"`
	Status     int         `json:"status"` // of a request without a token
	Challenges []Challenge `json:"challenges,omitempty"`
	Metadata   string      `json:"metadata,omitempty"` // the URL of the metadata
	Resource   string      `json:"resource,omitempty"`
	Issuers    []string    `json:"authorization_servers,omitempty"`
	Scope      []string    `json:"scope,omitempty"` // that the challenge asks for
	Problems   []string    `json:"problems,omitempty"`
	Sent       *Sent       `json:"sent,omitempty"`
}

// Challenge is one challenge of a WWW-Authenticate field.
type Challenge struct {
	Scheme string  `json:"scheme"`
	Params []Claim `json:"params,omitempty"`
}

// Sent is the API's answer to the token.
type Sent struct {
	Status     int         `json:"status"`
	Challenges []Challenge `json:"challenges,omitempty"`
	RetryAfter string      `json:"retry_after,omitempty"`
	RequestID  string      `json:"request_id,omitempty"` // in the body: it finds the API's log record
	Advice     string      `json:"advice"`
	Problems   []string    `json:"problems,omitempty"`
}

// Caller calls an API.
type Caller struct {
	URL string // of the route; required

	// InsecureAllowHTTP also calls http URLs beyond loopback, where anybody on the
	// path can read the token.
	InsecureAllowHTTP bool

	// Transport makes the requests. Default: that of the SDK.
	Transport http.RoundTripper
}

// maxAnswer bounds the body that is read.
const maxAnswer = 64 << 10

// call sends a request, with the token if there is one. It follows no redirect,
// which could lead the token to another server.
func (c Caller) call(ctx context.Context, token string) (*http.Response, []byte, error) {
	u, err := fetch.CheckURL(c.URL, c.InsecureAllowHTTP)
	if err != nil {
		return nil, nil, err
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{"Accept": {"application/json"}}}).WithContext(ctx)
	if token != "" {
		r.Header["Authorization"] = []string{"Bearer " + token}
	}
	client := http.Client{Transport: c.Transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if c.Transport == nil {
		client.Transport = fetch.NewTransport()
		defer client.CloseIdleConnections()
	}
	response, err := client.Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // its own text has the query
		}
		return nil, nil, &fetch.TransportError{Err: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response, body, err
}

// Discover asks the API without a token, and reads its challenge and its metadata.
// The error means that the API cannot be asked.
func (c Caller) Discover(ctx context.Context) (*API, error) {
	response, _, err := c.call(ctx, "")
	if err != nil {
		return nil, err
	}
	a := &API{URL: c.URL, Status: response.StatusCode}
	lines := response.Header.Values("WWW-Authenticate")
	var problem string
	a.Challenges, problem = parseChallenges(lines)
	a.note(problem)
	switch {
	case a.Status != http.StatusUnauthorized:
		a.note(fmt.Sprintf("a request without a token is answered %d, want 401: is this route protected?", a.Status))
	case len(lines) == 0:
		a.note("the 401 has no WWW-Authenticate, which it must have (RFC 9110, Section 15.5.2)")
	}
	bearer := find(a.Challenges, "Bearer", "DPoP")
	a.Scope = strings.Fields(bearer["scope"])
	c.readMetadata(ctx, a, bearer["resource_metadata"])
	return a, nil
}

func (a *API) note(problem string) {
	if problem != "" {
		a.Problems = append(a.Problems, problem)
	}
}

// readMetadata reads the metadata at the URL that the challenge names, or at the
// URL that the API's implies (RFC 9728, Section 3.1).
func (c Caller) readMetadata(ctx context.Context, a *API, named string) {
	places := []string{named}
	if named == "" {
		places = wellKnown(c.URL)
	}
	base := http.Client{Transport: c.Transport}
	client := fetch.New(&base, c.InsecureAllowHTTP)
	defer client.CloseIdleConnections()
	var failures []string
	for _, place := range places {
		response, err := client.Get(ctx, place, fetch.MaxBody)
		if err == nil {
			err = a.parseMetadata(response.Body)
		}
		if err == nil {
			a.Metadata = place
			return
		}
		failures = append(failures, fetch.Redact(place)+": "+err.Error())
	}
	if named == "" {
		a.note("the challenge has no resource_metadata (RFC 9728, Section 5.1)")
	}
	a.note("no metadata of the API: " + strings.Join(failures, "; "))
}

// wellKnown returns the URLs at which the metadata may be: for the path, and for
// the host alone.
func wellKnown(raw string) []string {
	u, err := url.Parse(raw)
	if err != nil {
		return nil
	}
	host := u.Scheme + "://" + u.Host + "/.well-known/oauth-protected-resource"
	return slices.Compact([]string{host + strings.TrimSuffix(u.EscapedPath(), "/"), host})
}

func (a *API) parseMetadata(document []byte) error {
	set, err := readClaims(document)
	switch {
	case err != nil:
		return fmt.Errorf("not the metadata of an API: %w", err)
	case !set.has("resource"):
		return errors.New("it has no resource (RFC 9728, Section 2)")
	}
	a.Resource, a.Issuers = set.text("resource"), set.list("authorization_servers")
	if len(a.Issuers) == 0 {
		a.note("the metadata names no authorization_servers, so a client cannot learn where to get a token")
	}
	return nil
}

// Issuer returns the issuer of the API that a token names, or the first one.
func (a *API) Issuer(token string) string {
	for _, issuer := range a.Issuers {
		if issuer == issuerOf(token) {
			return issuer
		}
	}
	if len(a.Issuers) > 0 {
		return a.Issuers[0]
	}
	return ""
}

// issuerOf returns the unverified iss of a token, or nothing.
func issuerOf(token string) string {
	j, err := newJudge(token, Config{})
	if err != nil {
		return ""
	}
	j.checkForm()
	j.checkClaims()
	return j.iss
}

// Send sends the token to the API and explains the answer.
func (c Caller) Send(ctx context.Context, token string) (*Sent, error) {
	response, body, err := c.call(ctx, token)
	if err != nil {
		return nil, err
	}
	s := &Sent{Status: response.StatusCode, RetryAfter: response.Header.Get("Retry-After")}
	var problem string
	if s.Challenges, problem = parseChallenges(response.Header.Values("WWW-Authenticate")); problem != "" {
		s.Problems = append(s.Problems, problem)
	}
	if set, err := readClaims(body); err == nil {
		if id, err := strictjson.String(set["request_id"]); err == nil {
			s.RequestID = id
		}
	}
	// The API has the token, and may repeat it in any form, so all texts are short, too.
	withoutToken(s, append(base64Of(token), token)...)
	walkTexts(reflect.ValueOf(s), clipped)
	s.Advice = s.advise()
	return s, nil
}

// advise says what the client should do about the answer.
func (s *Sent) advise() string {
	challenge := find(s.Challenges, "Bearer", "DPoP")
	wait := "later"
	if seconds, err := strconv.ParseUint(s.RetryAfter, 10, 32); err == nil {
		wait = fmt.Sprintf("after %d s", seconds)
	} else if s.RetryAfter != "" {
		wait = "at the time of Retry-After"
	}
	switch {
	case s.Status < 300:
		return "The API let the token in."
	case s.Status < 400:
		return "The API redirects. A login page for browsers is in front of it, or the URL is another one; the token was not sent on."
	case s.Status == 401 && challenge["error"] == "insufficient_user_authentication":
		return "Let the user authenticate again, with acr_values " + shown(challenge["acr_values"]) + " and max_age " + shown(challenge["max_age"]) + " (RFC 9470)."
	case s.Status == 401 && challenge["error"] == "use_dpop_nonce":
		return "Repeat the request with a proof that has the nonce of the field DPoP-Nonce."
	case s.Status == 401 && challenge["error"] == "":
		return "The API saw no token: a proxy may have removed the field Authorization, or the API takes tokens from another place."
	case s.Status == 401:
		return "Get a new token, and repeat the request once. The same token will be refused again."
	case s.Status == 403 && challenge["error"] == "insufficient_scope":
		return "Request a token with the scope " + shown(challenge["scope"]) + "."
	case s.Status == 403:
		return "The token is good, and its owner may not do this. A new token does not help; somebody must grant the right."
	case s.Status == 404:
		return "Nothing is there, or the API hides it from this caller."
	case s.Status == 429, s.Status == 503:
		return "Repeat the same request with the same token " + wait + ": nothing is wrong with the token."
	case s.Status == 431:
		return "The token is too long for the API or its proxy."
	case s.Status == 400:
		return "The request is malformed: send one token, in one Authorization field."
	}
	return fmt.Sprintf("The API answered %d, which says nothing about the token.", s.Status)
}

// parseChallenges parses WWW-Authenticate strictly. problem says what a strict
// client would not understand.
func parseChallenges(lines []string) (list []Challenge, problem string) {
	parsed, err := bearertest.ParseChallenges(lines)
	if err != nil {
		_, text, _ := strings.Cut(err.Error(), "bearertest: ")
		return nil, "a client cannot parse " + text
	}
	for _, c := range parsed {
		challenge := Challenge{Scheme: c.Scheme}
		for _, name := range sortedNames(c.Params) {
			challenge.Params = append(challenge.Params, Claim{name, c.Params[name]})
		}
		list = append(list, challenge)
	}
	return list, ""
}

// find returns the parameters of the first challenge with one of the schemes.
func find(challenges []Challenge, schemes ...string) map[string]string {
	params := map[string]string{}
	for _, c := range challenges {
		if slices.ContainsFunc(schemes, func(s string) bool { return strings.EqualFold(s, c.Scheme) }) {
			for _, p := range c.Params {
				params[p.Name] = p.Value
			}
			break
		}
	}
	return params
}
