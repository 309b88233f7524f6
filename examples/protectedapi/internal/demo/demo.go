// Package demo prints the requests of -dev: a curl line with a real token for
// each kind of answer.
package demo

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
	"github.com/bearerkit/bearerkit/internal/credential"
	"github.com/bearerkit/bearerkit/resource"
)

// Config is what the demonstration shows.
type Config struct {
	Issuer    *devissuer.Issuer
	Framework string
	Origin    string   // curl reaches the API there
	Address   net.Addr // the API listens there
	Resource  string   // the API's identifier

	Proofs    *binding.Proofs
	Transport *binding.Transport
	MaxAge    time.Duration // of introspection answers

	// BindsToKey and BindsToCertificate report whether every token must be
	// bound.
	BindsToKey, BindsToCertificate bool
	// Brief prints six requests in place of one for each kind of answer.
	Brief bool
	// ShortLived reports whether the API accepts tokens for ten minutes only.
	ShortLived bool
}

// Print writes the requests. Each is a comment that says which status to expect,
// and a command line for /bin/sh.
func Print(w io.Writer, c Config) {
	if c.Brief {
		printBrief(w, c)
		return
	}
	_, _ = fmt.Fprintf(w, `
The routes run on %s. The development issuer: %s
Paste a line to see the status, the challenge and the body of its answer.
`, c.Framework, c.Issuer.URL())
	if c.ShortLived {
		_, _ = fmt.Fprint(w, "By the profile the tokens in these lines are good for ten minutes from now.\n")
	}
	d := newDemo(c)
	if c.BindsToCertificate && d.certify == nil {
		_, _ = fmt.Fprint(w, noClient)
	} else {
		printRows(w, d.rows())
	}
	_, _ = fmt.Fprint(w, "\nCtrl-C ends the program.\n")
}

const noClient = "\nThere are none: with -mtls required nobody but a -trusted-proxy brings a certificate, and no client on this machine is one.\n"

func printRows(w io.Writer, rows []row) {
	for _, row := range rows {
		_, _ = fmt.Fprintf(w, "\n# expect %d: %s\n%s\n", row.status, row.about, row.curl)
	}
}

// demo builds the requests. If every token must be bound, each token is, and
// each request proves it.
type demo struct {
	Config
	metadataPath string
	program      string // for /bin/sh
	scheme       string // of requests that are not about schemes
	// certify returns the words that give a request a certificate. It is nil if
	// curl cannot send one.
	certify func(*credential.Certificate) string
}

func newDemo(c Config) *demo {
	d := &demo{Config: c, scheme: "Bearer", program: "protectedapi"}
	if path, err := os.Executable(); err == nil {
		d.program = quote(path)
	}
	if c.BindsToKey {
		d.scheme = "DPoP"
	}
	if metadata, err := resource.New(resource.Config{Resource: c.Resource}); err == nil {
		d.metadataPath = metadata.Path()
	}
	here, _ := netip.ParseAddrPort(c.Address.String())
	switch {
	case c.Transport.Mode == binding.Off:
	case c.Transport.Trusts(here.Addr().Unmap()):
		// This machine is a trusted proxy, so curl can act as the proxy.
		d.certify = clientCert
	case strings.HasPrefix(c.Origin, "https:"):
		d.certify = func(c *credential.Certificate) string {
			return "--cert " + quote(c.File) + " --key " + quote(c.KeyFile)
		}
	}
	return d
}

// clientCert returns the words for a Client-Cert field (RFC 9440).
func clientCert(c *credential.Certificate) string {
	return "-H 'Client-Cert: :" + base64.StdEncoding.EncodeToString(c.DER) + ":'"
}

// mint mints a token that is bound as the API requires.
func (d *demo) mint(t bearertest.Token) string { return d.bound(t, d.BindsToKey, d.BindsToCertificate) }

func (d *demo) mintOpaque(scope string) string {
	return d.Issuer.MintOpaque(d.bind(bearertest.Token{Scope: scope}, d.BindsToKey, d.BindsToCertificate))
}

// bound mints a token that is bound to the key, to the certificate or to both.
func (d *demo) bound(t bearertest.Token, toKey, toCertificate bool) string {
	return d.Issuer.Mint(d.bind(t, toKey, toCertificate))
}

func (d *demo) bind(t bearertest.Token, toKey, toCertificate bool) bearertest.Token {
	if t.TTL == 0 {
		t.TTL = 12 * time.Hour // a demonstration may stay open for a day
	}
	cnf := map[string]any{}
	if toKey {
		cnf["jkt"] = d.Issuer.Files.JKT
	}
	if toCertificate {
		cnf["x5t#S256"] = d.Issuer.Files.Client.Thumbprint()
	}
	if len(cnf) > 0 {
		claims := map[string]any{"cnf": cnf}
		maps.Copy(claims, t.Claims)
		t.Claims = claims
	}
	return t
}

// proofURL returns the URL that a proof for a path names, whatever host the
// request goes to.
func (d *demo) proofURL(path string) string { return weburl.Origin(d.Resource) + path }
