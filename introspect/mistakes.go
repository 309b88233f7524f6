package introspect

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/pointer"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

const (
	maxLeeway       = 5 * time.Minute
	minSharedSecret = 32
)

// mistakes collects what is wrong with a [Config].
type mistakes struct{ errs []error }

func (m *mistakes) add(format string, args ...any) {
	m.errs = append(m.errs, fmt.Errorf("introspect: Config."+format, args...))
}

// check reports all mistakes in c.
func (c *Config) check() error {
	m := new(mistakes)
	if err := c.checkIssuer(); err != nil {
		m.add("%w", err)
	}
	if c.Endpoint != "" {
		if _, err := fetch.CheckURL(c.Endpoint, c.InsecureAllowHTTP); err != nil {
			m.add("Endpoint: %w", err)
		}
	}
	if err := c.Auth.check(); err != nil {
		m.add("Auth: %w", err)
	}
	c.checkShared(m)
	c.checkAudience(m)
	c.checkRoles(m)
	c.checkBounds(m)
	if c.Signed != nil {
		if err := c.Signed.check(c.InsecureAllowHTTP); err != nil {
			m.add("Signed.%w", err)
		}
	}
	return errors.Join(m.errs...)
}

func (c *Config) checkIssuer() error {
	u, err := fetch.CheckURL(c.Issuer, c.InsecureAllowHTTP)
	query := err == nil && (u.RawQuery != "" || u.ForceQuery)
	switch {
	case err == nil && !query:
		return nil
	case c.AllowNonHTTPSIdentifier:
		return c.checkIdentifier()
	case query:
		return fmt.Errorf("Issuer %q has a query; want none (RFC 8414, Section 2)", fetch.Redact(c.Issuer))
	case c.Issuer == "":
		return fmt.Errorf("Issuer: %w", err)
	}
	return fmt.Errorf("Issuer: %w; if this is the server's iss, set AllowNonHTTPSIdentifier and Endpoint", err)
}

// checkIdentifier checks an Issuer that is not an https URL. It also checks that
// the URLs are set that cannot be discovered from such an Issuer.
func (c *Config) checkIdentifier() error {
	if err := fetch.CheckIdentifier(c.Issuer); err != nil {
		return fmt.Errorf("Issuer: %w", err)
	}
	if c.Endpoint == "" {
		return fmt.Errorf("Endpoint is empty; want its URL, which cannot be discovered from the Issuer %q", c.Issuer)
	}
	if c.Signed != nil && c.Signed.JWKSURI == "" {
		return fmt.Errorf("Signed.JWKSURI is empty; want the URL of the keys, which cannot be discovered from the Issuer %q", c.Issuer)
	}
	return nil
}

func (c *Config) checkAudience(m *mistakes) {
	if len(c.Audience) == 0 && !c.InsecureAudienceNotSent {
		m.add("Audience is empty; want what the issuer puts into aud for this API")
	}
	if slices.Contains(c.Audience, "") {
		m.add("Audience has an empty value")
	}
	for n, audience := range c.Audience {
		if err := weburl.CheckAudience(audience); err != nil && audience != "" {
			m.add("Audience[%d] %q: %w", n, audience, err)
		}
	}
}

func (c *Config) checkRoles(m *mistakes) {
	for n, text := range c.Roles {
		if _, err := pointer.Parse(text); err != nil {
			m.add("Roles[%d] %q %w", n, text, err)
		}
	}
}

func (c *Config) checkShared(m *mistakes) {
	switch n := len(c.SharedSecret); {
	case n > 0 && n < minSharedSecret:
		m.add("SharedSecret has %d bytes; want at least %d random ones", n, minSharedSecret)
	case n == 0 && c.Shared != nil && c.Auth.check() == nil && c.Auth.secret == nil:
		m.add("SharedSecret is empty; it is required because Shared is set and this Auth has no secret")
	}
	if c.Shared != nil && nilcheck.IsNil(c.Shared) {
		m.add("Shared holds a nil pointer; leave it unset for a cache of this instance only")
	}
}

func (c *Config) checkBounds(m *mistakes) {
	if c.Leeway > maxLeeway {
		m.add("Leeway is %v; want at most %v", c.Leeway, maxLeeway)
	}
	for _, bound := range [...]struct {
		name string
		n    int64
	}{
		{"Timeout", int64(c.Timeout)}, {"MaxConcurrent", int64(c.MaxConcurrent)},
		{"CacheEntries", int64(c.CacheEntries)}, {"CacheBytes", int64(c.CacheBytes)},
	} {
		if bound.n < 0 {
			m.add("%s is negative; want a positive bound, or zero for the default", bound.name)
		}
	}
}
