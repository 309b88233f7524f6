package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

const (
	titleWithoutToken = "request without a token"
	titleWrongToken   = "request with a wrong token"
)

// request returns a request to the API with the values of Authorization.
func (d *doctor) request(authorization ...string) wire.Request {
	header := http.Header{}
	if len(authorization) > 0 {
		header["Authorization"] = authorization
	}
	if d.Origin != "" {
		header.Set("Origin", d.Origin)
	}
	return wire.Request{Method: d.Method, URL: d.target.String(), Header: header}
}

func (d *doctor) withoutToken(ctx context.Context) {
	step := d.step("no-token", titleWithoutToken)
	answer, err := d.Client.Follow(ctx, d.request())
	if err != nil {
		step.failed(err)
		return
	}
	d.first = &answer
	if answer.HasClock {
		d.clocks = append(d.clocks, clock{"the API", answer.Clock})
	}
	if answer.URL.String() != d.target.String() {
		step.warn("redirect", "the API redirects to "+finding.Quote(weburl.Shown(answer.URL)), "call that URL; on a redirect, some clients drop the token or turn POST into GET", "RFC 9110, Section 15.4")
		d.target = answer.URL
	}
	step.Found = fmt.Sprintf("status %d", answer.Status)
	if answer.Truncated {
		step.warn("body-long", fmt.Sprintf("the answer is longer than %d KiB", len(answer.Body)>>10), "answer a refused request with a short body: anybody can request it", "")
	}
	const (
		spec = "RFC 6750, Section 3.1; RFC 9110, Section 15.5.2"
		want = ": want 401 with a challenge"
	)
	switch status := answer.Status; {
	case status == http.StatusUnauthorized:
	case answer.Location != nil:
		step.fault("redirect-elsewhere", "the API redirects to "+finding.Quote(weburl.Shown(answer.Location))+want, "answer 401; only a page for people may redirect to a login", spec)
	case status/100 == 2:
		step.fault("open", "the API answers without a token"+want, "put the guard before this route, or probe a protected URL", spec)
	case status == http.StatusForbidden:
		step.fault("forbidden", "the API answers 403, which says that a token is good and not enough"+want, "answer 401 if the request has no token: a client then gets one", spec)
	case status == http.StatusBadRequest:
		step.fault("bad-request", "the API answers 400"+want, "answer 401 if the request has no token, and judge the token before the rest of the request", spec)
	case status == http.StatusNotFound:
		step.fault("not-found", "there is nothing at this URL", "probe the URL of a route", "")
	case status == http.StatusMethodNotAllowed:
		step.fault("method", "the API does not allow "+d.Method+" here", "name a method of the route by --method", "")
	case status == http.StatusTooManyRequests:
		step.warn("busy", "the API wants fewer requests", "wait, and probe again", "RFC 6585, Section 4")
	case status >= 500:
		step.fault("server-error", fmt.Sprintf("the API fails, with status %d", status), "read the API's log; if a proxy answers, the API behind it may be down", "RFC 9110, Section 15.6")
	default:
		step.fault("status", fmt.Sprintf("the API answers %d", status)+want, "answer 401 if the request has no token", spec)
	}
}

// junk is a well-formed token that no issuer has given.
func junk() string { return "bearer-probe." + rand.Text() }

func (d *doctor) wrongToken(ctx context.Context) {
	step := d.step("wrong-token", titleWrongToken)
	token := junk()
	answer, err := d.Client.Do(ctx, d.request("Bearer "+token))
	if err != nil {
		step.failed(err)
		return
	}
	step.Found = fmt.Sprintf("status %d", answer.Status)
	if d.first.Status != http.StatusUnauthorized && answer.Status == d.first.Status {
		step.skip("the API answers as it does without a token")
		return
	}
	const spec = "RFC 6750, Section 3.1"
	const want = ": want 401 with invalid_token"
	switch status := answer.Status; {
	case status == http.StatusUnauthorized:
		d.invalidToken(step, answer)
	case status/100 == 2:
		step.fault("wrong-token-accepted", "the API accepts a token that no issuer has given", "stop the API until it verifies tokens", "RFC 6750, Section 5.2")
	case status == http.StatusServiceUnavailable:
		step.fault("wrong-token-unavailable", "the API cannot verify tokens now (503)", "check that the API reaches its issuer; read the API's log", "RFC 9110, Section 15.6.4")
	case status >= 500:
		step.fault("wrong-token-error", fmt.Sprintf("a wrong token makes the API fail, with status %d", status)+want, "read the API's log; an error of the token's parser must become 401", spec)
	case status == http.StatusForbidden:
		step.fault("wrong-token-forbidden", "the API answers 403, so a client does not get a new token"+want, "answer 401 for a token that is not valid, and 403 only for a valid one", spec)
	case status == http.StatusBadRequest:
		step.fault("wrong-token-bad-request", "the API answers 400"+want, "answer 401 for a token that is not valid, and 400 only for a malformed request", spec)
	default:
		step.fault("wrong-token-status", fmt.Sprintf("the API answers %d", status)+want, "answer 401 for a token that is not valid", spec)
	}
	step.leaks(answer, token)
}

