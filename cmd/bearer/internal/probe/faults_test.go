package probe_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func good(*testing.T, *tls.Config) {}

// certificate serves the API with a certificate like template.
func certificate(template x509.Certificate) world {
	return world{tls: func(t *testing.T, c *tls.Config) { c.Certificates[0] = authority.sign(t, template) }}
}

// onAPI changes the answers of /orders.
func onAPI(change func(r *http.Request, a answer)) world {
	return world{api: func(r *http.Request, a answer) {
		if r.URL.Path == "/orders" {
			change(r, a)
		}
	}}
}

func withoutToken(change func(a answer)) world {
	return onAPI(func(r *http.Request, a answer) {
		if r.Method != http.MethodOptions && r.Header.Get("Authorization") == "" {
			change(a)
		}
	})
}

func wrongToken(change func(token string, a answer)) world {
	return onAPI(func(r *http.Request, a answer) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			change(token, a)
		}
	})
}

func challenge(value string) world {
	return withoutToken(func(a answer) { a.Header()["Www-Authenticate"] = []string{value} })
}

func private(w world) world {
	w.private = true
	return w
}

func announce(url string) world {
	return withoutToken(func(a answer) {
		a.Header()["Www-Authenticate"] = []string{`Bearer realm="orders", resource_metadata="` + url + `"`}
	})
}

func preflight(change func(a answer)) world {
	return onAPI(func(r *http.Request, a answer) {
		if r.Method == http.MethodOptions {
			change(a)
		}
	})
}

// onMetadata changes the protected resource metadata.
func onMetadata(change func(a answer)) world {
	return world{api: func(r *http.Request, a answer) {
		if strings.HasPrefix(r.URL.Path, "/.well-known/") {
			change(a)
		}
	}}
}

// onIssuer changes the issuer's answers at paths with a prefix.
func onIssuer(prefix string, change func(a answer)) world {
	return world{issuer: func(r *http.Request, a answer) {
		if strings.HasPrefix(r.URL.Path, prefix) {
			change(a)
		}
	}}
}

func keys(document string) world {
	return onIssuer("/jwks", func(a answer) { a.Body = bytes.NewBufferString(document) })
}

func replace(old, text string) func(a answer) {
	return func(a answer) { a.Body = bytes.NewBufferString(strings.ReplaceAll(a.Body.String(), old, text)) }
}

func date(ahead time.Duration) string {
	return time.Now().Add(ahead).UTC().Format(http.TimeFormat)
}

// listen returns the URL of a server that does with each connection what serve does.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	return "http://" + listener.Addr().String()
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	return listen(t, func(conn net.Conn) { t.Cleanup(func() { conn.Close() }) })
}

// says answers each connection with a text, and closes it.
func says(text string) func(t *testing.T) string {
	return func(t *testing.T) string {
		return listen(t, func(conn net.Conn) {
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte(text))
			_ = conn.Close()
		})
	}
}

// closedPort is a port where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}
