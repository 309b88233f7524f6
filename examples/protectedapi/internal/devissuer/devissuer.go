// Package devissuer is the authorization server of -dev. It runs in the API's
// process, listens on loopback and gives tokens to anyone who asks.
package devissuer

import (
	"crypto/rand"
	"os"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Issuer is a development issuer, and the files of a client whose tokens are
// bound.
type Issuer struct {
	*bearertest.Issuer
	Client   bearertest.Client // the API's own, to ask about tokens
	Files    *Files            // nil: no tokens are bound
	audience string
}

// Start starts an issuer. If bound is set it makes the files of a client, and a
// certificate for a server that listens on the address listen.
func Start(audience string, bound bool, listen string) (*Issuer, error) {
	d := &Issuer{audience: audience, Client: bearertest.Client{ID: "protectedapi", Secret: rand.Text()}}
	var err error
	d.Issuer, err = bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}, Clients: []bearertest.Client{d.Client}})
	if err != nil {
		return nil, err
	}
	if bound {
		if d.Files, err = newFiles(listen); err != nil {
			d.Close()
			return nil, err
		}
	}
	return d, nil
}

// Close stops the issuer and removes the files.
func (d *Issuer) Close() {
	d.Issuer.Close()
	if d.Files != nil {
		_ = os.RemoveAll(d.Files.dir) // the system cleans up what remains
	}
}

// OutOfReach is a second issuer that -dev trusts. The development issuer owns
// its address and publishes no keys there, so its tokens get a 503.
func (d *Issuer) OutOfReach() string { return d.URL() + "/out-of-reach" }

// OutOfReachVerifier returns a separate verifier for the second issuer, so that
// /readyz does not wait for its keys.
func (d *Issuer) OutOfReachVerifier() (*jwks.Verifier, error) {
	return jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: d.OutOfReach(), Audience: []string{d.audience}}}})
}
