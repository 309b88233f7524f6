package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// reach finds the server and connects to it. It reports whether a request can be
// sent.
func (d *doctor) reach(ctx context.Context) bool {
	if !d.resolve(ctx) {
		d.step("tcp", "connection").skip("the host has no address")
		return false
	}
	step := d.step("tcp", "connection")
	address := wire.Address(d.target)
	started := time.Now()
	conn, err := d.Client.Connect(ctx, address)
	if err != nil {
		step.failed(err)
		d.step("tls", "TLS").skip("there is no connection")
		return false
	}
	_ = conn.Close()
	step.Found = fmt.Sprintf("%s accepts connections, after %s", address, time.Since(started).Round(time.Millisecond))
	return d.handshake(ctx, address)
}

func (d *doctor) resolve(ctx context.Context) bool {
	step := d.step("dns", "host name")
	host := d.target.Hostname()
	if net.ParseIP(host) != nil {
		step.Found = host + " is an address"
		return true
	}
	addresses, err := d.Client.Resolve(ctx, host)
	if err != nil {
		step.failed(err)
		return false
	}
	const most = 4
	step.Found = host + " has " + strings.Join(addresses[:min(len(addresses), most)], ", ")
	if len(addresses) > most {
		step.Found += fmt.Sprintf(" and %d more", len(addresses)-most)
	}
	return true
}

func (d *doctor) handshake(ctx context.Context, address string) bool {
	step := d.step("tls", "TLS")
	if d.target.Scheme == "http" {
		if weburl.IsLoopback(d.target.Hostname()) {
			step.skip("plain HTTP on this machine")
		} else {
			step.fault("plain-http", "the API is called by plain HTTP: anybody on the path can read the tokens", "serve the API by https, and redirect no API requests from http", "RFC 6750, Section 5.2")
		}
		return true
	}
	state, err := d.Client.Handshake(ctx, address)
	if err != nil {
		step.failed(err)
		return false
	}
	leaf := state.PeerCertificates[0]
	step.Found = fmt.Sprintf("%s, certificate until %s", tls.VersionName(state.Version), leaf.NotAfter.UTC().Format(time.DateOnly))
	step.add(d.Client.Certificate(state, d.target.Hostname())...)
	if finding.Worst(step.Findings) == finding.Fault {
		step.Found += "; the probe goes on, and the rest is what an unverified server says"
	}
	return true
}
