package main

import (
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
)

// startTwoForProofs starts two instances of the built program, which are one API at
// one URL. They share a Redis for used proofs, and ask no issuer about tokens.
func startTwoForProofs(t *testing.T, issuer *bearertest.Issuer, server *redistest.Server, more ...string) [2]*process {
	t.Helper()
	var instances [2]*process
	for i := range instances {
		args := []string{"-issuer", issuer.URL(), "-resource", audience, "-redis", server.Address(), "-framework", frameworks[i]}
		instances[i] = startProcess(t, append(args, more...)...)
		eventually(t, patience, "ready", func() bool { return send(t, instances[i].url, "GET /readyz").status == 200 })
	}
	return instances
}

// An instance refuses a proof that was used at the other one. Both fail closed
// while Redis cannot remember proofs (RFC 9449, Section 11.1).
func TestProofsAreGoodOnceInAllInstances(t *testing.T) {
	server := redistest.New(t, redistest.Config{Durable: true})
	issuer := newIssuer(t)
	mine := newHolder(t)
	token := mine.token(issuer, "")
	instances := startTwoForProofs(t, issuer, server)
	fresh := func() string { return "GET /me" + dpopScheme + token + mine.proof(audience, "GET /me", token, "") }
	replayed := strings.ReplaceAll(bearerChallenge("", "")+" | "+dpopChallenge("invalid_dpop_proof", ""),
		"METADATA", audience+"/.well-known/oauth-protected-resource")

	for _, p := range instances { // a first connection to Redis may take longer than its timeout
		eventually(t, patience, "proofs are accepted", func() bool { return send(t, p.url, fresh()).status == 200 })
	}
	var used []string
	for i, p := range instances {
		for range 3 {
			request := fresh()
			used = append(used, request)
			if got := send(t, p.url, request); got.status != 200 || !strings.Contains(got.body, `"token_type":"DPoP"`) {
				t.Errorf("the first use at %d: %+v", i, got)
			}
			for j, p := range instances {
				if got := send(t, p.url, request); got.status != 401 || got.challenges(p.url) != replayed {
					t.Errorf("used at %d, and then at %d: %+v", i, j, got)
				}
			}
		}
	}
	for range 10 {
		request := fresh()
		var requests sync.WaitGroup
		statuses := make(chan int, 20)
		for i := range cap(statuses) {
			requests.Go(func() { statuses <- send(t, instances[i%2].url, request).status })
		}
		requests.Wait()
		close(statuses)
		count := map[int]int{}
		for status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[401] != cap(statuses)-1 {
			t.Errorf("20 uses at once: %v; want one 200", count)
		}
	}

	lost := func(what string) {
		t.Helper()
		for i, p := range instances {
			got := send(t, p.url, fresh())
			if got.status != 503 || got.header.Get("Retry-After") == "" || got.header["Www-Authenticate"] != nil {
				t.Errorf("%s, a new proof at %d: %+v; want 503", what, i, got)
			}
			for _, request := range used {
				if got := send(t, p.url, request); got.status != 503 {
					t.Errorf("%s, a used proof at %d: %+v; want 503", what, i, got)
				}
			}
			bearer := send(t, p.url, meWith(issuer.Mint(bearertest.Token{})))
			if bearer.status != 200 {
				t.Errorf("%s, a token that is not bound: %+v", what, bearer)
			}
		}
	}
	server.Stop()
	lost("killed")
	server.Start()
	for _, p := range instances {
		eventually(t, patience, "new proofs are accepted", func() bool { return send(t, p.url, fresh()).status == 200 })
		for _, request := range used {
			if got := send(t, p.url, request); got.status != 401 || got.challenges(p.url) != replayed {
				t.Errorf("after Redis is back, a used proof: %+v", got)
			}
		}
	}
	server.Signal(syscall.SIGSTOP)
	lost("hanging")
	server.Signal(syscall.SIGCONT)
	for _, p := range instances {
		eventually(t, patience, "new proofs are accepted", func() bool { return send(t, p.url, fresh()).status == 200 })
		p.end(t, syscall.SIGTERM)
		_, stderr := p.output()
		if !strings.Contains(stderr, "Redis is unavailable") || strings.Contains(stderr, "eyJ") {
			t.Errorf("the log is\n%s", stderr)
		}
	}
}

// Instances without a shared key refuse each other's nonces, and log a warning.
func TestNoncesOfSeveralInstances(t *testing.T) {
	server := redistest.New(t, redistest.Config{})
	issuer := newIssuer(t)
	mine := newHolder(t)
	token := mine.token(issuer, "")
	for _, key := range []string{"", "YSBrZXkgb2YgdGhpcnR5LXR3byByYW5kb20gYnl0ZXM"} {
		t.Setenv(binding.NonceKeyVariable, key)
		instances := startTwoForProofs(t, issuer, server, "-dpop-nonce", "required")
		nonce := send(t, instances[0].url, "GET /me"+dpopScheme+token).header.Get("Dpop-Nonce")
		want := map[bool]int{true: 200, false: 401}[key != ""]
		for i, status := range []int{200, want} {
			got := send(t, instances[i].url, "GET /me"+dpopScheme+token+mine.proof(audience, "GET /me", token, nonce))
			if got.status != status {
				t.Errorf("key %q, at %d: %+v; want %d", key, i, got, status)
			}
		}
		for _, p := range instances {
			p.end(t, syscall.SIGTERM)
			if _, stderr := p.output(); strings.Contains(stderr, binding.NonceKeyVariable) != (key == "") || key != "" && strings.Contains(stderr, key) {
				t.Errorf("key %q: the log is\n%s", key, stderr)
			}
		}
	}
}
