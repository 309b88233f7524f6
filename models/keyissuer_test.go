package models_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
	"github.com/bearerkit/bearerkit/models"
)

const keysURL = "https://login.example.com/keys"

// materialKey returns a key that depends only on the name of its material.
func materialKey(material string) ed25519.PublicKey {
	seed := sha256.Sum256([]byte(material))
	return ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey)
}

// keyIssuer serves a key set in memory, and tells the model of each request.
type keyIssuer struct {
	mu     sync.Mutex
	model  *models.KeyFetches
	keys   map[string]string // materials by key ID
	mode   string
	fresh  time.Duration // negative: no Cache-Control
	retry  time.Duration
	flying int
	closed bool
	wrong  string // what was wrong with a fetch; empty: nothing
}

var keyMaterials = []string{"m1", "m2", "m3"}

var keyModes = []string{"works", "503", "hangs", "garbage", "resets"}

func (is *keyIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	f := models.KeyFetch{Began: time.Now()}
	is.mu.Lock()
	is.flying++
	switch began := is.model.Begin(f.Began); {
	case is.flying > 1:
		is.wrong = "two fetches at once"
	case is.closed:
		is.wrong = "a fetch after Close"
	case !began:
		is.wrong = "a fetch began too early"
	}
	is.mu.Unlock()

	select {
	case <-time.After(50 * time.Millisecond):
	case <-r.Context().Done():
	}
	is.mu.Lock()
	mode := is.mode
	is.mu.Unlock()
	if mode == "hangs" {
		<-r.Context().Done()
	}

	is.mu.Lock()
	defer is.mu.Unlock()
	is.flying--
	response, err := is.answer(r, &f, mode)
	f.Ended = time.Now()
	is.model.End(f)
	return response, err
}

// answer returns the response to a request, and notes its contents in f.
func (is *keyIssuer) answer(r *http.Request, f *models.KeyFetch, mode string) (*http.Response, error) {
	response := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	body := "<html>"
	switch {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case mode == "resets":
		return nil, errors.New("connection reset")
	case mode == "503":
		response.StatusCode = http.StatusServiceUnavailable
		if f.RetryAfter = is.retry; is.retry > 0 {
			response.Header.Set("Retry-After", fmt.Sprint(int(is.retry.Seconds())))
		}
	case mode == "works":
		var keys []string
		for _, kid := range slices.Sorted(maps.Keys(is.keys)) {
			key, err := jose.MarshalKey(materialKey(is.keys[kid]), kid, jose.EdDSA)
			if err != nil {
				return nil, err
			}
			keys = append(keys, string(key))
		}
		body = `{"keys":[` + strings.Join(keys, ",") + `]}`
		f.Keys, f.Fresh = maps.Clone(is.keys), is.fresh
		if is.fresh >= 0 {
			response.Header.Set("Cache-Control", fmt.Sprintf("max-age=%d", int(is.fresh.Seconds())))
		}
	}
	response.Body, response.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	return response, nil
}

// noticed returns the material of a key if the issuer works and has the key, and if
// the lookup of an unknown key fetches now.
func (is *keyIssuer) noticed(kid string) string {
	is.mu.Lock()
	defer is.mu.Unlock()
	if is.mode != "works" || is.flying > 0 || !is.model.Due(time.Now(), kid) {
		return "" // the fetch under way may be an unlucky one
	}
	return is.keys[kid]
}

// foundIn returns an answer of a key source.
func foundIn(c keysource.Candidates, err error) models.Found {
	unavailable := (*keysource.UnavailableError)(nil)
	switch {
	case err == keysource.ErrUnknownKey:
		return models.Unknown
	case errors.As(err, &unavailable) && unavailable.RetryAfter >= time.Second:
		return models.Unavailable
	case err != nil || len(c.Keys) != 1:
		return models.Found(fmt.Sprint(len(c.Keys), " keys, ", err))
	}
	for _, material := range keyMaterials {
		if key, err := jose.NewKey(materialKey(material), "", jose.EdDSA); err == nil && key.Thumbprint() == c.Keys[0].Thumbprint() {
			return models.Found(material)
		}
	}
	return "foreign"
}
