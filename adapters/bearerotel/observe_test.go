package bearerotel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerotel"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Observe reports what the sources count, and ends with Unregister.
func TestObserve(t *testing.T) {
	s := newSDK(t)
	telemetry := s.telemetry(t)
	issuer := newIssuer(t)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	opaque, err := introspect.New(introspect.Config{Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer opaque.Close()
	replays, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: 100})
	if err != nil {
		t.Fatal(err)
	}
	checker, err := dpop.New(dpop.Config{Origin: audience, Replays: replays})
	if err != nil {
		t.Fatal(err)
	}
	denials, err := denylist.NewMemory(denylist.MemoryConfig{Capacity: 10})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := telemetry.Observe(bearerotel.Sources{
		JWTs: []*jwks.Verifier{tokens}, Opaque: []*introspect.Verifier{opaque}, Proofs: []*dpop.Checker{checker},
		Replays: []*dpop.MemoryReplays{replays}, Denials: []*denylist.Memory{denials},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, secret := issuer.Mint(bearertest.Token{}), issuer.MintOpaque(bearertest.Token{})
	for range 3 {
		if _, err := tokens.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if _, err := opaque.Verify(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if err := denials.Deny(t.Context(), denylist.Entry{Issuer: issuer.URL(), Subject: "alice", Until: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	route := newGuard(t, telemetry, bearer.Config{Proofs: checker}).MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true})
	route.Admit(httptest.NewRecorder(), request("/", "DPoP bound"))

	hash := "bearerkit.issuer.hash=" + bearerotel.IssuerHash(issuer.URL())
	fetched := tokens.Stats().Issuers[0].Fetched.Unix()
	for _, tt := range []struct {
		metric, series string
		want           int64
	}{
		{"bearerkit.key.count", hash, 5},
		{"bearerkit.key.last_success.timestamp", hash, fetched},
		{"bearerkit.signature.verifications", "", 1},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=jwt,bearerkit.result=hit", 2},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=jwt,bearerkit.result=miss", 1},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=introspection,bearerkit.result=hit", 2},
		{"bearerkit.cache.lookups", "bearerkit.cache.name=introspection,bearerkit.result=miss", 1},
		{"bearerkit.cache.entries", "", 1},
		{"bearerkit.introspection.circuit.open", hash, 0},
		{"bearerkit.introspection.rejected", hash, 0},
		{"bearerkit.introspection.stale", hash, 0},
		{"bearerkit.introspection.shared", hash, 0},
		{"bearerkit.proof.checks", "", 1},
		{"bearerkit.proof.refusals", "error.type=DPoP", 1},
		{"bearerkit.replay_store.usage", "", 0},
		{"bearerkit.replay_store.limit", "", 100},
		{"bearerkit.deny_list.usage", "", 1},
		{"bearerkit.deny_list.limit", "", 10},
		{"bearerkit.resolve.calls", "bearerkit.result=answered", 0},
		{"bearerkit.resolve.issuers", "bearerkit.resolve.state=live", 0},
	} {
		got := s.read(t, tt.metric)
		if value, ok := got[tt.series]; !ok || value != tt.want {
			t.Errorf("%s{%s} is %v, want %d", tt.metric, tt.series, got, tt.want)
		}
	}
	if err := stop.Unregister(); err != nil {
		t.Fatal(err)
	}
	if got := s.read(t, "bearerkit.key.count"); len(got) != 0 {
		t.Errorf("after Unregister: %v", got)
	}
}

// Keys in the configuration are not fetched, so there is no time of a fetch, whose
// age an alert would see.
func TestGivenKeys(t *testing.T) {
	s := newSDK(t)
	document := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: "https://login.example.com", Audience: []string{audience}, Keys: jwks.KeysFromJWKS([]byte(document))}}})
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	if _, err := s.telemetry(t).Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens}}); err != nil {
		t.Fatal(err)
	}
	if got := s.read(t, "bearerkit.key.count"); fmt.Sprint(got) != "map[bearerkit.issuer.hash="+bearerotel.IssuerHash("https://login.example.com")+":1]" {
		t.Error(got)
	}
	if got := s.read(t, "bearerkit.key.last_success.timestamp"); len(got) != 0 {
		t.Error(got)
	}
}

