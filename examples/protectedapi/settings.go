package main

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
)

// settings are the configurations that the API is built of, as the flags and a
// profile say.
type settings struct {
	tokens   jwks.Config
	opaque   *introspect.Config // nil: no issuer is asked about tokens
	proofs   *dpop.Config       // nil: none are checked
	metadata resource.Config
	guard    bearer.Config
}

// settings returns the settings, and all that is wrong with them.
func (a *api) settings(c *config, table []route, logger *slog.Logger) (*settings, error) {
	s := &settings{
		tokens: jwks.Config{
			Leeway:        orNone(c.leeway),
			RefreshBudget: c.refreshBudget,
			Client:        c.client,
			Logger:        logger,
		},
		metadata: c.describe(table),
		guard: bearer.Config{
			Realm:          c.realm,
			ProofsRequired: c.proofs.use == required,
			Certificates:   c.transport.certificates(),
			Logger:         logger,

			InsecureAllowHTTP: c.insecureHTTP,
		},
	}
	for _, url := range c.issuers {
		issuer := jwks.Issuer{URL: url, Audience: []string{c.audience}, InsecureAllowHTTP: c.insecureHTTP}
		if c.jwksURI != "" {
			issuer.Keys = jwks.KeysFromURL(c.jwksURI)
		}
		s.tokens.Issuers = append(s.tokens.Issuers, issuer)
	}
	var asks, proofs error
	s.opaque, asks = c.introspection.config(c, a.shared, logger)
	s.proofs, proofs = c.proofs.config(c, a.shared, logger)
	return s, errors.Join(asks, proofs)
}

// construct builds what the settings describe, but for the guard, to which it
// gives what it needs, and returns all that is wrong. Of verifiers first come
// those that recognize their tokens by themselves, so that no JWT of another
// issuer is sent to one that must be asked; that one recognizes opaque tokens
// alone.
func (a *api) construct(s *settings, c *config, dev *devIssuer) error {
	var errs []error
	var err error
	// These are what check leaves to the constructors.
	if a.tokens, err = jwks.New(s.tokens); err != nil {
		errs = append(errs, usage("%s: %w", strings.Join(c.issuerFlags(), " and "), err))
	}
	verifiers := []bearer.Verifier{a.tokens}
	if dev != nil {
		if a.dev, err = dev.outOfReachVerifier(); err != nil {
			return err
		}
		verifiers = append(verifiers, a.dev)
	}
	if s.opaque != nil {
		if a.opaque, err = introspect.New(*s.opaque); err != nil {
			errs = append(errs, c.introspection.mistake(err))
		}
		verifiers = append(verifiers, a.opaque)
	}
	if c.introspection.all {
		verifiers[0] = a.alsoAsked(c.issuers[0])
	}
	s.guard.Verifiers = verifiers
	if s.proofs != nil {
		checker, err := dpop.New(*s.proofs)
		if err != nil { // what the check of the URL leaves
			errs = append(errs, usage("-resource: %w", err))
		} else {
			s.guard.Proofs = checker
		}
	}
	return errors.Join(errs...)
}

// issuerFlags are the flags that say whose tokens are accepted.
func (c *config) issuerFlags() []string {
	flags := []string{"-issuer"}
	if c.jwksURI != "" {
		flags = append(flags, "-jwks-uri")
	}
	if c.audience != c.resource {
		flags = append(flags, "-audience")
	}
	return flags
}
