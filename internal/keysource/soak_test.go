package keysource_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Checklist 2.6, CVE-2024-45809: all operations at once, over real TLS, for the
// race detector. A key that is in every set is always found.
func TestSoak(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := requests.Add(1); {
		case r.URL.Path != "/keys":
			fmt.Fprintf(w, `{"issuer":"https://%[1]s","jwks_uri":"https://%[1]s/keys"}`, r.Host)
		case n%5 == 0:
			w.WriteHeader(500)
		default:
			io.WriteString(w, jwks("steady", fmt.Sprint("new", n)))
		}
	}))
	defer server.Close()
	s := keysource.New(keysource.Config{
		Issuer:        server.URL,
		Client:        fetch.New(server.Client(), false),
		RefreshBudget: 3 * time.Millisecond,
	})
	defer s.Close()
	if err := lookup(s, "steady"); err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(300 * time.Millisecond)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				if err := lookup(s, "steady"); err != nil {
					t.Errorf("the steady key: %v", err)
				}
				if err := lookup(s, fmt.Sprint("junk", i, n)); !errors.Is(err, keysource.ErrUnknownKey) && !isUnavailable(err) {
					t.Errorf("junk: %v", err)
				}
				_, _ = s.Missed(t.Context(), s.Generation(), nameless)
				_, _ = s.Ready(), s.Stats()
			}
		})
	}
	wg.Wait()
	if s.Generation() < 3 {
		t.Errorf("Generation() = %d, want rotations", s.Generation())
	}
}
