// Package resource publishes the metadata of a protected resource (RFC 9728):
// the document by which a client that was refused learns which authorization
// server to ask, and for what.
//
// The document comes from the configuration alone, never from a request, is
// open to everybody and is read by browsers of any origin. It stands at a URL
// that follows from the resource identifier, [Metadata.URL], which is what
// bearer.Config.ResourceMetadata takes.
package resource

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Metadata is the metadata of one protected resource, and the handler that
// answers it. It is built by [New], immutable, and safe for concurrent use.
type Metadata struct {
	id           identifier
	servers      []string
	atRoot       bool
	document     []byte
	cacheControl string
}

// Resource returns the resource identifier as it is published: what clients
// ask tokens for (RFC 8707), and so what these should name as their audience.
func (m *Metadata) Resource() string { return m.id.text }

// AuthorizationServers returns the issuers that the document names, as a slice
// of the caller's own.
func (m *Metadata) AuthorizationServers() []string { return slices.Clone(m.servers) }

// URL returns the URL of the document: [WellKnownPath] inserted between the
// host and the path of the resource identifier (RFC 9728, Section 3.1).
func (m *Metadata) URL() string { return m.id.origin + m.Path() }

// Path returns the path of [Metadata.URL], percent-encoded as it is there.
func (m *Metadata) Path() string { return WellKnownPath + m.id.path }

// ServeHTTP answers the document at [Metadata.Path] and, with Config.ServeAtRoot,
// at [WellKnownPath], each with or without a slash at the end, since some
// clients take that off an identifier and some do not. Everywhere else it
// answers 404, so a proxy must forward the path as it is.
//
// It needs the methods GET, HEAD and, for browsers, OPTIONS. A mux that has a
// pattern "GET /" takes it under "GET " and "OPTIONS " before the path alone.
func (m *Metadata) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if m == nil { // the error of New was not checked
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

// paths returns where the document is answered, without slashes at the end.
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
		// Browsers ask before a request with headers of its own, such as
		// MCP-Protocol-Version.
		h.Set("Allow", methods)
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "7200") // more is not believed by all
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", methods)
		http.Error(w, "The metadata can be read alone.", http.StatusMethodNotAllowed)
	}
}

const methods = "GET, HEAD, OPTIONS"

// allowOrigins lets browsers read an answer, a refusal too, from which a client
// learns that it must look elsewhere.
func allowOrigins(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") }

func notFound(w http.ResponseWriter) {
	allowOrigins(w.Header())
	http.Error(w, "No protected resource has its metadata here.", http.StatusNotFound)
}
