package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/tls"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// The test program runs the instances, too.
func TestMain(m *testing.M) {
	if os.Getenv(instanceVariable) != "" {
		os.Exit(instance.Main(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A short soak finds nothing wrong. SOAK in the environment makes it longer.
func TestSoak(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("NOT tested: redis-server not found; install Debian's package redis-server or Homebrew's redis")
	}
	c := config{duration: 10 * time.Second, rate: 60, seed: 5238, frameworks: instance.Frameworks(), progress: io.Discard}
	if text := os.Getenv("SOAK"); text != "" {
		var err error
		if c.duration, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	r, err := run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if !r.ok() {
		var text strings.Builder
		r.print(&text)
		t.Error(text.String())
	}
	for _, row := range r.Kinds {
		if row.Requests == 0 {
			t.Errorf("no request of the kind %q", row.Kind)
		}
	}
	if len(r.Kinds) != len(kinds) || len(r.Windows) < 4 || r.Answers < 300 {
		t.Errorf("%d kinds, %d faults and %d answers, want %d, at least 4 and at least 300", len(r.Kinds), len(r.Windows), r.Answers, len(kinds))
	}
	dir := t.TempDir()
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	checkFiles(t, dir, r)
}

// checkFiles checks that soak.json has the run, that soak.svg is well-formed and
// has no script, and that neither has a token.
func checkFiles(t *testing.T, dir string, r *report) {
	t.Helper()
	data, err := os.ReadFile(dir + "/soak.json")
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil || back.Answers != r.Answers || back.Seed != r.Seed || len(back.Samples) == 0 {
		t.Errorf("soak.json: %v, %d answers and %d samples", err, back.Answers, len(back.Samples))
	}
	drawing, err := os.ReadFile(dir + "/soak.svg")
	if err != nil {
		t.Fatal(err)
	}
	bars := 0
	for decoder := xml.NewDecoder(bytes.NewReader(drawing)); ; {
		element, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal("soak.svg: ", err)
		}
		if start, ok := element.(xml.StartElement); ok {
			if start.Name.Local == "script" {
				t.Error("soak.svg has a script")
			}
			if start.Name.Local == "rect" {
				bars++
			}
		}
	}
	if bars < 30 {
		t.Errorf("soak.svg has %d bars", bars)
	}
	if unwanted.Match(data) || unwanted.Match(drawing) {
		t.Error("a token is in a file")
	}
}

// naive is an API that believes every JWT, and refuses all others.
func naive(w http.ResponseWriter, r *http.Request) {
	_, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	var caller instance.Caller
	if parts := strings.Split(value, "."); len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var claims struct{ Iss, Sub string }
		_ = json.Unmarshal(payload, &claims) // a naive API ignores it
		caller = instance.Caller{Issuer: claims.Iss, Subject: claims.Sub}
	}
	if caller.Subject == "" {
		w.Header().Set("WWW-Authenticate", `Bearer realm="api", error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = json.NewEncoder(w).Encode(caller)
}

// The driver tells what is wrong with an API that checks too little.
func TestNaiveAPIIsFound(t *testing.T) {
	c, err := newClient()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	certificate, err := tls.X509KeyPair(c.cert, c.certKey)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(naive))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	defer server.Close()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{instance.Audience}})
	if err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	p, err := newPurse(issuer, c)
	if err != nil {
		t.Fatal(err)
	}
	p.deny(func(string) bool { return true })
	p.revoke()
	if err := p.rotate(); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Minute)
	for _, list := range [][]token{p.denied, p.revoked, p.withdrawn} {
		for i := range list {
			list[i].event = long
		}
	}
	only := newProcess(instance.Config{Listen: server.Listener.Addr().String()})
	s := &soak{world: newWorld(), client: c, purses: [2]*purse{p, p}, processes: []*process{only, only}, results: newResults(io.Discard)}
	s.oracle = oracle{s.world}
	s.results.began = time.Now()
	random := mathrand.New(mathrand.NewPCG(1, 1))
	for _, k := range kinds {
		for range 20 {
			r := &request{kind: k.kind}
			r.token, _ = p.take(k.kind, random)
			if k.kind != replayed { // it follows
				s.one(r, true)
			}
		}
	}
	found := []kind{expired, poor, hostile, unknown, withdrawn, denied, replayed, stolen, bare, opaque, anonymous}
	for _, k := range kinds {
		tally, ok := s.results.byKind[string(k.kind)]
		if !ok {
			t.Fatalf("%s was not sent", k.kind)
		}
		if isFound := tally.wrong > 0; isFound != slices.Contains(found, k.kind) {
			t.Errorf("%s: %d of %d answers are wrong", k.kind, tally.wrong, tally.times.total)
		}
	}
	if len(s.results.wrong) == 0 || unwanted.MatchString(s.results.wrong[0].Detail) {
		t.Errorf("the list of wrong answers: %v", s.results.wrong)
	}
}

func TestSchedule(t *testing.T) {
	seen := map[fault]bool{}
	for _, side := range []track{issuerA, issuerB} {
		one, again := newSchedule(5, side, issuerFaults), newSchedule(5, side, issuerFaults)
		for i := range 20 {
			f, rest, lasts := one.next()
			if g, sameRest, sameLasts := again.next(); f != g || rest != sameRest || lasts != sameLasts {
				t.Fatalf("fault %d differs with the same seed: %s and %s", i, f, g)
			}
			if i < len(issuerFaults)/2 {
				seen[f] = true
			}
		}
	}
	if len(seen) != len(issuerFaults) {
		t.Errorf("the first half of both decks has the faults %v, want all %d", seen, len(issuerFaults))
	}
}

func TestHistogram(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 0.999: 999 * time.Millisecond} {
		if got := h.quantile(q); got < want || got > want*103/100 {
			t.Errorf("quantile %v: %v, want %v to 3 %% more", q, got, want)
		}
	}
}

func TestGrowth(t *testing.T) {
	var flat, rising []sample
	for i := range 40 {
		at := float64(5 * i)
		noise := uint64(i%3) << 18
		flat = append(flat, sample{At: at, State: instance.State{Heap: 4<<20 + noise}})
		rising = append(rising, sample{At: at, State: instance.State{Heap: 4<<20 + noise + uint64(i)<<18}})
	}
	if n, rise := growth(flat, 0, 50); n != 30 || rise > 1<<18 || rise < -1<<18 {
		t.Errorf("a flat heap: %d samples, %.0f bytes", n, rise)
	}
	if n, rise := growth(rising, 0, 50); n != 30 || rise < 28<<18 || rise > 30<<18 {
		t.Errorf("a rising heap: %d samples, %.0f bytes", n, rise)
	}
}

func TestCommandLine(t *testing.T) {
	for _, args := range [][]string{{"-duration", "1s"}, {"-rate", "0"}, {"x"}, {"-unknown"}} {
		var out, errs bytes.Buffer
		if code := command(t.Context(), args, &out, &errs); code != 2 || errs.Len() == 0 {
			t.Errorf("%v: exit code %d, %q", args, code, errs.String())
		}
	}
}
