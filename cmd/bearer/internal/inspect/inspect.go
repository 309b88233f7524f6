// Package inspect finds out what an API must know about an authorization server: its
// identifier, endpoints and keys, and the configuration for bearerkit.
package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// maxClock is the leeway of bearerkit by default.
const maxClock = 5 * time.Second

// Config says what to inspect.
type Config struct {
	Client *wire.Client // required
	Input  string       // required: the issuer's URL, or what the user takes for it
	Token  string       // an access token of the issuer, to make sure of the profile. Default: none
}

// Report is what is known about an issuer.
type Report struct {
	Issuer       string            `json:"issuer,omitempty"` // exactly as in the metadata
	MetadataURL  string            `json:"metadata_url,omitempty"`
	Endpoints    map[string]string `json:"endpoints,omitempty"`
	Keys         []Key             `json:"keys,omitempty"`
	Algorithms   []string          `json:"algorithms,omitempty"` // that the keys may verify
	DPoP         []string          `json:"dpop_algorithms,omitempty"`
	MTLS         bool              `json:"mtls_bound_tokens,omitempty"`
	KeysFresh    *float64          `json:"keys_fresh_seconds,omitempty"` // as the issuer says
	ClockSeconds *float64          `json:"clock_seconds,omitempty"`      // how far the issuer's clock is ahead
	Profile      *Profile          `json:"profile,omitempty"`
	Go           string            `json:"go,omitempty"`
	Notes        []string          `json:"notes,omitempty"` // about the input
	Attempts     []Attempt         `json:"attempts,omitempty"`
	Findings     []finding.Finding `json:"findings,omitempty"`

	elsewhere bool // the issuer's URL does not imply the metadata's
}

// Inspect inspects an issuer. The error is a mistake in the input; what is wrong
// with the issuer is in the Report.
func Inspect(ctx context.Context, c Config) (*Report, error) {
	where, err := locate(c.Input)
	if err != nil {
		return nil, err
	}
	r := &Report{Notes: where.notes}
	found, attempts, ok := Discover(ctx, c.Client, where.urls, "")
	r.Attempts = attempts
	if !ok {
		r.add(NoMetadata(attempts))
		return r, nil
	}
	r.describe(found, c.Input)
	audience := []string(nil)
	guessed := guess(found.Metadata)
	r.Profile = &guessed
	if keys, ok := r.fetchKeys(ctx, c.Client); ok && c.Token != "" {
		fit, problem := try(ctx, c.Token, r.Issuer, keys, guessed.Name)
		if problem != nil {
			r.add(*problem)
		} else {
			r.Profile, audience = &fit.profile, fit.audience
			r.checkGuess(guessed)
		}
	}
	r.org(found.Metadata)
	r.Go = r.goLines(audience)
	return r, nil
}

func (r *Report) add(findings ...finding.Finding) { r.Findings = append(r.Findings, findings...) }

// describe takes over what the metadata says.
func (r *Report) describe(found Discovery, input string) {
	m := found.Metadata
	r.Issuer, r.MetadataURL = m.Issuer, found.URL
	r.Endpoints, r.DPoP, r.MTLS = m.Endpoints, m.DPoPAlgorithms, m.MTLSBound
	r.add(found.Check()...)
	if m.AccessTokenIssuer != "" && m.AccessTokenIssuer != m.Issuer {
		r.Issuer = m.AccessTokenIssuer
		r.Notes = append(r.Notes, "access tokens have another iss, the access_token_issuer of the metadata")
	}
	if !Secure(found.URL) {
		r.add(finding.Finding{Code: "issuer-http", Severity: finding.Fault, Spec: "RFC 8414, Section 2",
			Text: "the issuer is reached by plain HTTP: anybody on the path can replace its keys, and sign tokens",
			Do:   "serve the issuer by https; only for development, keep InsecureAllowHTTP in the lines below"})
	}
	if r.elsewhere = !implied(r.Issuer, found.URL); r.elsewhere && weburl.Unfilled(r.Issuer) == nil {
		r.add(finding.Finding{Code: "issuer-elsewhere", Severity: finding.Warning, Spec: "RFC 8414, Section 3.3",
			Text: fmt.Sprintf("the metadata is at %s, and names the issuer %s, whose metadata belongs elsewhere", finding.Quote(found.URL), finding.Quote(r.Issuer)),
			Do:   "ask for that issuer, or keep jwks.KeysFromMetadata in the lines below; inside Docker, set the issuer's public URL"})
	} else if text := trimmed(input); !r.elsewhere && text != r.Issuer {
		const exactly = "tokens are compared with the issuer character by character, so write it as the metadata does"
		if difference := Difference(text, r.Issuer); difference != "" {
			r.Notes = append(r.Notes, "this is not quite the URL that you gave: "+difference+"; "+exactly)
		} else if len(r.Notes) == 0 {
			r.Notes = append(r.Notes, "this is not the URL that you gave; "+exactly)
		}
	}
	if !found.Response.HasClock {
		return
	}
	seconds := found.Response.Clock.Round(time.Second).Seconds()
	r.ClockSeconds = &seconds
	if found.Response.Clock.Abs() > maxClock+time.Second {
		r.add(finding.Finding{Code: "clock", Severity: finding.Fault, Spec: "RFC 7519, Section 4.1.4",
			Text: "the issuer's clock and this machine's differ by " + found.Response.Clock.Abs().Round(time.Second).String(),
			Do:   "synchronize both clocks (NTP); tokens may be refused as expired, or as used before they were issued"})
	}
}

