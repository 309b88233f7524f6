package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/compliance"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
)

// api is the protected API and the resources that it must close.
type api struct {
	handler http.Handler
	tokens  *jwks.Verifier
	dev     *jwks.Verifier       // of -dev's second issuer; nil without -dev
	opaque  *introspect.Verifier // nil: the API asks no issuer
	shared  *bearerredis.Client  // nil: no Redis
}

// newAPI builds the API that the command line describes. The error joins all
// mistakes.
func newAPI(c config, dev *devissuer.Issuer, logger *slog.Logger) (*api, error) {
	a := &api{}
	if err := a.build(&c, dev, logger); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *api) build(c *config, dev *devissuer.Issuer, logger *slog.Logger) error {
	redis := a.openRedis(c, logger)
	denied, err := a.denyList(c.leeway)
	if err != nil {
		return err
	}
	table := c.routes(func() error { return a.tokens.Ready() }, denials{denied, c.issuers[0]})
	s, err := a.settings(c, table, logger)
	s.guard.DenyList = denied
	wrong := errors.Join(redis, err, s.follow(c), a.verifiers(s, c, dev))
	metadata, err := resource.New(s.metadata.Matching(s.guard))
	switch {
	case err == nil:
		s.guard.ResourceMetadata = metadata.URL()
	case wrong == nil: // otherwise the cause may be a mistake in another flag
		wrong = usage.Errorf("-resource, -issuer and -realm: %w", err)
	}
	if wrong != nil { // only the realm can still be judged
		s.guard = bearer.Config{Realm: c.realm, Verifiers: []bearer.Verifier{bearer.VerifierFunc(unrecognized)}}
	}
	guard, err := bearer.New(s.guard)
	if err != nil {
		wrong = errors.Join(wrong, usage.Errorf("-realm: %w", err))
	}
	if wrong != nil {
		return wrong
	}
	if a.handler, err = router.Mount(c.framework, guard, table); err != nil {
		return err
	}
	a.handler = router.CanonicalPaths(a.handler)
	if c.cors != "" {
		a.handler = router.AllowOrigin(c.cors, table, a.handler)
	}
	a.handler = router.PublishMetadata(metadata, s.metadata.ServeAtRoot, a.handler)
	if dev != nil {
		return a.addConsole(c, dev, s.guard, table)
	}
	return nil
}

// settings are the configurations of the API's parts.
type settings struct {
	tokens   jwks.Config
	opaque   *introspect.Config // nil: the API asks no issuer
	proofs   *dpop.Config       // nil: the API checks no proofs
	metadata resource.Config
	guard    bearer.Config
}

// settings returns the settings even if there are mistakes in them.
func (a *api) settings(c *config, table []router.Route, logger *slog.Logger) (*settings, error) {
	s := &settings{
		tokens: jwks.Config{
			Leeway:        orNone(c.leeway),
			RefreshBudget: c.refreshBudget,
			Client:        c.client,
			Logger:        logger,
		},
		metadata: c.metadata(table),
		guard: bearer.Config{
			Realm:          c.realm,
			ProofsRequired: c.proofs.Mode == binding.Required,
			Certificates:   c.transport.Certificates(),
			Logger:         logger,

			InsecureAllowHTTP: c.insecureHTTP,
		},
	}
	for _, url := range c.issuers {
		issuer := jwks.Issuer{URL: url, Audience: []string{c.audience}, InsecureAllowHTTP: c.insecureHTTP}
		c.followIssuer(&issuer)
		if c.jwksURI != "" {
			issuer.Keys = jwks.KeysFromURL(c.jwksURI)
		}
		s.tokens.Issuers = append(s.tokens.Issuers, issuer)
	}
	// Proofs name URLs of the API's configured origin, whatever Host a request
	// has.
	proofs := dpop.Config{Origin: weburl.Origin(c.resource), InsecureAllowHTTP: c.insecureHTTP, Logger: logger}
	opaque := introspect.Config{
		Issuer: c.issuers[0], Audience: []string{c.audience}, Leeway: orNone(c.leeway), Roles: c.roles(),
		Logger: logger, InsecureAllowHTTP: c.insecureHTTP,
	}
	if a.shared != nil {
		proofs.Replays, opaque.Shared = a.shared.Replays(), a.shared.Cache()
	}
	var opaqueErr, proofsErr error
	s.opaque, opaqueErr = c.introspection.Config(opaque)
	s.proofs, proofsErr = c.proofs.Config(proofs)
	return s, errors.Join(opaqueErr, proofsErr)
}

