package keysource_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// OnFetch is called after each fetch of metadata and of keys, with how it ended and
// how long it took, and not for a fetch that Close ended.
func TestOnFetch(t *testing.T) {
	metadata := fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuerURL, issuerURL+"/keys")
	tests := []struct {
		name           string
		metadata, keys string
		status         int
		want           []string
	}{
		{"discovered keys", metadata, jwks("a", "b"), 200, []string{"metadata " + issuerURL + " 1s 0 ok", "keys " + issuerURL + "/keys 1s 2 ok"}},
		{"no metadata", "{}", "", 200, []string{"metadata " + issuerURL + " 2s 0 failed"}},
		{"an outage of the keys", metadata, "down", 503, []string{"metadata " + issuerURL + " 1s 0 ok", "keys " + issuerURL + "/keys 1s 0 failed"}},
		{"no usable key", metadata, `{"keys":[]}`, 200, []string{"metadata " + issuerURL + " 1s 0 ok", "keys " + issuerURL + "/keys 1s 0 failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []string
				s := keysource.New(keysource.Config{
					Issuer: issuerURL, OnDemand: true,
					Client: fetch.New(&http.Client{Transport: answering(func(r *http.Request) (int, string) {
						elapse(time.Second)
						if strings.HasSuffix(r.URL.Path, "/keys") {
							return tt.status, tt.keys
						}
						return 200, tt.metadata
					})}, false),
					OnFetch: func(f keysource.Fetch) {
						kind, end := "keys", "ok"
						if f.Metadata {
							kind = "metadata"
						}
						if f.Err != nil {
							end = "failed"
						}
						if ago := time.Since(f.Began); f.Issuer != issuerURL || ago < f.Took || !f.Metadata && ago != f.Took {
							t.Errorf("%+v", f)
						}
						got = append(got, fmt.Sprint(kind, " ", f.URL, " ", f.Took, " ", f.Keys, " ", end))
					},
				})
				elapse(4 * time.Second)
				synctest.Wait()
				s.Close()
				if len(got) > len(tt.want) { // retries
					got = got[:len(tt.want)]
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

// Neither a lookup nor Stats waits for OnFetch, and a panic there is logged.
func TestOnFetchThatBlocksAndPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logged
		calls := 0
		var s *keysource.Source
		s = keysource.New(keysource.Config{
			Issuer: issuerURL, JWKSURI: issuerURL + "/keys", Delay: time.Second,
			Client: fetch.New(&http.Client{Transport: answering(func(*http.Request) (int, string) { return 200, jwks("a") })}, false),
			Logger: log.logger(),
			OnFetch: func(keysource.Fetch) {
				calls++
				if n := s.Stats().Keys; n != 1 {
					t.Errorf("%d keys in OnFetch, want 1", n)
				}
				elapse(time.Minute)
				panic("out of memory")
			},
		})
		began := time.Now()
		if _, err := s.Lookup(t.Context(), named("a")); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the lookup took %v", took)
		}
		elapse(2 * time.Minute)
		s.Close()
		if calls != 1 || log.count("Config.OnFetch panicked") != 1 || log.count("out of memory") == 0 {
			t.Errorf("%d calls, log %s", calls, &log.buf)
		}
	})
}

func TestOnFetchAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := keysource.New(keysource.Config{
			Issuer: issuerURL, JWKSURI: issuerURL + "/keys",
			Client: fetch.New(&http.Client{Transport: answering(func(r *http.Request) (int, string) {
				<-r.Context().Done()
				return 0, ""
			})}, false),
			OnFetch: func(f keysource.Fetch) { t.Errorf("%+v", f) },
		})
		elapse(time.Second)
		s.Close()
	})
}

// answering is a transport that answers by a function, with an error for status 0.
type answering func(*http.Request) (status int, body string)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := a(r)
	if status == 0 {
		return nil, r.Context().Err()
	}
	w := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: r}
	if body != "" {
		w.Body = bodyOf(body)
	}
	return w, nil
}

func bodyOf(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
