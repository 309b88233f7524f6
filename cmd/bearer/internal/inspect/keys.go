package inspect

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// Key is one key of an issuer.
type Key struct {
	ID         string   `json:"kid,omitempty"`
	Type       string   `json:"kty,omitempty"`
	Size       string   `json:"size,omitempty"` // "2048 bits", or the curve
	Algorithm  string   `json:"alg,omitempty"`  // of the document
	Use        string   `json:"use,omitempty"`
	Usable     bool     `json:"usable"`               // by bearerkit
	Reason     string   `json:"reason,omitempty"`     // why it is not usable
	Algorithms []string `json:"algorithms,omitempty"` // that it may verify
	Expires    string   `json:"certificate_expires,omitempty"`

	secret  bool // the document publishes the private or symmetric key
	expired bool
}

// KeySet is what is published at a jwks_uri.
type KeySet struct {
	Keys     []Key
	Response wire.Response
	Mark     bool
}

// FetchKeys fetches a key set. The error says what is there instead.
func FetchKeys(ctx context.Context, client *wire.Client, at string) (KeySet, error) {
	response, err := client.Follow(ctx, wire.Request{URL: at})
	if errors.Is(err, wire.ErrTooManyRequests) {
		return KeySet{}, err
	} else if err != nil {
		_, text, _ := wire.Reason(err)
		return KeySet{}, errors.New(text)
	}
	set := KeySet{Response: response}
	body, mark, err := response.Document()
	if err != nil {
		return set, err
	}
	set.Mark = mark
	set.Keys, err = parseKeys(body)
	return set, err
}

func parseKeys(doc []byte) ([]Key, error) {
	if _, err := jose.ParseKeySet(doc); err != nil {
		return nil, fmt.Errorf("not a key set: %s", finding.Clip(strings.TrimPrefix(err.Error(), "jose: key set: ")))
	}
	// ParseKeySet has checked the document. A key that it skips is read leniently
	// here, in order to describe it.
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(doc, &set); err != nil {
		return nil, errors.New("not a key set")
	}
	keys := make([]Key, len(set.Keys))
	for i, raw := range set.Keys {
		keys[i] = describe(raw)
	}
	return keys, nil
}

func describe(raw json.RawMessage) Key {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members) // not an object: no members
	text := func(name string) string {
		var s string
		_ = json.Unmarshal(members[name], &s)
		return finding.Clip(s)
	}
	key := Key{ID: text("kid"), Type: text("kty"), Algorithm: text("alg"), Use: text("use"), Size: text("crv")}
	for _, name := range []string{"d", "k"} {
		if value := members[name]; value != nil && !bytes.Equal(value, []byte("null")) {
			key.secret = true
		}
	}
	if key.Type == "RSA" {
		if n, err := base64.RawURLEncoding.DecodeString(strings.Trim(string(members["n"]), `"`)); err == nil {
			key.Size = bits(bytes.TrimLeft(n, "\x00"))
		}
	}
	key.readCertificate(members["x5c"])
	parsed, err := jose.ParseKey(raw)
	if err != nil {
		key.Reason = strings.TrimPrefix(finding.Clip(err.Error()), "jose: JWK: ")
		return key
	}
	key.Usable = true
	switch public := parsed.Public().(type) {
	case *rsa.PublicKey:
		key.Size = fmt.Sprintf("%d bits", public.N.BitLen())
	case *ecdsa.PublicKey:
		key.Size = public.Params().Name
	case ed25519.PublicKey:
		key.Size = "Ed25519"
	}
	for _, a := range jose.Algorithms() {
		if parsed.Can(a) {
			key.Algorithms = append(key.Algorithms, string(a))
		}
	}
	return key
}

func bits(n []byte) string {
	if len(n) == 0 {
		return ""
	}
	size := len(n) * 8
	for mask := byte(0x80); n[0]&mask == 0; mask >>= 1 {
		size--
	}
	return fmt.Sprintf("%d bits", size)
}

// readCertificate reads when the first certificate of x5c ends. bearerkit ignores
// certificates, and other software may not.
func (k *Key) readCertificate(raw json.RawMessage) {
	var chain [][]byte // JSON has standard base64, as x5c does
	if json.Unmarshal(raw, &chain) != nil || len(chain) == 0 {
		return
	}
	if certificate, err := x509.ParseCertificate(chain[0]); err == nil {
		k.Expires = certificate.NotAfter.UTC().Format(time.DateOnly)
		k.expired = time.Now().After(certificate.NotAfter)
	}
}

// Name returns how a key is called in a text.
func (k Key) Name() string {
	if k.ID == "" {
		return "the key without kid"
	}
	return "key " + finding.Quote(k.ID)
}

// Freshness returns how long bearerkit uses the keys before it fetches them again,
// and whether the issuer says so.
func (s KeySet) Freshness() (time.Duration, bool) {
	return fetch.Freshness(http.Header(s.Response.Header))
}

// Check returns what is wrong with the keys.
func (s KeySet) Check() []finding.Finding {
	var found []finding.Finding
	add := func(code string, severity finding.Severity, text, do, spec string) {
		found = append(found, finding.Finding{Code: code, Severity: severity, Text: text, Do: do, Spec: spec})
	}
	if s.Mark {
		found = append(found, ByteOrderMark("the key set"))
	}
	var usable, unnamed int
	var refused []string
	seen := map[string]bool{}
	for _, key := range s.Keys {
		switch {
		case key.secret:
			add("key-secret", finding.Fault, key.Name()+" is published with its secret part: anybody can sign tokens", "replace the key at once, and publish only public keys; a key for HS256 must not be published", "RFC 7517, Section 9.2")
		case !key.Usable:
			refused = append(refused, key.Name()+": "+key.Reason)
		}
		if !key.Usable {
			continue
		}
		usable++
		if key.ID == "" {
			unnamed++
		} else if id := key.ID + " " + key.Type; seen[id] {
			add("key-id-twice", finding.Warning, "several keys have the kid "+finding.Quote(key.ID), "give each key its own kid", "RFC 7517, Section 4.5")
		} else {
			seen[id] = true
		}
	}
	if unnamed > 0 && usable > 1 {
		add("key-id-missing", finding.Warning, fmt.Sprintf("%d of %d keys have no kid, so verifiers must try several", unnamed, usable), "give each key a kid, and name it in the tokens' header", "RFC 7517, Section 4.5")
	}
	switch {
	case len(s.Keys) == 0:
		add("keys-empty", finding.Fault, "the key set is empty, so no token can be verified", "let the issuer create a signing key", "RFC 7517, Section 5")
	case usable == 0 && len(refused) > 0:
		add("keys-unusable", finding.Fault, "no key can verify a token: "+some(refused), "let the issuer sign with RSA of at least 2048 bits, ECDSA or Ed25519", "RFC 8725, Section 3.2")
	}
	return found
}

// some joins at most three texts.
func some(texts []string) string {
	const most = 3
	if len(texts) > most {
		return strings.Join(texts[:most], "; ") + fmt.Sprintf("; and %d more", len(texts)-most)
	}
	return strings.Join(texts, "; ")
}

// Usable returns how many keys bearerkit can use, and their algorithms in
// bearerkit's order.
func (s KeySet) Usable() (n int, algorithms []string) {
	can := map[string]bool{}
	for _, key := range s.Keys {
		if key.Usable {
			n++
		}
		for _, a := range key.Algorithms {
			can[a] = true
		}
	}
	for _, a := range jose.Algorithms() {
		if can[string(a)] {
			algorithms = append(algorithms, string(a))
		}
	}
	return n, algorithms
}
