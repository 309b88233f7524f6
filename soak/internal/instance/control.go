package instance

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/denylist"
)

// control serves the driver's listener.
func (a *api) control(connections *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		state := State{Goroutines: runtime.NumGoroutine(), Files: openFiles(), Heap: liveHeap(),
			Connections: int(connections.Load()), Ready: a.tokens.Ready() == nil}
		for _, issuer := range a.tokens.Stats().Issuers {
			state.Fetches += issuer.Fetches
		}
		for _, h := range a.sides {
			state.Questions += h.opaque.Stats().Requests
		}
		_ = json.NewEncoder(w).Encode(state) // the driver has gone
	})
	mux.HandleFunc("GET /goroutines", func(w http.ResponseWriter, _ *http.Request) {
		_ = pprof.Lookup("goroutine").WriteTo(w, 1) // the driver has gone
	})
	mux.HandleFunc("POST /deny", func(w http.ResponseWriter, r *http.Request) {
		var d Denial
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil || d.Side < 0 || d.Side >= len(a.sides) {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		h := a.sides[d.Side]
		if err := h.denials.Deny(r.Context(), denylist.Entry{Issuer: h.issuer, TokenID: d.TokenID, Until: d.Until}); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	return mux
}

// liveHeap returns the bytes of live objects. It collects garbage twice, since the
// first collection only moves what pools hold to a place where the second finds it.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// openFiles counts the open files and sockets of this process, on Linux.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// count follows the number of a server's connections.
func count(connections *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed, http.StateHijacked:
			connections.Add(-1)
		}
	}
}
