package main

import (
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/console"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
)

// addConsole adds the page of -dev in front of the API.
func (a *api) addConsole(c *config, dev *devissuer.Issuer, table []router.Route) error {
	page, err := console.New(console.Config{
		Issuer: dev, Routes: table, Framework: c.framework, Resource: c.resource,
		DPoP: c.proofs.Mode, MTLS: c.transport.Mode, Leeway: c.leeway, MaxAge: c.introspection.MaxAge, AsksAboutJWTs: c.introspection.All,
	})
	if err != nil {
		return err
	}
	// A web page may use its own name for this machine (DNS rebinding), so this
	// handler is the outermost.
	a.handler = bearertest.LocalOnly(page.Wrap(a.handler), weburl.Hostname(c.resource))
	return nil
}
