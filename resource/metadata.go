// Package resource publishes the metadata of a protected resource (RFC 9728).
// From this document, a client that was refused learns which authorization
// server to ask for a token, and for which scopes.
//
// The document depends only on the configuration, never on a request. It is
// public, and browsers may read it from any origin. Its URL, [Metadata.URL],
// follows from the resource identifier; use it as
// bearer.Config.ResourceMetadata.
package resource

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Metadata is the metadata document of one protected resource. It is an
// http.Handler that serves the document. Use [New] to build one. It is
// immutable and safe for concurrent use; a nil *Metadata answers 404.
type Metadata struct {
	id           identifier
	servers      []string
	atRoot       bool
	document     []byte
	cacheControl string
}

// Resource returns the resource identifier in its published spelling. Clients
// request tokens for it (RFC 8707), so it should be the audience of the tokens.
func (m *Metadata) Resource() string { return m.id.text }

// AuthorizationServers returns the issuers in the document. The caller owns the
// slice.
func (m *Metadata) AuthorizationServers() []string { return slices.Clone(m.servers) }

// URL returns the URL of the document: [WellKnownPath] inserted between the
// host and the path of the resource identifier (RFC 9728, Section 3.1).
func (m *Metadata) URL() string { return m.id.origin + m.Path() }

// Path returns the path of [Metadata.URL], percent-encoded as in the URL.
func (m *Metadata) Path() string { return WellKnownPath + m.id.path }

// ServeHTTP serves the document at [Metadata.Path] and, with
// Config.ServeAtRoot, at [WellKnownPath]. Both paths work with and without a
// trailing slash, because some clients remove it from the identifier. Any other
// path is answered 404, so proxies must not change the path.
//
// Register it for the methods GET, HEAD and OPTIONS, which browsers need. If an
// http.ServeMux has a pattern such as "GET /", register the path with the
// methods "GET " and "OPTIONS ".
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m == nil { // the caller ignored the error of New
		notFound(w)
		return
	}
	path := withoutSlash(r.URL.EscapedPath())
	for _, own := range m.paths() {
		if path == own {
			m.serve(w, r)
			return
		}
	}
	notFound(w)
}

// paths returns the paths of the document, without trailing slashes.
func (m *Metadata) paths() []string {
	paths := []string{withoutSlash(m.Path())}
	if m.atRoot && paths[0] != WellKnownPath {
		paths = append(paths, WellKnownPath)
	}
	return paths
}

func withoutSlash(path string) string { return strings.TrimSuffix(path, "/") }

func (m *Metadata) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	allowOrigins(h)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(m.document)))
		h.Set("Cache-Control", m.cacheControl) // RFC 9728, Section 7.10
		if r.Method == http.MethodGet {
			w.Write(m.document)
		}
	case http.MethodOptions:
		// Browsers send a preflight before a request with custom headers, such
		// as MCP-Protocol-Version.
		h.Set("Allow", methods)
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "7200") // the maximum that all browsers accept
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", methods)
		http.Error(w, "The metadata is read-only.", http.StatusMethodNotAllowed)
	}
}

const methods = "GET, HEAD, OPTIONS"

// allowOrigins lets browsers of any origin read a response. Errors are readable
// too, so that a client learns that it must look elsewhere.
func allowOrigins(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") }

func notFound(w http.ResponseWriter) {
	allowOrigins(w.Header())
	http.Error(w, "There is no protected resource metadata at this URL.", http.StatusNotFound)
}
