package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	audience     = "https://api.example.com"
	clientID     = "api"
	clientSecret = "a secret of the introspection client"
)

var algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// issuer is an authorization server: it publishes keys, signs tokens and answers
// introspection requests. It uses only the standard library, so no contender
// benefits from its own code.
type issuer struct {
	url            string
	client         *http.Client // nil: any client can reach it
	jwksRequests   atomic.Int64
	introspections atomic.Int64
	stop           func()

	mu     sync.Mutex
	keys   []*key // published keys, newest last
	minted int
	fault  http.HandlerFunc // replaces the key set if not nil
	delay  func()           // runs before the key set is served
}

type key struct {
	id, algorithm string
	private       crypto.Signer
}

// newIssuer serves on loopback. For a synctest bubble it serves in memory: a socket
// would stop the bubble's clock.
func newIssuer(inMemory bool, algorithms ...string) (*issuer, error) {
	i := &issuer{}
	for _, algorithm := range algorithms {
		if _, err := i.addKey(algorithm); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks", i.serveKeys)
	mux.HandleFunc("/introspect", i.introspect)
	if !inMemory {
		server := httptest.NewServer(mux)
		i.url, i.stop = server.URL, server.Close
		return i, nil
	}
	listener := newPipes()
	server := &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener)
	}()
	transport := &closer{Transport: &http.Transport{DialContext: listener.dial}}
	i.url, i.client = "http://127.0.0.1", &http.Client{Transport: transport}
	i.stop = func() {
		transport.close()
		_ = server.Close()
		<-served
	}
	return i, nil
}

func (i *issuer) jwks() string { return i.url + "/jwks" }

// addKey creates a key for an algorithm and publishes it with the others.
func (i *issuer) addKey(algorithm string) (*key, error) {
	var private crypto.Signer
	var err error
	switch algorithm {
	case "RS256", "PS256":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no key for %q", algorithm)
	}
	if err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.minted++
	k := &key{id: fmt.Sprintf("%s-%d", algorithm, i.minted), algorithm: algorithm, private: private}
	i.keys = append(i.keys, k)
	return k, nil
}

// withdraw stops publishing a key.
func (i *issuer) withdraw(k *key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = slices.DeleteFunc(i.keys, func(other *key) bool { return other == k })
}

// key returns the newest key of an algorithm, or nil.
func (i *issuer) key(algorithm string) *key {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, k := range slices.Backward(i.keys) {
		if k.algorithm == algorithm {
			return k
		}
	}
	return nil
}

// behave sets a delay for the key set and a fault that replaces it. Nil means none.
func (i *issuer) behave(delay func(), fault http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.delay, i.fault = delay, fault
}

func (i *issuer) serveKeys(w http.ResponseWriter, r *http.Request) {
	i.jwksRequests.Add(1)
	i.mu.Lock()
	delay, fault := i.delay, i.fault
	i.mu.Unlock()
	if delay != nil {
		delay()
	}
	if fault != nil {
		fault(w, r)
		return
	}
	i.mu.Lock()
	set := struct {
		Keys []map[string]string `json:"keys"`
	}{}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, k.jwk())
	}
	i.mu.Unlock()
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_ = json.NewEncoder(w).Encode(set)
}

// introspect reports every token as active (RFC 7662, Section 2.2) to an
// authenticated client.
func (i *issuer) introspect(w http.ResponseWriter, r *http.Request) {
	i.introspections.Add(1)
	id, _, ok := r.BasicAuth()
	if !ok || id != clientID || r.FormValue("token") == "" {
		http.Error(w, "who asks, and about what?", http.StatusUnauthorized)
		return
	}
	claims := i.claims(0)
	claims["active"], claims["token_type"] = true, "Bearer"
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(claims)
}

func (k *key) jwk() map[string]string {
	jwk := map[string]string{"kid": k.id, "alg": k.algorithm, "use": "sig"}
	encode := base64.RawURLEncoding.EncodeToString
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"], jwk["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			panic(err) // impossible for a generated key
		}
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk
}

// sign returns the compact JWS of a payload.
func (k *key) sign(header map[string]string, payload []byte) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	input := encode(h) + "." + encode(payload)
	digest := sha256.Sum256([]byte(input))
	var signature []byte
	switch private := k.private.(type) {
	case *rsa.PrivateKey:
		if k.algorithm == "PS256" {
			signature, err = rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
		}
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, private, digest[:])
		if err = signErr; err == nil {
			signature = make([]byte, 64)
			r.FillBytes(signature[:32])
			s.FillBytes(signature[32:])
		}
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, []byte(input))
	}
	return input + "." + encode(signature), err
}
