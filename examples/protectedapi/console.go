package main

import (
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/console"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// addConsole adds the page of -dev in front of the API.
func (a *api) addConsole(c *config, dev *devissuer.Issuer, guard bearer.Config, table []router.Route) error {
	limited, err := limitedRoute(c.framework, guard)
	if err != nil {
		return err
	}
	proofs, certificates := c.binds()
	page, err := console.New(console.Config{
		Issuer: dev, Routes: table, Framework: c.framework, Resource: c.resource,
		DPoP: proofs, MTLS: certificates, Leeway: c.leeway, MaxAge: c.introspection.MaxAge, AsksAboutJWTs: c.introspection.All,
		Limited: limited,
	})
	if err != nil {
		return err
	}
	// A web page may use its own name for this machine (DNS rebinding), so this
	// handler is the outermost.
	a.handler = bearertest.LocalOnly(page.Wrap(a.handler), weburl.Hostname(c.resource))
	return nil
}

// binds returns how tokens may or must be bound. A profile may require what the
// flags only allow.
func (c *config) binds() (proofs, certificates string) {
	proofs, certificates = c.proofs.Mode, c.transport.Mode
	if c.bindsToKey() {
		proofs = binding.Required
	}
	if c.bindsToCertificate() {
		certificates = binding.Required
	}
	return proofs, certificates
}

// limitedRoute returns a route on which three bad tokens are enough for a 429. It
// has a guard of its own, so that the other routes stay as they are without -dev.
func limitedRoute(framework string, guard bearer.Config) (http.Handler, error) {
	guard.FailureLimit = &bearer.FailureLimit{Burst: 3, Every: 3 * time.Second}
	limited, err := bearer.New(guard)
	if err != nil {
		return nil, err
	}
	return router.Mount(framework, limited, []router.Route{
		{Method: "GET", Path: console.LimitedPath, Rule: scope.All("orders:read"), Handler: listOrders},
	})
}
