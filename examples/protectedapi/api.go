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
	guard, err := a.guard(c, dev, logger)
	if err != nil {
		a.close()
		return nil, err
	}
	router, err := mount(c.framework, guard, routes(a.tokens.Ready))
	if err != nil {
		a.close()
		return nil, err
	}
	a.handler = canonicalPaths(router)
	if c.cors != "" {
		a.handler = allowOrigin(c.cors, a.handler)
	}
	return a, nil
}

// guard builds the guard and its verifiers. First come those that recognize
// their tokens by themselves, so that no JWT of another issuer is sent to one
// that must be asked; that one recognizes opaque tokens alone.
func (a *api) guard(c config, dev *devIssuer, logger *slog.Logger) (*bearer.Guard, error) {
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
	guard, err := bearer.New(bearer.Config{Verifiers: verifiers, Realm: c.realm, Logger: logger})
	if err != nil {
		return nil, usage("-realm: %w", err)
	}
	return guard, nil
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
