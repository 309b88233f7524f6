package jwks

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/internal/known"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// Issuer is an authorization server whose access tokens are accepted.
type Issuer struct {
	// URL is the issuer identifier, which must be equal to the token's iss (RFC
	// 9068, Section 4): an https URL without query and fragment, or an http URL
	// on a loopback host. AllowNonHTTPSIdentifier permits others. Nothing is
	// fetched from URL unless Keys is discovery. Required.
	URL string

	// AllowNonHTTPSIdentifier permits any URL that the issuer puts into iss: an
	// http URL, as AD FS does, or a name. It does not weaken what is fetched:
	// Keys must then say where the keys are, and these URLs must still be https.
	AllowNonHTTPSIdentifier bool

	// Audience lists the issuer's names for this API. A token's aud must contain
	// one of them exactly. Required: at least one.
	Audience []string

	// Keys says where the keys come from. Default: discovery.
	Keys KeySource

	// Algorithms are the accepted signature algorithms (RFC 8725, Section 3.1).
	// Default: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512,
	// EdDSA and Ed25519.
	Algorithms []string

	// Profile describes the issuer's access tokens. Default: RFC 9068.
	Profile Profile

	// RequireKeyID refuses tokens without kid in their header. Otherwise the
	// verifier tries such a token with every key for its algorithm, but with no
	// more than 32 keys, or 8 for ES384 and ES512. Set RequireKeyID for an issuer
	// that always sends kid and publishes many keys: a forged token then costs
	// one signature check.
	RequireKeyID bool

	// Client fetches this issuer's metadata and keys, for an issuer with a
	// certificate authority or credentials of its own. See [Config.Client].
	// Default: Config.Client.
	Client *http.Client

	// InsecureAllowHTTP accepts http URLs on hosts other than loopback, and
	// fetches keys from there. Anybody on the path to the issuer can then forge
	// tokens.
	InsecureAllowHTTP bool
}

// issuer is a compiled [Issuer].
type issuer struct {
	url        string
	audience   []string
	algorithms []jose.Algorithm
	profile    *profile
	origin     keyOrigin
	given      []*jose.Key // the keys, if the configuration contains them
	source     *keysource.Source
	journal    *claims.Journal
	serial     uint64 // differs between all issuers that a verifier has had

	requireKeyID bool

	// gone means that the configuration no longer contains the issuer in this
	// form. Cached tokens of the issuer are then void.
	gone atomic.Bool

	// approval is what the verifier knows about an issuer that Config.Resolve
	// approved, and nil for an issuer of Config.Issuers.
	approval *approval

	// Values of claims that many of the issuer's tokens share. Only tokens with
	// a verified signature add to them.
	scopes known.Table[scope.Set]        // by the scope claim
	lists  known.Table[bearer.Principal] // by the key of readLists
}

// compile compiles i, except for its source and journal.
func (i Issuer) compile(c *Config, shared *profiles) (*issuer, error) {
	algorithms, err := i.compileAlgorithms()
	errs := []error{i.checkURL(), i.checkAudiences(), i.Keys.check(i.InsecureAllowHTTP), err}
	profile, err := shared.compile(i.Profile)
	errs = append(errs, err)
	return &issuer{
		url:        i.URL,
		audience:   slices.Clone(i.Audience),
		algorithms: algorithms,
		profile:    profile,
		origin:     i.keyOrigin(c),
		given:      i.Keys.static,

		requireKeyID: i.RequireKeyID,
	}, errors.Join(errs...)
}

// equal reports whether i and j have the same settings, so that tokens which one
// of them accepted are good for the other.
func (i *issuer) equal(j *issuer) bool {
	return i.origin == j.origin && i.profile == j.profile && i.requireKeyID == j.requireKeyID &&
		slices.Equal(i.audience, j.audience) && slices.Equal(i.algorithms, j.algorithms)
}

func (i Issuer) checkAudiences() error {
	if len(i.Audience) == 0 {
		return errors.New("Audience is empty; want what the issuer puts into aud for this API")
	}
	var errs []error
	if slices.Contains(i.Audience, "") {
		errs = append(errs, errors.New("Audience has an empty value"))
	}
	for n, audience := range i.Audience {
		if err := weburl.CheckAudience(audience); err != nil && audience != "" {
			errs = append(errs, fmt.Errorf("Audience[%d] %q: %w", n, audience, err))
		}
	}
	return errors.Join(errs...)
}

func (i Issuer) compileAlgorithms() ([]jose.Algorithm, error) {
	if i.Algorithms == nil {
		return jose.Algorithms(), nil
	}
	if len(i.Algorithms) == 0 {
		return nil, errors.New("Algorithms is empty; leave it out for the default")
	}
	var algorithms []jose.Algorithm
	var errs []error
	for _, name := range i.Algorithms {
		algorithm := jose.Algorithm(name)
		if !algorithm.Supported() {
			errs = append(errs, fmt.Errorf("Algorithms: %q; want some of %v", name, jose.Algorithms()))
		}
		algorithms = append(algorithms, algorithm)
	}
	return algorithms, errors.Join(errs...)
}

func (i Issuer) checkURL() error {
	if i.AllowNonHTTPSIdentifier && !i.Keys.discovers() {
		if err := fetch.CheckIdentifier(i.URL); err != nil {
			return fmt.Errorf("URL: %w", err)
		}
		return nil
	}
	u, err := fetch.CheckURL(i.URL, i.InsecureAllowHTTP)
	switch {
	case err == nil && (u.RawQuery != "" || u.ForceQuery):
		return fmt.Errorf("URL %q has a query; want none (RFC 8414, Section 2)", fetch.Redact(i.URL))
	case err == nil:
		return nil
	case i.URL == "", weburl.Unfilled(i.URL) != nil:
		return fmt.Errorf("URL: %w", err)
	case i.AllowNonHTTPSIdentifier:
		return fmt.Errorf("URL: %w; it does not say where the keys are, so set Keys to KeysFromMetadata or KeysFromURL", err)
	}
	return fmt.Errorf("URL: %w; if this is the tokens' iss, set AllowNonHTTPSIdentifier and Keys", err)
}
