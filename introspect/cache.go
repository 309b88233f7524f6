package introspect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// cacheKey identifies a token in the caches. It is the SHA-256 of the endpoint, the
// client and the token. Two endpoints, or two clients with different rights, never
// share an entry (RFC 7662, Section 2.2).
type cacheKey [sha256.Size]byte

// keyMaker makes cache keys, and the keys that encrypt shared entries.
type keyMaker struct {
	prefix [sha256.Size]byte
	secret [sha256.Size]byte
}

func newKeyMaker(c *Config) keyMaker {
	hash := func(parts ...string) (sum [sha256.Size]byte) { // of the parts and their lengths
		h := sha256.New()
		for _, part := range parts {
			var length [8]byte
			binary.BigEndian.PutUint64(length[:], uint64(len(part)))
			h.Write(length[:])
			h.Write([]byte(part))
		}
		h.Sum(sum[:0])
		return sum
	}
	signed := "" // a verifier that requires signatures must not read unsigned answers
	if c.Signed != nil {
		signed = "signed"
	}
	own := string(c.SharedSecret)
	return keyMaker{
		prefix: hash("bearerkit introspection key", c.Issuer, c.Endpoint, c.Auth.method, c.Auth.client, own),
		secret: hash("bearerkit introspection value", c.Issuer, c.Endpoint, c.Auth.client, string(c.Auth.secret.reveal()), own, signed),
	}
}

func (m *keyMaker) key(token string) cacheKey {
	var buffer [2 << 10]byte // a longer token costs an allocation
	b := append(buffer[:0], m.prefix[:]...)
	return sha256.Sum256(append(b, token...))
}

func (k cacheKey) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// entry is a cached answer.
type entry struct {
	answer  *answer
	fetched time.Time    // when the request for it began
	fresh   time.Time    // it is used until then
	stale   time.Time    // it is used until then while the endpoint fails
	renewed atomic.Int64 // when a renewal may begin, in nanoseconds since fetched
}

// The approximate memory of an entry beyond its document, in total and per list
// value.
const (
	overhead     = 1 << 10
	listOverhead = 32
)

// weight returns the approximate size of an entry in memory, in bytes.
func (e *entry) weight() int {
	document := e.answer.document
	copies := len(e.answer.principal.Scopes.String())
	if strings.Contains(document, `\`) { // unescaping copies a text, to at most half its length
		copies += len(document) / 2
	}
	return overhead + len(document) + copies + listOverhead*strings.Count(document, ",")
}

func (c *Config) newEntry(a *answer, fetched time.Time) *entry {
	exp := a.principal.Expires
	accepted := a.active && (exp.IsZero() || exp.After(fetched))
	e := &entry{answer: a, fetched: fetched, fresh: fetched.Add(c.NegativeAge)}
	e.stale = e.fresh
	if accepted {
		e.fresh = fetched.Add(c.MaxAge)
		e.stale = e.fresh.Add(c.ServeStale)
		if !exp.IsZero() { // RFC 7662, Section 4: no answer outlives exp
			e.fresh, e.stale = earlier(e.fresh, exp), earlier(e.stale, exp)
		}
	}
	e.renewed.Store(int64(e.fresh.Sub(fetched) * 3 / 4))
	return e
}

// isActive reports whether e is an answer "active", of any age.
func (e *entry) isActive() bool { return e != nil && e.answer.active }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wantsRenewal reports whether the caller should renew an entry in use before it
// expires. It returns true to only one of several concurrent callers.
func (e *entry) wantsRenewal(now time.Time) bool {
	due, age := e.renewed.Load(), now.Sub(e.fetched)
	if !e.answer.active || int64(age) < due {
		return false
	}
	again := age + max(e.fresh.Sub(e.fetched)/10, 100*time.Millisecond)
	return e.renewed.CompareAndSwap(due, int64(again))
}

// local is the cache of this process. It keeps active tokens apart from others, so
// that a flood of random tokens cannot evict them. It evicts the least frequently
// used tokens, so that a flood of one-off tokens cannot evict tokens in use.
type local struct {
	active, inactive *otter.Cache[cacheKey, *entry]
	forgotten        *otter.Cache[cacheKey, time.Time] // when forgetting ends
}

// newLocal returns an empty cache. Both bounds must be positive.
func newLocal(entries, bytes int) *local {
	build := func(entries, bytes int) *otter.Cache[cacheKey, *entry] {
		// An entry weighs at least its share, so that the weight bounds the
		// number of entries too.
		share := bytes / entries
		return otter.Must(&otter.Options[cacheKey, *entry]{
			MaximumWeight: uint64(bytes),
			Weigher: func(_ cacheKey, e *entry) uint32 {
				return uint32(min(uint64(max(e.weight(), share)), math.MaxUint32))
			},
		})
	}
	return &local{
		active: build(entries, bytes),
		// Answers about inactive tokens are small and expire soon.
		inactive:  build(max(entries/4, 1), max(bytes/8, 1)),
		forgotten: otter.Must(&otter.Options[cacheKey, time.Time]{MaximumSize: entries}),
	}
}

func (l *local) get(key cacheKey) *entry {
	if e, ok := l.active.GetIfPresent(key); ok {
		return e
	}
	e, _ := l.inactive.GetIfPresent(key)
	return e
}

func (l *local) set(key cacheKey, e *entry) {
	if e.answer.active {
		l.inactive.Invalidate(key)
		l.active.Set(key, e)
		return
	}
	l.active.Invalidate(key)
	l.inactive.Set(key, e)
}

func (l *local) forget(key cacheKey, until time.Time) {
	l.forgotten.Set(key, until)
	l.active.Invalidate(key)
	l.inactive.Invalidate(key)
}

// isForgotten reports whether the key was forgotten recently.
func (l *local) isForgotten(key cacheKey) bool {
	until, _ := l.forgotten.GetIfPresent(key) // the zero time: it was not
	return time.Now().Before(until)
}

func (l *local) forgetAll() {
	l.active.InvalidateAll()
	l.inactive.InvalidateAll()
}

// seal encrypts an answer for the shared cache. The encryption key is derived from
// the token, which is stored nowhere, and from the verifier's secret. A copy of the
// cache therefore reveals nothing, and write access does not permit forgeries.
func (m *keyMaker) seal(token string, key cacheKey, document string, fetched time.Time) []byte {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(document)), uint64(fetched.UnixNano()))
	plain = append(plain, document...)
	return m.aead(token).Seal(nil, nil, plain, key[:])
}

// unseal decrypts an answer. It returns false if another verifier stored it, or if
// it was changed.
func (m *keyMaker) unseal(token string, key cacheKey, sealed []byte) (document []byte, fetched time.Time, ok bool) {
	plain, err := m.aead(token).Open(nil, nil, sealed, key[:])
	if err != nil || len(plain) < 8 {
		return nil, time.Time{}, false
	}
	return plain[8:], time.Unix(0, int64(binary.BigEndian.Uint64(plain))), true
}

// aead returns AES-256-GCM with a random nonce before each ciphertext.
func (m *keyMaker) aead(token string) cipher.AEAD {
	mac := hmac.New(sha256.New, m.secret[:])
	mac.Write([]byte(token))
	block, _ := aes.NewCipher(mac.Sum(nil)) // never fails for 32 bytes
	aead, _ := cipher.NewGCMWithRandomNonce(block)
	return aead
}