// Issuers beyond the first 200 share one series, which has the fewest keys and the
// oldest fetch of them.
func TestObserveManyIssuers(t *testing.T) {
	s := newSDK(t)
	telemetry := s.telemetry(t)
	one, two := `{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, `{"kty":"OKP","crv":"Ed25519","kid":"b","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	var config jwks.Config
	for i := range 300 {
		document := `{"keys":[` + one + `,` + two + `]}`
		if i == 250 {
			document = `{"keys":[` + one + `]}`
		}
		config.Issuers = append(config.Issuers, jwks.Issuer{
			URL: fmt.Sprintf("https://tenant-%03d.example.com", i), Audience: []string{audience}, Keys: jwks.KeysFromJWKS([]byte(document)),
		})
	}
	tokens, err := jwks.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	if _, err := telemetry.Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens, tokens}}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the groups stay the same
		got := s.read(t, "bearerkit.key.count")
		if len(got) != 201 || got["bearerkit.issuer.hash=_OTHER"] != 1 || got["bearerkit.issuer.hash="+bearerotel.IssuerHash("https://tenant-199.example.com")] != 2 {
			t.Errorf("%d series, %d keys of the others", len(got), got["bearerkit.issuer.hash=_OTHER"])
		}
	}
}

// All mistakes are reported at once.
func TestObserveMistakes(t *testing.T) {
	telemetry := newSDK(t).telemetry(t)
	if _, err := telemetry.Observe(bearerotel.Sources{}); err == nil || err.Error() != "bearerotel: Sources is empty; want at least one source" {
		t.Error(err)
	}
	_, err := telemetry.Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{nil}, Denials: []*denylist.Memory{nil}})
	if err == nil || err.Error() != "bearerotel: Sources.JWTs[0] is nil; check the error of its constructor\nbearerotel: Sources.Denials[0] is nil; check the error of its constructor" {
		t.Error(err)
	}
}

// While the endpoint fails, the circuit is open, questions are not sent, and known
// tokens are answered from old answers.
func TestObserveCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true, Clients: []bearertest.Client{{ID: "api", Secret: "secret"}}})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		defer issuer.Client().CloseIdleConnections()
		s := newSDK(t)
		telemetry := s.telemetry(t)
		opaque, err := introspect.New(telemetry.Introspection(introspect.Config{
			Issuer: issuer.URL(), Audience: []string{audience}, Auth: introspect.ClientSecretBasic("api", "secret"),
			Client: issuer.Client(), MaxAge: time.Second, ServeStale: time.Hour,
		}))
		if err != nil {
			t.Fatal(err)
		}
		defer opaque.Close()
		if _, err := telemetry.Observe(bearerotel.Sources{Opaque: []*introspect.Verifier{opaque}}); err != nil {
			t.Fatal(err)
		}
		known := issuer.MintOpaque(bearertest.Token{})
		if _, err := opaque.Verify(t.Context(), known); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Status: 500})
		for range 60 {
			<-time.After(100 * time.Millisecond)
			if _, err := opaque.Verify(t.Context(), known); err != nil {
				t.Fatal(err)
			}
			if _, err := opaque.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err == nil {
				t.Fatal("a token that nobody knows is accepted during the outage")
			}
		}
		hash := "bearerkit.issuer.hash=" + bearerotel.IssuerHash(issuer.URL())
		stats := opaque.Stats()
		for metric, want := range map[string]int64{
			"bearerkit.introspection.circuit.open": 1,
			"bearerkit.introspection.rejected":     int64(stats.Rejected),
			"bearerkit.introspection.stale":        int64(stats.Stale),
		} {
			if got := s.read(t, metric)[hash]; got != want || got == 0 {
				t.Errorf("%s is %d, want %d", metric, got, want)
			}
		}
		durations := s.read(t, "bearerkit.introspection.duration")
		if n := durations["bearerkit.introspection.probe=true,"+hash+",error.type=500"]; n != int64(stats.Probes) || n == 0 {
			t.Errorf("%d probes, want %d; %v", n, stats.Probes, durations)
		}
	})
}

