package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// devIssuer is the authorization server of -dev: in this process, on loopback,
// and it hands out tokens to whoever asks.
type devIssuer struct {
	issuer   *bearertest.Issuer
	audience string
	client   bearertest.Client // as which this program asks about tokens
	files    *demoFiles        // nil: no tokens are bound
}

func startDevIssuer(c config) (*devIssuer, error) {
	d := &devIssuer{audience: c.audience, client: bearertest.Client{ID: "protectedapi", Secret: rand.Text()}}
	var err error
	d.issuer, err = bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{c.audience}, Clients: []bearertest.Client{d.client}})
	if err != nil {
		return nil, err
	}
	if c.proofs.use != off || c.transport.mtls != off {
		if d.files, err = newDemoFiles(c.listen); err != nil {
			d.close()
			return nil, err
		}
	}
	return d, nil
}

func (d *devIssuer) url() string { return d.issuer.URL() }

func (d *devIssuer) close() {
	d.issuer.Close()
	if d.files != nil {
		_ = os.RemoveAll(d.files.dir) // what is left of it, the system removes
	}
}

// outOfReach is a second issuer that -dev trusts, so that a 503 can be shown:
// at its address, which the development issuer holds, nothing publishes keys.
func (d *devIssuer) outOfReach() string { return d.url() + "/out-of-reach" }

// outOfReachVerifier is a verifier of its own, since the readiness of this
// program must not wait for keys that never come.
func (d *devIssuer) outOfReachVerifier() (*jwks.Verifier, error) {
	return jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: d.outOfReach(), Audience: []string{d.audience}}}})
}

// printDemo prints requests to paste. Each is a comment that says what status
// to expect, and the command line.
func (d *devIssuer) printDemo(w io.Writer, origin string, addr net.Addr, c config) {
	_, _ = fmt.Fprintf(w, `
%s routes, and the development issuer is %s.
Paste a line to see the status, the challenge and the body of its answer.
`, c.framework, d.url())
	if c.profile == fapi2 {
		_, _ = fmt.Fprint(w, "By the profile the tokens in these lines are good for ten minutes from now.\n")
	}
	m := newDemo(d, origin, addr, c)
	if c.bindsToCertificate() && m.certify == nil {
		_, _ = fmt.Fprint(w, "\nThere are none: with -mtls required nobody but a -trusted-proxy brings a certificate, and no client on this machine is one.\n")
	} else {
		for _, row := range m.rows() {
			_, _ = fmt.Fprintf(w, "\n# expect %d: %s\n%s\n", row.status, row.about, row.curl)
		}
	}
	_, _ = fmt.Fprint(w, "\nCtrl-C ends the program.\n")
}
