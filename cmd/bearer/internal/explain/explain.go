// Package explain says why an API accepts or refuses an access token. It makes all
// checks of the SDK, also those after the first that fails, and it runs the SDK's
// own verifier and guard, whose answer is the verdict.
//
// The checks before the signature, and the signature itself, are made with the
// packages that the SDK uses. For those after it, the SDK verifies a copy of the
// token that a key of this program signed: see copy.go.
package explain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Config is what is known about the API that the token is for.
type Config struct {
	// Issuer is the issuer's URL, and Audience are its names for the API. Without
	// both, Token only decodes the token and asks nobody.
	Issuer   string
	Audience []string

	// Profile describes the issuer's tokens. Default: RFC 9068, as for a jwks.Issuer,
	// or the profile that the token seems to follow if GuessProfile is set, or if
	// there is no Issuer.
	Profile      profile.Named
	GuessProfile bool

	// KeysURL or KeysFile say where the keys are. Default: discovery.
	KeysURL, KeysFile string

	// Scope and Roles are what the route requires. Default: nothing.
	Scope, Roles []string

	// Leeway is jwks.Config.Leeway. Default: 5 s.
	Leeway time.Duration

	// At is the time at which the token is judged. Default: now.
	At time.Time

	// URL is the request's URL, and Metadata the resource_metadata of its
	// challenges. Default: https://api.example.com/, and none.
	URL, Metadata string

	// InsecureAllowHTTP fetches over http from any host.
	InsecureAllowHTTP bool

	// Transport makes the requests. Default: that of the SDK.
	Transport http.RoundTripper
}

const defaultLeeway = 5 * time.Second

// Token explains a token. The error is a mistake in c; a token that is refused, and
// an issuer that is unreachable, are explained in the report.
func Token(ctx context.Context, token string, c Config) (*Report, error) {
	j, err := newJudge(token, c)
	if err != nil {
		return nil, err
	}
	if c.Transport == nil {
		defer j.client.CloseIdleConnections()
	}
	if err := j.judge(ctx); err != nil {
		return nil, err
	}
	if err := j.addLikely(ctx); err != nil {
		return nil, err
	}
	report := &j.report
	if clean, removed := cleaned(token); removed != "" && report.Verdict.Status != http.StatusOK {
		report.Removed = removed
		if report.Cleaned, err = Token(ctx, clean, c); err != nil {
			return nil, err
		}
	}
	withoutToken(report, token)
	return report, nil
}

// judge judges one token.
type judge struct {
	config Config
	token  string
	now    time.Time // config.At or the time of the start
	report Report
	issuer jwks.Issuer
	memo   *memo
	client *http.Client

	header     jose.Header
	rawHeader  map[string]strictjson.Value // nil: it cannot be read
	payload    []byte
	claims     claimSet // nil: they cannot be read
	signature  []byte
	parsed     bool   // the SDK can parse the token
	iss        string // the token's
	likely     profile.Named
	isLikely   bool
	guesses    bool              // the likely profile judges the token
	principal  *bearer.Principal // what the claims say, verified or not; nil: cannot be read
	refusal    bearer.Event      // of the SDK
	published  []*jose.Key
	keysFailed error
}

// knowsAPI reports whether the API is known, so that there is a verdict.
func (j *judge) knowsAPI() bool { return j.config.Issuer != "" }

func newJudge(token string, c Config) (*judge, error) {
	j := &judge{config: c, token: token, now: c.At}
	if c.Profile.Name == "" {
		j.guesses = c.GuessProfile || !j.knowsAPI()
		j.config.Profile = profile.Default
	}
	if j.now.IsZero() {
		j.now = time.Now()
	}
	if (c.Issuer == "") != (len(c.Audience) == 0) {
		return nil, errors.New("an issuer and an audience belong together; name both, or neither")
	}
	base := c.Transport
	if base == nil {
		base = fetch.NewTransport()
	}
	j.memo = &memo{base: base, answers: map[string]*exchange{}}
	j.client = &http.Client{Transport: j.memo}
	j.issuer = jwks.Issuer{
		URL: c.Issuer, Audience: c.Audience, Profile: j.config.Profile.Profile,
		AllowNonHTTPSIdentifier: c.KeysURL != "" || c.KeysFile != "", InsecureAllowHTTP: c.InsecureAllowHTTP,
	}
	switch {
	case c.KeysFile != "":
		j.issuer.Keys = jwks.KeysFromFile(c.KeysFile)
	case c.KeysURL != "":
		j.issuer.Keys = jwks.KeysFromURL(c.KeysURL)
	}
	return j, j.validate()
}

