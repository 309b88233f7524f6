package binding_test

import (
	"flag"
	"net/netip"
	"testing"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
)

func TestTrustedProxyPrefixes(t *testing.T) {
	for text, peers := range map[string]map[string]bool{
		"10.0.0.0/8":    {"10.1.2.3": true, "11.0.0.0": false, "::1": false},
		"127.0.0.1/8":   {"127.9.9.9": true},
		"192.0.2.1":     {"192.0.2.1": true, "192.0.2.2": false},
		"::1":           {"::1": true, "127.0.0.1": false},
		"2001:db8::/32": {"2001:db8::1": true, "2001:db9::1": false},
	} {
		var transport binding.Transport
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		transport.Register(flags)
		if err := flags.Parse([]string{"-mtls", binding.Allowed, "-trusted-proxy", text}); err != nil {
			t.Fatal(err)
		}
		if errs := transport.Check(false); errs != nil {
			t.Errorf("%s: %v", text, errs)
		}
		for peer, want := range peers {
			if got := transport.Certificates().TrustedProxy(netip.MustParseAddr(peer)); got != want {
				t.Errorf("%s trusts %s: %v; want %v", text, peer, got, want)
			}
		}
	}
}