// Of several stores, the fullest one is reported: an empty one does not hide that
// requests are refused.
func TestObserveTheFullestStore(t *testing.T) {
	s := newSDK(t)
	var sources bearerotel.Sources
	for _, capacity := range []int{1000, 2, 500} {
		replays, err := dpop.NewMemoryReplays(dpop.MemoryConfig{Capacity: capacity, PerKey: -1})
		if err != nil {
			t.Fatal(err)
		}
		denials, err := denylist.NewMemory(denylist.MemoryConfig{Capacity: capacity})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			until := time.Now().Add(time.Minute)
			if _, err := replays.Burn(t.Context(), dpop.UsedProof{ID: [32]byte{byte(i)}, JKT: "key", Until: until}); err != nil {
				t.Fatal(err)
			}
			if err := denials.Deny(t.Context(), denylist.Entry{Issuer: "https://login.example.com", Subject: fmt.Sprint("user-", i), Until: until}); err != nil {
				t.Fatal(err)
			}
		}
		sources.Replays, sources.Denials = append(sources.Replays, replays), append(sources.Denials, denials)
	}
	if _, err := s.telemetry(t).Observe(sources); err != nil {
		t.Fatal(err)
	}
	for _, metric := range []string{"bearerkit.replay_store", "bearerkit.deny_list"} {
		if used, limit := s.read(t, metric+".usage")[""], s.read(t, metric+".limit")[""]; used != 2 || limit != 2 {
			t.Errorf("%s: %d of %d, want 2 of 2", metric, used, limit)
		}
	}
}

// A counter of a verifier never falls, since Prometheus would take that for a
// restart: not after Reconfigure with another cache, and not while Resolve is at work.
func TestCountersNeverFall(t *testing.T) {
	s := newSDK(t)
	issuer := newIssuer(t)
	fail := make(chan error)
	config := jwks.Config{
		Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}},
		Resolve: func(context.Context, string) (jwks.Issuer, error) { return jwks.Issuer{}, <-fail },
	}
	tokens, err := jwks.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer tokens.Close()
	if _, err := s.telemetry(t).Observe(bearerotel.Sources{JWTs: []*jwks.Verifier{tokens}}); err != nil {
		t.Fatal(err)
	}
	token := issuer.Mint(bearertest.Token{})
	for range 3 {
		if _, err := tokens.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	config.CacheEntries = 100
	if err := tokens.Reconfigure(config); err != nil {
		t.Fatal(err)
	}
	if got := s.read(t, "bearerkit.cache.lookups")["bearerkit.cache.name=jwt,bearerkit.result=hit"]; got != 2 {
		t.Errorf("%d hits after Reconfigure, want 2", got)
	}
	tenant := newIssuer(t)
	ended := make(chan error)
	go func() {
		_, err := tokens.Verify(t.Context(), tenant.Mint(bearertest.Token{}))
		ended <- err
	}()
	for tokens.Stats().Resolve.Calls == 0 {
		runtime.Gosched()
	}
	for _, want := range []int64{0, 1} {
		got := s.read(t, "bearerkit.resolve.calls")
		if got["bearerkit.result=answered"] != 0 || got["bearerkit.result=failed"] != want {
			t.Errorf("%v, want 0 answered and %d failed", got, want)
		}
		if want == 0 {
			fail <- errors.New("the directory is down")
			if err := <-ended; err == nil {
				t.Error("accepted")
			}
		}
	}
}
