package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/resource"
)

// api is the protected API, and what stands behind it.
type api struct {
	handler http.Handler
	tokens  *jwks.Verifier
	dev     *jwks.Verifier       // of the issuer whose keys are out of reach; nil without -dev
	opaque  *introspect.Verifier // nil: no issuer is asked about tokens
	shared  *bearerredis.Client  // nil: none
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

// build builds the API, or returns all that is wrong with what the command line
// describes.
func (a *api) build(c config, dev *devIssuer, logger *slog.Logger) error {
	redis := a.openRedis(&c, logger)
	denied, err := a.denyList(c.leeway)
	if err != nil {
		return err
	}
	table := routes(func() error { return a.tokens.Ready() }, denials{denied, c.issuers[0]})
	s, err := a.settings(&c, table, logger)
	s.guard.DenyList = denied
	wrong := errors.Join(redis, err, s.follow(&c), a.construct(s, &c, dev))
	metadata, err := resource.New(s.metadata.Matching(s.guard))
	switch {
	case err != nil && wrong == nil: // what check leaves to the constructor; the issuers were told
		wrong = usage("-resource, -issuer and -realm: %w", err)
	case err == nil:
		s.guard.ResourceMetadata = metadata.URL()
	}
	if wrong != nil { // of the guard, nothing but the realm is certain
		s.guard = bearer.Config{Realm: c.realm, Verifiers: []bearer.Verifier{bearer.VerifierFunc(nobody)}}
	}
	guard, err := bearer.New(s.guard)
	if err != nil {
		wrong = errors.Join(wrong, usage("-realm: %w", err))
	}
	if wrong != nil {
		return wrong
	}
	router, err := mount(c.framework, guard, table)
	if err != nil {
		return err
	}
	a.handler = canonicalPaths(router)
	if c.cors != "" {
		a.handler = allowOrigin(c.cors, table, a.handler)
	}
	a.handler = publish(metadata, s.metadata.ServeAtRoot, a.handler)
	if dev != nil {
		// Outermost, since a page may have a name of its own for this machine.
		a.handler = bearertest.LocalOnly(a.handler, hostnameOf(c.resource))
	}
	return nil
}

// nobody is a verifier that knows no token.
func nobody(context.Context, string) (*bearer.Principal, error) { return nil, bearer.ErrUnrecognized }

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
