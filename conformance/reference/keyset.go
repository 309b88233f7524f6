package reference

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// Bounds of what the server asks its issuer for.
const (
	askingTimeout = time.Second
	maxDocument   = 256 << 10
	cooldown      = 2 * time.Second // between two requests for keys
	freshness     = 5 * time.Minute
)

// errOutage says that nobody can tell whether a token is good.
var errOutage = errors.New("reference: the issuer cannot be asked")

// key is a key of the issuer.
type key struct {
	id, alg string
	public  crypto.PublicKey
}

// keySet is the key set of the issuer.
type keySet struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	keys    []key
	fetched time.Time // the last success
	asked   time.Time
}

// ask sends a request to the issuer and returns the document of its answer. It
// follows no redirect and reads at most maxDocument bytes.
func ask(client *http.Client, r *http.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), askingTimeout)
	defer cancel()
	response, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, errOutage
	}
	defer response.Body.Close()
	document, err := io.ReadAll(io.LimitReader(response.Body, maxDocument+1))
	if err != nil || response.StatusCode != http.StatusOK || len(document) > maxDocument {
		return nil, errOutage
	}
	return document, nil
}

// verify verifies the signature of a token by the key that its header names.
func (s *keySet) verify(j *jws) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.fetched) > freshness {
		s.refresh()
	}
	isKnown, isValid := s.try(j)
	if !isKnown && s.refresh() {
		isKnown, isValid = s.try(j)
	}
	switch {
	case isValid:
		return nil
	case isKnown:
		return errMalformed
	}
	// The issuer may have made the key after the last fetch.
	issued, _ := date(j.claims, "iat")
	if s.keys == nil || issued >= float64(s.fetched.Add(-leeway).Unix()) {
		return errOutage
	}
	return errMalformed
}

// try reports whether the set has a key for the token, and whether a key verifies
// its signature.
func (s *keySet) try(j *jws) (isKnown, isValid bool) {
	kid, named := text(j.header, "kid")
	if has(j.header, "kid") && !named {
		return true, false
	}
	for _, k := range s.keys {
		if named && k.id != kid || k.alg != "" && k.alg != j.alg {
			continue
		}
		isKnown = true
		if j.isSignedBy(k.public) {
			return true, true
		}
	}
	return isKnown, false
}

// refresh fetches the keys, if the last request is some time ago. It keeps the old
// keys if there are no new ones.
func (s *keySet) refresh() bool {
	if time.Since(s.asked) < cooldown {
		return false
	}
	s.asked = time.Now()
	r, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		return false
	}
	document, err := ask(s.client, r)
	if err != nil {
		return false
	}
	set, err := object(document)
	list, ok := set["keys"].([]any)
	if err != nil || !ok {
		return false
	}
	var keys []key
	for _, element := range list {
		if jwk, ok := element.(map[string]any); ok {
			keys = append(keys, usable(jwk)...)
		}
	}
	if len(keys) == 0 {
		return false
	}
	s.keys, s.fetched = keys, time.Now()
	return true
}

// usable returns the key of a JWK if it verifies signatures. RFC 7517, Section 5:
// other keys are ignored.
func usable(jwk map[string]any) []key {
	if use, ok := text(jwk, "use"); ok && use != "sig" {
		return nil
	}
	public, err := publicKey(jwk)
	if err != nil {
		return nil
	}
	id, _ := text(jwk, "kid")
	alg, _ := text(jwk, "alg")
	return []key{{id, alg, public}}
}

func encoded(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
