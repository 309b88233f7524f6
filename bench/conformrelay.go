package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// withAlgorithms serves a key set whose keys say their algorithm, for libraries that
// need it. RFC 7517 leaves alg to the issuer: the test issuer omits it, and most
// issuers send it. A relay adds it, and passes on what the issuer does in an outage.
func withAlgorithms(open func(setup) (http.Handler, func(), error)) func(setup) (http.Handler, func(), error) {
	return func(s setup) (http.Handler, func(), error) {
		upstream, err := url.Parse(s.issuer)
		if err != nil {
			return nil, nil, err
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, err
		}
		proxy := &httputil.ReverseProxy{
			ModifyResponse: addAlgorithms, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) },
			ErrorLog: log.New(io.Discard, "", 0), // the issuer fails on purpose
		}
		server := &http.Server{Handler: proxy, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = server.Serve(listener) }() // returns when the server is closed
		s.jwks = "http://" + listener.Addr().String() + "/jwks"
		handler, end, err := open(s)
		if err != nil {
			_ = server.Close()
			return nil, nil, err
		}
		return handler, func() { end(); _ = server.Close() }, nil
	}
}

// addAlgorithms adds alg to the keys that have none. An answer that is no key set
// stays as it is.
func addAlgorithms(r *http.Response) error {
	document, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	_ = r.Body.Close()
	if err != nil {
		return err
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if r.StatusCode == http.StatusOK && json.Unmarshal(document, &set) == nil && set.Keys != nil {
		usual := map[any]string{"RSA": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"}
		for _, key := range set.Keys {
			if _, has := key["alg"]; has {
				continue
			}
			if alg := usual[key["kty"]] + usual[key["crv"]]; alg != "" {
				key["alg"] = alg
			}
		}
		if document, err = json.Marshal(set); err != nil {
			return err
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(document)), int64(len(document))
	r.Header.Del("Content-Length")
	return nil
}
