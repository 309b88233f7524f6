package bearerotel_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

type nothing struct{ header http.Header }

func (n nothing) Header() http.Header       { return n.header }
func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) WriteHeader(int)             {}

// knownToken returns a function that sends a request with a token whose signature a
// guard has verified before. With telemetry, the guard has the SDK's meter.
func knownToken(t testing.TB, telemetry bool) func() {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	config := bearer.Config{Verifiers: []bearer.Verifier{tokens}}
	if telemetry {
		config = newSDK(t).telemetry(t).Guard(config)
	}
	guard, err := bearer.New(config)
	if err != nil {
		t.Fatal(err)
	}
	route := guard.MustRoute(bearer.RouteConfig{Rule: scope.None})
	r := request("/orders/7", "Bearer "+issuer.Mint(bearertest.Token{}))
	r.Pattern = "GET /orders/{id}"
	w := nothing{http.Header{}}
	send := func() {
		if _, ok := route.Admit(w, r); !ok {
			t.Fatal("refused")
		}
	}
	send()
	return send
}

func BenchmarkKnownToken(b *testing.B) {
	for _, telemetry := range []bool{false, true} {
		b.Run(fmt.Sprintf("telemetry=%t", telemetry), func(b *testing.B) {
			send := knownToken(b, telemetry)
			b.ReportAllocs()
			for b.Loop() {
				send()
			}
		})
	}
}

// BenchmarkAdded reports what telemetry adds to a request with a known token. It
// measures both ways in turns, 500 requests each, and compares the fastest tenths,
// so that other load on the machine does not count.
func BenchmarkAdded(b *testing.B) {
	const batch = 500
	without, with := knownToken(b, false), knownToken(b, true)
	var times [2][]float64
	for b.Loop() {
		for i, send := range []func(){without, with} {
			began := time.Now()
			for range batch {
				send()
			}
			times[i] = append(times[i], float64(time.Since(began))/batch)
		}
	}
	var fast [2]float64
	for i := range times {
		slices.Sort(times[i])
		fast[i] = times[i][len(times[i])/10]
	}
	b.ReportMetric(fast[0], "ns-without")
	b.ReportMetric(fast[1], "ns-with")
	b.ReportMetric(fast[1]-fast[0], "ns-added")
}

// Telemetry allocates at most twice for a known token. The benchmark
// shows its time.
func TestAllocations(t *testing.T) {
	without, with := testing.AllocsPerRun(1000, knownToken(t, false)), testing.AllocsPerRun(1000, knownToken(t, true))
	if with > without+2 {
		t.Errorf("%v allocations with telemetry, %v without", with, without)
	}
}
