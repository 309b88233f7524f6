package main

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"
)

const cachedTokenSize = 950

// footprint is the memory that the verifier uses for the tokens that it has seen.
type footprint struct {
	perToken, total float64 // bytes
	cached          bool    // whether the verifier caches tokens: a repeated token is then much faster
}

// measureMemory sends a new verifier tokens of the size of RS256 tokens, and drops
// each at once. It signs them with ECDSA, which is faster.
func measureMemory(h *harness, i *issuer) (footprint, error) {
	fmt.Fprintf(h.progress, "memory of %d tokens\n", h.kept)
	handler, closer, err := openBearerkit(i.setup())
	if err != nil {
		return footprint{}, err
	}
	defer closer()
	short, err := i.mint("ES256", 0, nil)
	if err != nil {
		return footprint{}, err
	}
	pad := strings.Repeat("x", (cachedTokenSize-len(short))*3/4)
	w := newWriter()
	var watched []string // a sample of tokens to send again
	var first time.Duration
	meet := func(token string) (time.Duration, error) {
		r := request(token)
		start := time.Now()
		w.serve(handler, r)
		return time.Since(start), w.takeAnswers(1, accepted)
	}
	if _, err := meet(short); err != nil {
		return footprint{}, err
	}
	before := heap()
	for n := range h.kept {
		token, err := i.mint("ES256", n+1, map[string]any{"sid": "9c1e4b60" + pad})
		if err != nil {
			return footprint{}, err
		}
		took, err := meet(token)
		if err != nil {
			return footprint{}, err
		}
		if n%(h.kept/50) == 0 {
			watched, first = append(watched, strings.Clone(token)), first+took
		}
	}
	var own float64
	for _, token := range watched {
		own += float64(len(token))
	}
	total := heap() - before - own
	var again time.Duration
	for _, token := range watched {
		took, err := meet(token)
		if err != nil {
			return footprint{}, err
		}
		again += took
	}
	runtime.KeepAlive(handler)
	return footprint{perToken: total / float64(h.kept), total: total, cached: again < first/4}, nil
}

// heap returns the size of the live heap.
func heap() float64 {
	http.DefaultClient.CloseIdleConnections()
	runtime.GC()
	runtime.GC() // frees what the first run moved out of pools
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}