// fetchKeys fetches the keys, and returns their document.
func (r *Report) fetchKeys(ctx context.Context, client *wire.Client) ([]byte, bool) {
	at, ok := r.Endpoints["jwks_uri"]
	if !ok {
		return nil, false
	}
	set, err := FetchKeys(ctx, client, at)
	if err != nil {
		r.add(KeysUnavailable(at, err))
		return nil, false
	}
	r.Keys = set.Keys
	_, r.Algorithms = set.Usable()
	if fresh, said := set.Freshness(); said {
		seconds := fresh.Seconds()
		r.KeysFresh = &seconds
	}
	r.add(set.Check()...)
	for _, key := range set.Keys {
		if key.expired {
			r.Notes = append(r.Notes, "the certificate of "+key.Name()+" has expired; bearerkit ignores certificates of keys, other software may not")
		}
	}
	for _, problem := range set.Response.Certificate {
		if !slices.Contains(r.Findings, problem) {
			r.add(problem)
		}
	}
	body, _, _ := set.Response.Document() // FetchKeys has read it
	return body, true
}

// KeysUnavailable is the finding about a jwks_uri without a key set.
func KeysUnavailable(at string, err error) finding.Finding {
	if errors.Is(err, wire.ErrTooManyRequests) {
		return wire.Limited()
	}
	return finding.Finding{Code: "keys-unavailable", Severity: finding.Fault, Spec: "RFC 7517, Section 5",
		Text: fmt.Sprintf("no keys at %s: %s", finding.Quote(at), err), Do: "open this URL from the API's network; it must answer 200 with a JSON object that has keys"}
}

// checkGuess notes that a token fits another profile than the guessed one.
func (r *Report) checkGuess(guessed Profile) {
	if guessed.Name != r.Profile.Name {
		r.Notes = append(r.Notes, fmt.Sprintf("without the token, the guess would be %s: %s", guessed.Name, guessed.Reason))
	}
}

// org warns of Okta's org authorization server, whose tokens are not for APIs.
func (r *Report) org(m Metadata) {
	if r.Profile.Name == "okta" && !strings.Contains(m.Issuer, "/oauth2/") {
		r.add(finding.Finding{Code: "okta-org", Severity: finding.Fault,
			Text: "this is Okta's org authorization server: only Okta can verify its access tokens",
			Do:   "use a custom authorization server, whose URL has /oauth2/, such as " + m.Issuer + "/oauth2/default"})
	}
}

// Names returns the names of the endpoints in the order in which they are shown.
func (r *Report) Names() []string {
	names := slices.Collect(maps.Keys(r.Endpoints))
	slices.SortFunc(names, func(a, b string) int { return slices.Index(endpoints, a) - slices.Index(endpoints, b) })
	return names
}

// Result is "ok", "warning" or "fault".
func (r *Report) Result() string {
	if worst := finding.Worst(r.Findings); worst != "" {
		return string(worst)
	}
	return "ok"
}

// Unreachable reports whether the issuer did not answer, so that nothing is known
// about it.
func (r *Report) Unreachable() bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Code == Unreachable })
}

// MarshalJSON adds the result.
func (r *Report) MarshalJSON() ([]byte, error) {
	type report Report
	return json.Marshal(struct {
		Result string `json:"result"`
		*report
	}{r.Result(), (*report)(r)})
}
