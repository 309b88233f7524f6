package main

import (
	"log/slog"

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

func (a *api) settings(c *config, table []route, logger *slog.Logger) (*settings, error) {
	s := &settings{
		tokens: jwks.Config{
			Leeway:        orNone(c.leeway),
			RefreshBudget: c.refreshBudget,
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
	var err error
	if s.opaque, err = c.introspection.config(c, a.shared, logger); err != nil {
		return nil, err
	}
	s.proofs, err = c.proofs.config(c, a.shared, logger)
	return s, err
}

// construct builds what the settings describe, but for the guard, to which it
// gives what it needs. Of verifiers first come those that recognize their tokens
// by themselves, so that no JWT of another issuer is sent to one that must be
// asked; that one recognizes opaque tokens alone.
func (a *api) construct(s *settings, c *config, dev *devIssuer) (err error) {
	a.tokens, err = jwks.New(s.tokens)
	switch { // what check leaves to the constructors
	case err != nil && c.jwksURI != "":
		return usage("-issuer and -jwks-uri: %w", err)
	case err != nil:
		return usage("-issuer: %w", err)
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
			return c.introspection.mistake(err)
		}
		verifiers = append(verifiers, a.opaque)
	}
	if c.introspection.all {
		verifiers[0] = a.alsoAsked(c.issuers[0])
	}
	s.guard.Verifiers = verifiers
	if s.proofs == nil {
		return nil
	}
	checker, err := dpop.New(*s.proofs)
	if err != nil { // what the check of the URL leaves
		return usage("-resource: %w", err)
	}
	s.guard.Proofs = checker
	return nil
}
