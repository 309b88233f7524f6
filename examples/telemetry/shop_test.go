package main

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// shop is an API with everything that can be measured, and with faults: one issuer
// is down, and one stops to answer introspections.
type shop struct {
	api, metrics                      http.Handler
	good, down, tenants, introspected *bearertest.Issuer
	token, forged, opaque, tenant     string // tokens that are used again and again
	replays                           *dpop.MemoryReplays
	denials                           *denylist.Memory
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{good: startIssuer(t), down: startIssuer(t), tenants: startIssuer(t), introspected: startIssuer(t)}
	s.down.SetFault(bearertest.JWKS, bearertest.Fault{Status: http.StatusServiceUnavailable})
	provider, metrics, err := newProvider()
	ok(t, err)
	s.metrics = metrics
	telemetry, err := bearerotel.New(bearerotel.WithMeterProvider(provider))
	ok(t, err)
	tokens, err := jwks.New(telemetry.Keys(jwks.Config{
		Issuers: []jwks.Issuer{{URL: s.good.URL(), Audience: []string{audience}}, {URL: s.down.URL(), Audience: []string{audience}}},
		Resolve: func(_ context.Context, iss string) (jwks.Issuer, error) {
			if iss != s.tenants.URL() {
				return jwks.Issuer{}, bearer.ErrUnrecognized
			}
			return jwks.Issuer{URL: iss, Audience: []string{audience}}, nil
		},
	}))
	ok(t, err)
	t.Cleanup(tokens.Close)
	opaque, err := introspect.New(telemetry.Introspection(introspect.Config{
		Issuer: s.introspected.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"), MaxAge: time.Hour,
	}))
	ok(t, err)
	t.Cleanup(opaque.Close)
	s.replays, err = dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 100})
	ok(t, err)
	checker, err := dpop.New(dpop.Config{Origin: audience, Replays: s.replays})
	ok(t, err)
	s.denials, err = denylist.NewMemory(denylist.MemoryConfig{Capacity: 10})
	ok(t, err)
	guard, err := bearer.New(telemetry.Guard(bearer.Config{Verifiers: []bearer.Verifier{tokens, opaque}, Proofs: checker, DenyList: s.denials}))
	ok(t, err)
	_, err = telemetry.Observe(bearerotel.Sources{
		JWTs: []*jwks.Verifier{tokens}, Opaque: []*introspect.Verifier{opaque}, Proofs: []*dpop.Checker{checker},
		Replays: []*dpop.MemoryReplays{s.replays}, Denials: []*denylist.Memory{s.denials},
	})
	ok(t, err)
	mux := http.NewServeMux()
	mux.Handle("GET /orders/{id}", bearerhttp.Require(guard, scope.All("orders:read"))(http.HandlerFunc(showOrder)))
	s.api = mux
	return s
}

// fill fills the stores, and then makes the introspection endpoint fail.
func (s *shop) fill(t *testing.T) {
	t.Helper()
	s.token, s.tenant = s.good.Mint(bearertest.Token{Scope: "orders:read"}), s.tenants.Mint(bearertest.Token{Scope: "orders:read"})
	s.forged = s.token[:strings.LastIndexByte(s.token, '.')] + "." + strings.Repeat("A", len(s.token)-1-strings.LastIndexByte(s.token, '.'))
	s.opaque = s.introspected.MintOpaque(bearertest.Token{Scope: "orders:read"})
	s.send(1, "Bearer "+s.opaque)
	s.introspected.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: http.StatusBadGateway})
	for i := range 90 {
		name := strconv.Itoa(i)
		_, err := s.replays.Burn(t.Context(), dpop.UsedProof{ID: sha256.Sum256([]byte(name)), JKT: name, Until: time.Now().Add(time.Hour)})
		ok(t, err)
	}
	for i := range 9 {
		ok(t, s.denials.Deny(t.Context(), denylist.Entry{Issuer: s.good.URL(), Subject: "user-" + strconv.Itoa(i), Until: time.Now().Add(time.Hour)}))
	}
}

func startIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
	ok(t, err)
	ok(t, issuer.Start())
	t.Cleanup(issuer.Close)
	return issuer
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
