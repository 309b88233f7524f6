package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// api is the protected API, and what stands behind it.
type api struct {
	handler http.Handler
	tokens  *jwks.Verifier
	dev     *jwks.Verifier       // of the issuer whose keys are out of reach; nil without -dev
	opaque  *introspect.Verifier // nil: no issuer is asked about tokens
	shared  *bearerredis.Cache   // nil: none
}

// newAPI builds the API that the command line describes.
func newAPI(c config, dev *devIssuer, logger *slog.Logger) (*api, error) {
	a := &api{}
	if err := a.build(c, dev, logger); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *api) build(c config, dev *devIssuer, logger *slog.Logger) error {
	if err := a.openRedis(c.introspection.redis, logger); err != nil {
		return err
	}
	verifiers, err := a.verifiers(c, dev, logger)
	if err != nil {
		return err
	}
	checker, err := a.checker(c.proofs, c.resource, logger)
	if err != nil {
		return err
	}
	table := routes(a.tokens.Ready)
	metadata, err := c.metadata(table, checker)
	if err != nil {
		return err
	}
	settings := bearer.Config{
		Verifiers:        verifiers,
		Realm:            c.realm,
		ResourceMetadata: metadata.URL(),
		ProofsRequired:   c.proofs.use == required,
		Certificates:     c.transport.certificates(),
		Logger:           logger,
	}
	if checker != nil {
		settings.Proofs = checker
	}
	guard, err := bearer.New(settings)
	if err != nil {
		return usage("-realm: %w", err)
	}
	router, err := mount(c.framework, guard, table)
	if err != nil {
		return err
	}
	a.handler = canonicalPaths(router)
	if c.cors != "" {
		a.handler = allowOrigin(c.cors, a.handler)
	}
	a.handler = publish(metadata, a.handler)
	return nil
}

// verifiers builds the verifiers of the guard. First come those that recognize
// their tokens by themselves, so that no JWT of another issuer is sent to one
// that must be asked; that one recognizes opaque tokens alone.
func (a *api) verifiers(c config, dev *devIssuer, logger *slog.Logger) ([]bearer.Verifier, error) {
	issuers := make([]jwks.Issuer, 0, len(c.issuers))
	for _, url := range c.issuers {
		issuer := jwks.Issuer{URL: url, Audience: []string{c.audience}}
		if c.jwksURI != "" {
			issuer.Keys = jwks.KeysFromURL(c.jwksURI)
		}
		issuers = append(issuers, issuer)
	}
	var err error
	a.tokens, err = jwks.New(jwks.Config{
		Issuers:       issuers,
		Leeway:        orNone(c.leeway),
		RefreshBudget: c.refreshBudget,
		Logger:        logger,
	})
	switch { // what check leaves to the constructors
	case err != nil && c.jwksURI != "":
		return nil, usage("-issuer and -jwks-uri: %w", err)
	case err != nil:
		return nil, usage("-issuer: %w", err)
	}
	verifiers := []bearer.Verifier{a.tokens}
	if dev != nil {
		if a.dev, err = dev.outOfReachVerifier(); err != nil {
			return nil, err
		}
		verifiers = append(verifiers, a.dev)
	}
	if c.introspection.clientID != "" {
		if err := a.askFirstIssuer(c, logger); err != nil {
			return nil, err
		}
		verifiers = append(verifiers, a.opaque)
	}
	if c.introspection.all {
		verifiers[0] = a.alsoAsked(c.issuers[0])
	}
	return verifiers, nil
}

// mount registers the routes with a framework.
func mount(framework string, guard *bearer.Guard, routes []route) (http.Handler, error) {
	switch framework {
	case "nethttp":
		return mountHTTP(guard, routes), nil
	case "echo":
		return mountEcho(guard, routes), nil
	case "gin":
		return mountGin(guard, routes), nil
	}
	return nil, fmt.Errorf("no framework %q", framework)
}

// waitReady waits until the keys are at hand, which takes the issuer of this
// very process no time to speak of.
func (a *api) waitReady(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for a.tokens.Ready() != nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
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
		_ = a.shared.Close() // nothing is lost with it
	}
}