// validate reports the mistakes that the SDK finds in the settings. It makes no
// request.
func (j *judge) validate() error {
	if !j.knowsAPI() {
		return nil
	}
	v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{j.issuer}, Leeway: j.config.Leeway, Client: &http.Client{Transport: offline{}}})
	if err == nil {
		v.Close()
	}
	return err
}

// offline refuses all requests.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("offline") }

// judge makes all checks and asks the SDK.
func (j *judge) judge(ctx context.Context) error {
	j.checkRequest()
	j.checkForm()
	j.describe()
	j.checkClaims()
	j.checkIssuer()
	j.checkHeader()
	j.checkKeys(ctx)
	if err := j.checkContents(); err != nil {
		return err
	}
	if j.knowsAPI() {
		if err := j.ask(ctx); err != nil {
			return err
		}
	}
	j.conclude()
	return nil
}

// add adds the outcome of a check.
func (j *judge) add(c Check) { j.report.Checks = append(j.report.Checks, c) }

// skip adds checks that cannot be made. For a token that is no JWT, this is why.
func (j *judge) skip(why string, names ...string) {
	if j.failed("form") != nil {
		why = "the token is not a JWT"
	}
	for _, name := range names {
		j.add(Check{Name: name, Result: Skipped, Rule: rules[name], Note: why})
	}
}

// rules has the section that demands a check, by the check's name.
var rules = map[string]string{
	"length":          "RFC 6585, Section 5",
	"characters":      "RFC 6750, Section 2.1",
	"form":            "RFC 7515, Section 7.1",
	"header":          "RFC 7515, Section 4",
	"crit":            "RFC 7515, Section 4.1.11",
	"encoding":        "RFC 7515, Section 5.2",
	"claims":          "RFC 7519, Section 7.2",
	"issuer":          "RFC 9068, Section 4",
	"algorithm":       "RFC 8725, Section 3.1",
	"type":            "RFC 9068, Section 4",
	"keys":            "RFC 8414, Section 3",
	"key":             "RFC 7515, Section 4.1.4",
	"signature":       "RFC 7515, Section 5.2",
	"claim types":     "RFC 7519, Section 4.1",
	"kind":            "RFC 8725, Section 3.12",
	"required claims": "RFC 9068, Section 2.2",
	"subject":         "RFC 9068, Section 2.2",
	"audience":        "RFC 9068, Section 4",
	"not before":      "RFC 7519, Section 4.1.5",
	"issued":          "RFC 7519, Section 4.1.6",
	"expiry":          "RFC 9068, Section 4",
	"binding":         "RFC 9449, Section 7.2; RFC 8705, Section 3",
	"scope":           "RFC 6750, Section 3.1",
	"role":            "RFC 9068, Section 2.2.3.1",
}

// verdict adds a check with an outcome.
func (j *judge) verdict(name string, passed bool, c Check) {
	c.Name, c.Rule, c.Result = name, rules[name], Pass
	if !passed {
		c.Result = Fail
	} else {
		c.Log = ""
	}
	j.add(c)
}

func (j *judge) rule() scope.Rule {
	if len(j.config.Scope) == 0 {
		return scope.None
	}
	return scope.All(j.config.Scope...)
}

// failed returns the check of a name if it failed, or nil.
func (j *judge) failed(name string) *Check {
	i := slices.IndexFunc(j.report.Checks, func(c Check) bool { return c.Name == name && c.Result == Fail })
	if i < 0 {
		return nil
	}
	return &j.report.Checks[i]
}

func (j *judge) passed(name string) bool {
	return slices.ContainsFunc(j.report.Checks, func(c Check) bool { return c.Name == name && c.Result == Pass })
}

// maxListed bounds the values of a list that a text shows.
const maxListed = 8

func quoted(list []string) string {
	var texts []string
	for _, s := range list[:min(len(list), maxListed)] {
		texts = append(texts, shown(s))
	}
	if more := len(list) - maxListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts, ", "), more)
	}
	return strings.Join(texts, ", ")
}

// maxShown bounds what a token claims, in characters.
const maxShown = 120

// shown quotes a text that may come from a token.
func shown(s string) string { return fmt.Sprintf("%q", clipped(s)) }

// clipped returns a text that may come from a token, as one line of at most maxShown
// printable characters.
func clipped(s string) string {
	r := []rune(strings.ToValidUTF8(s, "�"))
	if len(r) > maxShown {
		return ui.Printable(string(r[:maxShown])) + "…"
	}
	return ui.Printable(string(r))
}