// invalidToken checks the challenge after a wrong token. What was wrong without a
// token, too, is not repeated.
func (d *doctor) invalidToken(step *Step, answer wire.Response) {
	lines := answer.Header.Values("WWW-Authenticate")
	challenges, err := parseChallenges(lines)
	switch {
	case !d.challenged:
		return
	case len(lines) == 0:
		step.fault("wrong-token-challenge", "the 401 has no WWW-Authenticate", "send the challenge with every 401", "RFC 9110, Section 15.5.2")
		return
	case err != nil:
		step.fault("wrong-token-challenge", "WWW-Authenticate is malformed: "+err.Error(), "send each challenge in a field of its own, with quoted values", "RFC 9110, Section 11.6.1")
		return
	}
	code := ""
	for _, c := range challenges {
		if strings.EqualFold(c.Scheme, "Bearer") {
			code = c.Params["error"]
		}
	}
	switch {
	case !d.bearer:
		step.Found += "; the API offers only DPoP, and the token came as Bearer"
	case code == "":
		step.warn("wrong-token-code", "the challenge has no error code, as if there were no token", "see whether a proxy removes the field Authorization; otherwise add error=\"invalid_token\": a client then knows that a new token helps", "RFC 6750, Section 3.1")
	case code != "invalid_token":
		step.fault("wrong-token-code", "the challenge has the error code "+finding.Quote(code)+", want invalid_token", "answer invalid_token: a client then knows that a new token helps", "RFC 6750, Section 3.1")
	default:
		step.Found += ", invalid_token"
	}
}

// leaks checks what the answer to a wrong token reveals, and to whom.
func (s *Step) leaks(answer wire.Response, token string) {
	var header bytes.Buffer
	_ = answer.Header.Write(&header) // a buffer never fails
	if bytes.Contains(answer.Body, []byte(token)) || bytes.Contains(header.Bytes(), []byte(token)) {
		s.fault("token-echo", "the answer repeats the token, which then gets into logs and pages", "never put the token, or an error text that quotes it, into an answer", "RFC 6750, Section 5.3")
	}
	cache := strings.ToLower(strings.Join(answer.Header.Values("Cache-Control"), ","))
	if strings.Contains(cache, "public") || strings.Contains(cache, "s-maxage") {
		s.fault("cacheable", "shared caches may store the answer: Cache-Control is "+finding.Quote(cache), "send Cache-Control: no-store with a refusal", "RFC 9111, Section 3.5")
	}
}

func (d *doctor) twoTokens(ctx context.Context) {
	step := d.step("two-tokens", "request with two Authorization fields")
	answer, err := d.Client.Do(ctx, d.request("Bearer "+junk(), "Bearer "+junk()))
	if err != nil {
		step.failed(err)
		return
	}
	step.Found = fmt.Sprintf("status %d", answer.Status)
	switch {
	case answer.Status == http.StatusBadRequest:
	case d.first.Status != http.StatusUnauthorized && answer.Status == d.first.Status:
		step.skip("the API answers as it does without a token")
	default:
		step.warn("two-tokens", fmt.Sprintf("the API answers %d: want 400 with invalid_request", answer.Status), "refuse a request with two Authorization fields: a proxy and the API may each read another one", "RFC 6750, Section 3.1; RFC 9110, Section 5.3")
	}
}
