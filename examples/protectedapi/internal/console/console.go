// Package console is the page that -dev serves at /. It shows who may enter which
// route, gets tokens, sends requests, and explains each answer. The page calls the
// API as any client would; what it cannot do from a browser, such as getting a
// token from an issuer of another origin, the handlers below /console/ do for it.
package console

import (
	"embed"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/examples/browser/client"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
)

// Config is what the console shows. All fields are required, except as noted.
type Config struct {
	Issuer    *devissuer.Issuer
	Routes    []router.Route
	Framework string
	Resource  string // the API's identifier; DPoP proofs name URLs of its origin

	// DPoP and MTLS say whether tokens may or must be bound: off, allowed or
	// required.
	DPoP, MTLS string

	Leeway time.Duration // how long a token outlives exp; zero: not at all
	MaxAge time.Duration // how long an opaque token outlives its revocation; zero: not at all

	// AsksAboutJWTs reports whether the API also asks the issuer about JWTs.
	AsksAboutJWTs bool

	// Limited serves [LimitedPath], with a limit for bad tokens.
	Limited http.Handler
}

// LimitedPath is a route with a limit for bad tokens so low that the page can show a
// 429. The routes of the API have none.
const LimitedPath = prefix + "limited"

// Console serves the page and its data. Create one with [New].
type Console struct {
	config   Config
	matrix   []row
	handlers *http.ServeMux
	issuer   issuer
	keys     keys
}

// prefix is the path of everything but the page itself.
const prefix = "/console/"

//go:embed page
var page embed.FS

// New returns the console of an API.
func New(c Config) (*Console, error) {
	matrix, err := matrixOf(c.Routes)
	if err != nil {
		return nil, err
	}
	console := &Console{config: c, matrix: matrix, handlers: http.NewServeMux(), issuer: issuer{dev: c.Issuer}, keys: keys{dev: c.Issuer}}
	if err := console.serveFiles(); err != nil {
		return nil, err
	}
	console.handlers.HandleFunc("GET "+prefix+"state", console.state)
	console.handlers.Handle("POST "+prefix+"token", fromPage(console.issuer.token))
	console.handlers.Handle("POST "+prefix+"revoke", fromPage(console.issuer.revoke))
	console.handlers.Handle("POST "+prefix+"issuer", fromPage(console.issuer.run))
	console.handlers.Handle("POST "+prefix+"keys", fromPage(console.keys.change))
	console.handlers.Handle(LimitedPath, c.Limited)
	console.handlers.HandleFunc(prefix, reply.NotFound)
	return console, nil
}

// serveFiles registers the files of the page. They never change while the program
// runs, but they do between two versions of it, so browsers ask each time.
func (c *Console) serveFiles() error {
	files := map[string][]byte{"client.mjs": client.Module}
	entries, err := page.ReadDir("page")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if files[entry.Name()], err = page.ReadFile("page/" + entry.Name()); err != nil {
			return err
		}
	}
	for name, content := range files {
		mediaType, ok := mediaTypes[name[strings.LastIndexByte(name, '.')+1:]]
		if !ok {
			return errors.New("console: no media type for " + name)
		}
		c.handlers.HandleFunc("GET "+prefix+name, func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Content-Type", mediaType)
			h.Set("Content-Security-Policy", policy(r))
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Referrer-Policy", "no-referrer")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Cache-Control", "no-cache")
			h.Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = w.Write(content) // an error means that the client has gone
		})
	}
	return nil
}

// mediaTypes does not use package mime, which reads files of the system.
var mediaTypes = map[string]string{
	"html": "text/html; charset=utf-8",
	"css":  "text/css; charset=utf-8",
	"mjs":  "text/javascript; charset=utf-8",
	"svg":  "image/svg+xml",
}

// policy returns the Content-Security-Policy: the page runs its own files only,
// and connects to this program only, under both of its names.
func policy(r *http.Request) string {
	connect := "'self'"
	if twin := twinOf(r); twin != "" {
		connect += " " + twin
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src " + connect +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// Wrap returns a handler that serves the console, and passes every other request
// to the API. A program that asks for / and does not say that it wants HTML gets
// the API's own answer.
func (c *Console) Wrap(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case r.URL.Path == "/" && reads && strings.Contains(r.Header.Get("Accept"), "text/html"):
			at := *r
			at.URL = &url.URL{Path: prefix + "index.html"}
			c.handlers.ServeHTTP(w, &at)
		case strings.HasPrefix(r.URL.Path, prefix):
			c.handlers.ServeHTTP(w, r)
		case fromTwin(r):
			router.AllowOrigin(r.Header.Get("Origin"), c.config.Routes, api).ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// twinOf returns the program's origin under its other name, localhost or
// 127.0.0.1. For a browser it is another origin, so the page can show requests
// across origins. It is empty if the program has no other name.
func twinOf(r *http.Request) string {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return ""
	}
	switch {
	case host == "127.0.0.1":
		return scheme(r) + "localhost:" + port
	case host == "localhost" && listensOn127(r):
		return scheme(r) + "127.0.0.1:" + port
	}
	return "" // a Content-Security-Policy cannot name [::1]
}

// listensOn127 reports whether the request arrived at 127.0.0.1.
func listensOn127(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.IP.Equal(net.IPv4(127, 0, 0, 1))
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https://"
	}
	return "http://"
}

// fromTwin reports whether a page of this program calls it under its other name.
func fromTwin(r *http.Request) bool {
	origins := r.Header["Origin"]
	return len(origins) == 1 && origins[0] != "" && origins[0] == twinOf(r)
}
