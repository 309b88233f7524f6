package fetch_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// RFC 7662, Section 2.1: Post sends a form. It does not follow redirects, which
// could leak the form, and returns the body of an error.
func TestPost(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		status int
		body   string
		err    error
	}{
		{"200", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Method, r.PostFormValue("token"), r.Header.Get("Accept"))
		}, 200, "POSTa+bx/y", nil},
		{"an OAuth error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); fmt.Fprint(w, "why") }, 400, "why", &fetch.StatusError{}},
		{"a redirect within the origin", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/else", http.StatusTemporaryRedirect)
		}, 0, "", fetch.ErrRedirect},
		{"too large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2000)) }, 0, "", fetch.ErrTooLarge},
	}
	for _, tt := range tests {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			tt.answer(w, r)
		}))
		response, err := fetch.New(nil, false).Post(t.Context(), server.URL, url.Values{"token": {"a+b"}}, http.Header{"Accept": {"x/y"}}, 1000)
		server.Close()
		if response.Status != tt.status || string(response.Body) != tt.body || requests.Load() != 1 {
			t.Errorf("%s: %d %q after %d requests", tt.name, response.Status, response.Body, requests.Load())
		}
		switch want := tt.err.(type) {
		case nil:
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		case *fetch.StatusError:
			if _, ok := errors.AsType[*fetch.StatusError](err); !ok {
				t.Errorf("%s: %v", tt.name, err)
			}
		default:
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", tt.name, err, want)
			}
		}
	}
}

// IsReset reports a connection that breaks before the response begins, but not
// one that breaks later, nor a response.
func TestIsReset(t *testing.T) {
	for _, tt := range []struct {
		name  string
		begun string
		reset bool
	}{
		{"nothing", "", true},
		{"a status line", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun", false},
		{"an answer", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			if tt.begun == "" {
				_ = conn.(*net.TCPConn).SetLinger(0)
			}
			fmt.Fprint(buffered, tt.begun)
			_ = buffered.Flush()
			_ = conn.Close()
		}))
		_, err := fetch.New(nil, false).Post(t.Context(), server.URL, url.Values{}, http.Header{}, 1000)
		server.Close()
		if err == nil || fetch.IsReset(err) != tt.reset {
			t.Errorf("%s: %v, reset %v", tt.name, err, fetch.IsReset(err))
		}
	}
}

// RFC 7591, Section 3.2.1: a registration answers with 201.
func TestPostJSON(t *testing.T) {
	for _, tt := range []struct {
		status int
		size   int
		err    bool
	}{{200, 10, false}, {201, 10, false}, {201, 1000, false}, {201, 1001, true}, {202, 10, true}, {400, 10, true}, {307, 10, true}} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"a":1}` || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("body %q, %v, Content-Type %q", body, err, r.Header.Get("Content-Type"))
			}
			w.Header().Set("Location", "/else")
			w.WriteHeader(tt.status)
			w.Write(make([]byte, tt.size))
		}))
		response, err := fetch.New(nil, false).PostJSON(t.Context(), server.URL, []byte(`{"a":1}`), http.Header{}, 1000)
		server.Close()
		if (err != nil) != tt.err || err == nil && (len(response.Body) != tt.size || response.Status != tt.status) {
			t.Errorf("%+v: %d with %d bytes, %v", tt, response.Status, len(response.Body), err)
		}
	}
}
