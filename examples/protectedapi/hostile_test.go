package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Reports V1, V2, V5: one client sends 50 tokens a second about which the endpoint
// gives no answer, in one of several ways. That client gets 503. The good tokens
// of others, 100 new ones and 500 known ones a second, are all accepted.
//
// Each way lasts half a second, or BEARERKIT_SECONDS:
//
//	cd examples && BEARERKIT_SECONDS=60 go test ./protectedapi -run TestOneHostileClient -v -timeout 20m
func TestOneHostileClient(t *testing.T) {
	length, long := longRun(t)
	hang := time.Hour // until the program gives up
	burst := 1        // hostile tokens every 20 ms
	if !long {
		// More tokens hang at the same time than the program has slots (64).
		length, hang, burst = 500*time.Millisecond, 1500*time.Millisecond, 5
	}
	issuer := newIssuer(t)
	for _, whim := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }},
		{"429", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "60")
			w.WriteHeader(429)
		}},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html>") }},
		{"exp", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"active":true,"exp":"1"}`) }},
		{"never", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-time.After(hang):
			}
			panic(http.ErrAbortHandler)
		}},
	} {
		t.Run(whim.name, func(t *testing.T) {
			var asked, probes atomic.Int64
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch token := r.PostFormValue("token"); {
				case strings.HasPrefix(token, "good-"):
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprintf(w, `{"active":true,"aud":%q,"sub":"alice"}`, audience)
				case strings.HasPrefix(token, "hostile-"):
					asked.Add(1)
					whim.answer(w, r)
				default:
					probes.Add(1)
					_, _ = io.WriteString(w, `{"active":false}`)
				}
			}))
			defer endpoint.Close()
			p := startProcess(t, asks(issuer, "-introspection-endpoint", endpoint.URL)...)

			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}, Timeout: 20 * time.Second}
			defer client.CloseIdleConnections()
			var mu sync.Mutex
			statuses := map[string]map[int]int{}
			use := func(kind, token string) {
				status := 0
				r, err := http.NewRequest(http.MethodGet, p.url+"/me", nil)
				if err == nil {
					r.Header.Set("Authorization", "Bearer "+token)
					var response *http.Response
					if response, err = client.Do(r); err == nil {
						status = response.StatusCode
						_, _ = io.Copy(io.Discard, response.Body)
						_ = response.Body.Close()
					}
				}
				mu.Lock()
				defer mu.Unlock()
				if statuses[kind] == nil {
					statuses[kind] = map[int]int{}
				}
				statuses[kind][status]++
			}
			// The answers about known tokens are in the cache before the load begins.
			const known = 200
			for i := range known {
				use("known", fmt.Sprint("good-known-", i))
			}
			var wg sync.WaitGroup
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for step := range int(length / (20 * time.Millisecond)) {
				<-tick.C
				for i := range burst {
					wg.Go(func() { use("hostile", fmt.Sprint("hostile-", step, "-", i)) })
				}
				for i := range 2 {
					wg.Go(func() { use("fresh", fmt.Sprint("good-fresh-", step, "-", i)) })
				}
				for i := range 10 {
					wg.Go(func() { use("known", fmt.Sprint("good-known-", (10*step+i)%known)) })
				}
			}
			wg.Wait()
			t.Logf("%v: %v; %d questions about hostile tokens, %d probes", length, statuses, asked.Load(), probes.Load())
			defer func() {
				if t.Failed() {
					_, log := p.output()
					t.Log(log)
				}
			}()
			for kind, want := range map[string]int{"fresh": 200, "known": 200, "hostile": 503} {
				if len(statuses[kind]) != 1 || statuses[kind][want] == 0 {
					t.Errorf("%s tokens got %v, want %d alone", kind, statuses[kind], want)
				}
			}
		})
	}
}
