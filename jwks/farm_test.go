package jwks_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

// farm is a server with one issuer per tenant, at BASE/t/NAME. Each has a key of
// its own.
type farm struct {
	base   string
	client *http.Client
	delay  time.Duration // of each response

	mu    sync.Mutex
	hang  bool
	asked map[string]int    // requests by path
	owner map[string]string // whose key a tenant publishes, if not its own
}

// newFarm returns a farm without sockets, since those stop the clock of a bubble.
func newFarm() *farm {
	f := &farm{base: "https://login.example.com", asked: map[string]int{}, owner: map[string]string{}}
	f.client = &http.Client{Transport: f}
	return f
}

func (f *farm) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	hang := f.hang
	f.mu.Unlock()
	if hang {
		f.count(r.URL.Path)
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	select {
	case <-time.After(f.delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

func (f *farm) setHang(hang bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hang = hang
}

func (f *farm) count(path string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[path]++
}

// requests returns the number of requests for the keys or metadata of a tenant, or
// of all tenants if name is empty.
func (f *farm) requests(name string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, count := range f.asked {
		if name == "" || strings.Contains(path+"/", "/t/"+name+"/") {
			n += count
		}
	}
	return n
}

func (f *farm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.count(r.URL.Path)
	if name, ok := strings.CutPrefix(r.URL.Path, "/.well-known/oauth-authorization-server/t/"); ok {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, f.url(name), f.url(name)+"/keys")
		return
	}
	if name, ok := strings.CutPrefix(r.URL.Path, "/t/"); ok && strings.HasSuffix(name, "/keys") {
		fmt.Fprint(w, keySet(f.published(strings.TrimSuffix(name, "/keys"))))
		return
	}
	http.NotFound(w, r)
}

func keySet(key ed25519.PrivateKey) string {
	public := key.Public().(ed25519.PublicKey)
	return fmt.Sprintf(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
}

// given returns the keys of a tenant for a configuration.
func (f *farm) given(name string) jwks.KeySource {
	return jwks.KeysFromJWKS([]byte(keySet(f.published(name))))
}

// withdraw replaces the key of a tenant.
func (f *farm) withdraw(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.owner[name] = name + "'s new key"
}

func (f *farm) published(name string) ed25519.PrivateKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	if owner, ok := f.owner[name]; ok {
		name = owner
	}
	return farmKey(name)
}

func farmKey(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (f *farm) url(name string) string { return f.base + "/t/" + name }

func (f *farm) issuer(name string) jwks.Issuer {
	return jwks.Issuer{URL: f.url(name), Audience: []string{audience}}
}

func (f *farm) issuers(names ...string) []jwks.Issuer {
	list := make([]jwks.Issuer, len(names))
	for i, name := range names {
		list[i] = f.issuer(name)
	}
	return list
}

// token returns a token that the tenant signed. extra are more claims, such as
// `,"cid":"app"`.
func (f *farm) token(name, id string, extra ...string) string {
	return f.signed(farmKey(name), name, id, extra...)
}

// forged returns a token with an invalid signature.
func (f *farm) forged(name, id string) string { return f.signed(nil, name, id) }

// signed returns a token. Without a key, its signature is zero.
func (f *farm) signed(key ed25519.PrivateKey, name, id string, extra ...string) string {
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"iss":%q,"aud":%q,"sub":"alice","client_id":"app","jti":%q,"iat":%d,"exp":%d%s}`,
		f.url(name), audience, id, now, now+3600, strings.Join(extra, ""))
	return sign(key, "at+jwt", claims)
}

// event returns a security event token of the tenant.
func (f *farm) event(name, id string) string {
	claims := fmt.Sprintf(`{"iss":%q,"aud":"shop","jti":%q,"iat":%d,"events":{}}`, f.url(name), id, time.Now().Unix())
	return sign(farmKey(name), "secevent+jwt", claims)
}

func sign(key ed25519.PrivateKey, typ, claims string) string {
	b64 := base64.RawURLEncoding.EncodeToString
	input := b64(fmt.Appendf(nil, `{"alg":"EdDSA","typ":%q,"kid":"k"}`, typ)) + "." + b64([]byte(claims))
	if key == nil {
		return input + "." + b64(make([]byte, ed25519.SignatureSize))
	}
	return input + "." + b64(ed25519.Sign(key, []byte(input)))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
