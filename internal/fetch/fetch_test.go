package fetch_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// get requests a path from a handler on loopback.
func get(t *testing.T, path string, handler http.HandlerFunc) (fetch.Response, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client := fetch.New(nil, false)
	t.Cleanup(client.CloseIdleConnections)
	return client.Get(t.Context(), server.URL+path, fetch.MaxBody)
}

func TestGet(t *testing.T) {
	resp, err := get(t, "/keys?p=policy", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		fmt.Fprintf(w, "%s %s %s", r.Method, r.URL, r.Header.Get("Accept"))
	})
	const want = "GET /keys?p=policy application/json, application/jwk-set+json"
	if err != nil || string(resp.Body) != want || resp.Status != 200 || resp.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("got %+v, %q, %v, want %q", resp, resp.Body, err, want)
	}
}

func TestGetStatus(t *testing.T) {
	for _, tt := range []struct {
		status     int
		retryAfter string
		want       time.Duration
	}{
		{404, "", 0},
		{204, "", 0},
		{304, "", 0},
		{500, "soon", 0},
		{503, "30", 30 * time.Second},
		{503, "-30", 0},
		{503, "999999999", time.Hour},
		{503, "99999999999999999999", 0},
		{429, time.Now().Add(24 * time.Hour).UTC().Format(http.TimeFormat), time.Hour},
		{429, time.Now().Add(-24 * time.Hour).UTC().Format(http.TimeFormat), 0},
	} {
		t.Run(fmt.Sprint(tt.status, " ", tt.retryAfter), func(t *testing.T) {
			_, err := get(t, "/?secret", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", tt.retryAfter)
				w.WriteHeader(tt.status)
				io.WriteString(w, "secret")
			})
			var status *fetch.StatusError
			if !errors.As(err, &status) || status.Status != tt.status || status.RetryAfter != tt.want {
				t.Fatalf("got %#v, want status %d, RetryAfter %v", err, tt.status, tt.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q shows the body or the query", err)
			}
		})
	}
}

// Checklist 2.4: huge and endless bodies, and gzip bombs. A body of the limit
// is accepted, and one byte more is an error.
func TestGetBody(t *testing.T) {
	write := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", n)) }
	}
	for _, tt := range []struct {
		name     string
		handler  http.HandlerFunc
		tooLarge bool
	}{
		{"empty", write(0), false},
		{"the limit", write(fetch.MaxBody), false},
		{"one byte more", write(fetch.MaxBody + 1), true},
		{"announced", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1099511627776")
			w.WriteHeader(200)
		}, true},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write(make([]byte, 64<<10))
			}
		}, true},
		{"gzip bomb", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Error("the request does not ask for gzip, so the test shows nothing")
			}
			w.Header().Set("Content-Encoding", "gzip")
			zip := gzip.NewWriter(w)
			for range 64 {
				zip.Write(make([]byte, 1<<20))
			}
			zip.Close()
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := get(t, "/", tt.handler)
			if errors.Is(err, fetch.ErrTooLarge) != tt.tooLarge || !tt.tooLarge && err != nil {
				t.Errorf("%d bytes, %v, want too large: %t", len(resp.Body), err, tt.tooLarge)
			}
			if err != nil && resp.Body != nil {
				t.Error("an error and a body")
			}
		})
	}
}

// Checklist 2.4: a slow-loris response ends with the context.
func TestGetSlowDrip(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			w.(http.Flusher).Flush()
			select {
			case <-time.After(5 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := fetch.New(nil, false).Get(ctx, server.URL, fetch.MaxBody)
	var transport *fetch.TransportError
	if !errors.As(err, &transport) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a TransportError about the deadline", err)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v, want 200ms", took)
	}
}

// Checklist 2.4: redirects to http, to another host, to another port, and in a
// loop.
func TestGetRedirect(t *testing.T) {
	var strayed atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	defer elsewhere.Close()
	hop := func(w http.ResponseWriter, r *http.Request, to string) { http.Redirect(w, r, to, http.StatusFound) }
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		refused bool
	}{
		{"within the origin", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				hop(w, r, "/keys")
			}
		}, false},
		{"three", func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) < 4 {
				hop(w, r, r.URL.Path+"a")
			}
		}, false},
		{"four", func(w http.ResponseWriter, r *http.Request) {
			if len(r.URL.Path) < 5 {
				hop(w, r, r.URL.Path+"a")
			}
		}, true},
		{"a loop", func(w http.ResponseWriter, r *http.Request) { hop(w, r, "/") }, true},
		{"another port", func(w http.ResponseWriter, r *http.Request) { hop(w, r, elsewhere.URL+"/?secret") }, true},
		{"another host", func(w http.ResponseWriter, r *http.Request) {
			hop(w, r, "http://localhost:"+r.Host[strings.LastIndex(r.Host, ":")+1:]+"/?secret")
		}, true},
		{"https", func(w http.ResponseWriter, r *http.Request) { hop(w, r, "https://"+r.Host+"/?secret") }, true},
		{"a file", func(w http.ResponseWriter, r *http.Request) { hop(w, r, "file:///etc/passwd?secret") }, true},
		{"userinfo", func(w http.ResponseWriter, r *http.Request) { hop(w, r, "http://user:secret@"+r.Host+"/keys") }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := get(t, "/", tt.handler)
			if errors.Is(err, fetch.ErrRedirect) != tt.refused || !tt.refused && err != nil {
				t.Errorf("got %v, want refused: %t", err, tt.refused)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error %q shows the query or the userinfo", err)
			}
		})
	}
	if n := strayed.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere, want none", n)
	}

	t.Run("from https to http", func(t *testing.T) {
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { hop(w, r, elsewhere.URL) }))
		defer server.Close()
		_, err := fetch.New(server.Client(), true).Get(t.Context(), server.URL, fetch.MaxBody)
		if !errors.Is(err, fetch.ErrRedirect) {
			t.Errorf("got %v, want ErrRedirect", err)
		}
	})
}