// follow changes the settings as the profile requires.
func (s *settings) follow(c *config) error {
	followed, ok := c.followed()
	if !ok {
		return nil
	}
	err := followed.Apply(compliance.Settings{
		Guard:    &s.guard,
		Tokens:   &s.tokens,
		Opaque:   s.opaque,
		Proofs:   s.proofs,
		Metadata: &s.metadata,
		// The API asks about JWTs of the first issuer only.
		EveryTokenIntrospected: c.introspection.All && len(c.issuers) == 1,
	})
	if err != nil {
		return usage.Errorf("-profile %s: %w", c.profile, err)
	}
	return nil
}

// verifiers builds the verifiers and the checker of proofs, and adds them to the
// guard's settings. The verifiers of JWTs come first: they recognize their
// tokens without a request, so that the API sends another issuer's JWT to nobody.
// The last verifier recognizes opaque tokens only.
func (a *api) verifiers(s *settings, c *config, dev *devissuer.Issuer) error {
	var errs []error
	var err error
	if a.tokens, err = jwks.New(s.tokens); err != nil {
		errs = append(errs, usage.Errorf("%s: %w", strings.Join(c.issuerFlags(), " and "), err))
	}
	verifiers := []bearer.Verifier{a.tokens}
	if dev != nil {
		if a.dev, err = dev.OutOfReachVerifier(); err != nil {
			return err
		}
		verifiers = append(verifiers, a.dev)
	}
	if s.opaque != nil {
		if a.opaque, err = introspect.New(*s.opaque); err != nil {
			errs = append(errs, c.introspection.Mistake(err))
		}
		verifiers = append(verifiers, a.opaque)
	}
	if c.introspection.All {
		verifiers[0] = a.revocationAware(c.issuers[0])
	}
	s.guard.Verifiers = verifiers
	if s.proofs != nil {
		checker, err := dpop.New(*s.proofs)
		if err != nil {
			errs = append(errs, usage.Errorf("-resource: %w", err))
		} else {
			s.guard.Proofs = checker
		}
	}
	return errors.Join(errs...)
}

// issuerFlags returns the flags that say whose tokens the API accepts.
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

// revocationAware returns a verifier that verifies JWTs with their issuers' keys,
// and asks the first issuer whether its own JWTs are still active. It does not ask
// about other issuers' tokens, which the first issuer does not know.
func (a *api) revocationAware(first string) bearer.Verifier {
	return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		p, err := a.tokens.Verify(ctx, token)
		if err != nil || p == nil || p.Issuer != first {
			return p, err
		}
		verified := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, nil })
		return bearer.Both(verified, a.opaque.TakingJWTs()).Verify(ctx, token)
	})
}

// unrecognized is a verifier that recognizes no token.
func unrecognized(context.Context, string) (*bearer.Principal, error) {
	return nil, bearer.ErrUnrecognized
}

// openRedis creates the client of the Redis that the API's instances share. It
// does not connect yet.
func (a *api) openRedis(c *config, logger *slog.Logger) (err error) {
	if c.introspection.Redis == "" {
		return nil
	}
	a.shared, err = bearerredis.New(bearerredis.Config{
		Address:       c.introspection.Redis,
		DenialsLeeway: orNone(c.leeway),
		Logger:        logger,
	})
	if err != nil {
		return usage.Errorf("-redis: %w", err)
	}
	return nil
}

// denyList returns the list of denied tokens. Instances that share a Redis share
// the list.
func (a *api) denyList(leeway time.Duration) (denylist.List, error) {
	if a.shared != nil {
		return a.shared.Denials(), nil
	}
	return denylist.NewMemory(denylist.MemoryConfig{Leeway: orNone(leeway)})
}

// orNone converts a duration of the command line, where zero means none, to the
// constructors' convention, where zero is the default and negative means none.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// waitReady waits until the API has the keys of the development issuer, which is
// in this process.
func (a *api) waitReady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = bearer.WaitReady(ctx, func() error { return a.tokens.Ready() }) // the API answers 503 meanwhile
}

func (a *api) close() {
	for _, keys := range []*jwks.Verifier{a.tokens, a.dev} {
		if keys != nil {
			keys.Close()
		}
	}
	if a.opaque != nil {
		a.opaque.Close()
	}
	if a.shared != nil {
		_ = a.shared.Close() // closing loses nothing
	}
}