// Checklist T5.
func TestGetVerifiesTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	var unverified *tls.CertificateVerificationError
	if _, err := fetch.New(nil, true).Get(t.Context(), server.URL, fetch.MaxBody); !errors.As(err, &unverified) {
		t.Errorf("an unknown certificate: %v, want a CertificateVerificationError", err)
	}
	if _, err := fetch.New(server.Client(), false).Get(t.Context(), server.URL, fetch.MaxBody); err != nil {
		t.Errorf("with the certificate of the caller's client: %v", err)
	}
}

// The text of an error contains neither what a server sends instead of HTTP nor
// the query.
func TestGetTransportError(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "a \"secret\" line\r\n\r\n")
			conn.Close()
		}
	}()
	for _, u := range []string{"http://" + listener.Addr().String() + "/?secret", "http://127.0.0.1:1/?secret"} {
		_, err := fetch.New(nil, false).Get(t.Context(), u, fetch.MaxBody)
		var transport *fetch.TransportError
		if !errors.As(err, &transport) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want a TransportError without the secret", u, err)
		}
	}

	_, err = get(t, "/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, "truncated")
	})
	if transport := (*fetch.TransportError)(nil); !errors.As(err, &transport) {
		t.Errorf("a truncated body: %v, want a TransportError", err)
	}
}

// Reports L5: a byte order mark before a JSON object is removed (RFC 8259,
// Section 8.1). Anything else, such as a signed response, is unchanged.
func TestByteOrderMark(t *testing.T) {
	const mark = "\ufeff"
	for _, tt := range []struct{ body, want string }{
		{mark + `{"keys":[]}`, `{"keys":[]}`},
		{mark + " \r\n{}", " \r\n{}"},
		{`{"keys":[]}`, `{"keys":[]}`},
		{mark + mark + "{}", mark + mark + "{}"},
		{mark + "eyJhbGciOiJub25lIn0.e30.", mark + "eyJhbGciOiJub25lIn0.e30."},
		{mark, mark},
		{"", ""},
		{`{"a":"` + mark + `"}`, `{"a":"` + mark + `"}`},
	} {
		for _, status := range []int{200, 400} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				io.WriteString(w, tt.body)
			}))
			resp, _ := fetch.New(nil, false).Post(t.Context(), server.URL, nil, http.Header{}, 1000)
			server.Close()
			if string(resp.Body) != tt.want {
				t.Errorf("%q with status %d is read as %q; want %q", tt.body, status, resp.Body, tt.want)
			}
		}
		resp, err := get(t, "/", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, tt.body) })
		if string(resp.Body) != tt.want || err != nil {
			t.Errorf("%q is read as %q, %v; want %q", tt.body, resp.Body, err, tt.want)
		}
	}
}

// RFC 8725, Section 3.10: no cookies are sent, not even from the caller's jar,
// and the caller's client is not changed.
func TestGetWithoutCookies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		io.WriteString(w, r.Header.Get("Cookie"))
	}))
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "secret"}})
	base := &http.Client{Jar: jar}
	client := fetch.New(base, false)
	defer client.CloseIdleConnections()
	for range 2 {
		if resp, err := client.Get(t.Context(), server.URL, fetch.MaxBody); err != nil || len(resp.Body) > 0 {
			t.Errorf("cookies %q, %v, want none", resp.Body, err)
		}
	}
	if base.Jar != jar || base.CheckRedirect != nil || base.Transport != nil {
		t.Error("New changed the caller's client")
	}
}

func TestGetChecksTheURL(t *testing.T) {
	for _, u := range []string{"http://login.example.com/", "file:///etc/passwd", "https://a@b/", ""} {
		if _, err := fetch.New(nil, false).Get(t.Context(), u, fetch.MaxBody); err == nil {
			t.Errorf("%q: no error", u)
		}
	}
}
