package introspect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// cacheKey names a token in the caches: SHA-256 over the endpoint, the client
// and the token, each with its length, so that two endpoints, or two clients
// that are told different things, never share an entry (RFC 7662, Section 2.2).
type cacheKey [sha256.Size]byte

// keyMaker makes cache keys, and the keys that encrypt shared entries.
type keyMaker struct {
	prefix [sha256.Size]byte
	secret [sha256.Size]byte
}

func newKeyMaker(c *Config) keyMaker {
	hash := func(parts ...string) (sum [sha256.Size]byte) {
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
	signed := "" // what came unsigned is no answer to who demands a signature
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
	var buffer [2 << 10]byte // longer tokens are rare, and cost an allocation
	b := append(buffer[:0], m.prefix[:]...)
	return sha256.Sum256(append(b, token...))
}

func (k cacheKey) String() string { return base64.RawURLEncoding.EncodeToString(k[:]) }

// entry is an answer as it is kept.
type entry struct {
	answer  *answer
	fetched time.Time    // when it was asked for
	fresh   time.Time    // until then it is believed
	stale   time.Time    // until then it is believed while the endpoint is away
	renewed atomic.Int64 // when a renewal may begin, in nanoseconds since fetched
}

// What an entry costs, roughly, beyond its document: in all, and for each value
// of a list.
const (
	overhead     = 1 << 10
	listOverhead = 32
)

// weight returns what an entry costs, in bytes.
func (e *entry) weight() int {
	document := e.answer.document
	copies := len(e.answer.principal.Scopes.String())
	if strings.Contains(document, `\`) { // a text with escapes is at most half as long without
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
		if !exp.IsZero() { // RFC 7662, Section 4: never beyond
			e.fresh, e.stale = earlier(e.fresh, exp), earlier(e.stale, exp)
		}
	}
	e.renewed.Store(int64(e.fresh.Sub(fetched) * 3 / 4))
	return e
}

// isActive reports whether an entry is there that says "active", however old.
func (e *entry) isActive() bool { return e != nil && e.answer.active }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// wantsRenewal reports, to one caller each time, that an entry in use should be
// asked for again before it is believed no more.
func (e *entry) wantsRenewal(now time.Time) bool {
	due, age := e.renewed.Load(), now.Sub(e.fetched)
	if !e.answer.active || int64(age) < due {
		return false
	}
	again := age + max(e.fresh.Sub(e.fetched)/10, 100*time.Millisecond)
	return e.renewed.CompareAndSwap(due, int64(again))
}

// local is the cache in the process: active tokens apart from others, so that
// no flood of random tokens can push them out, and by frequency of use, so that
// no flood of good ones that are used once can either.
type local struct {
	active, inactive *otter.Cache[cacheKey, *entry]
	forgotten        *otter.Cache[cacheKey, time.Time] // until when
}

func newLocal(entries, bytes int) (*local, error) {
	build := func(entries, bytes int) (*otter.Cache[cacheKey, *entry], error) {
		// An entry weighs its share at least, so that bytes bound entries too.
		share := max(bytes/entries, 1)
		return otter.New(&otter.Options[cacheKey, *entry]{
			MaximumWeight: uint64(bytes),
			Weigher: func(_ cacheKey, e *entry) uint32 {
				return uint32(min(uint64(max(e.weight(), share)), math.MaxUint32))
			},
		})
	}
	active, err := build(entries, bytes)
	if err != nil {
		return nil, err
	}
	// What is not active is small, and gone soon.
	inactive, err := build(max(entries/4, 1), max(bytes/8, 1))
	if err != nil {
		return nil, err
	}
	forgotten, err := otter.New(&otter.Options[cacheKey, time.Time]{MaximumSize: entries})
	return &local{active: active, inactive: inactive, forgotten: forgotten}, err
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

// isForgotten reports whether the key was forgotten a short while ago.
func (l *local) isForgotten(key cacheKey) bool {
	until, ok := l.forgotten.GetIfPresent(key)
	return ok && time.Now().Before(until)
}

func (l *local) forgetAll() {
	l.active.InvalidateAll()
	l.inactive.InvalidateAll()
}

func (l *local) close() {
	l.active.StopAllGoroutines()
	l.inactive.StopAllGoroutines()
	l.forgotten.StopAllGoroutines()
}

// seal encrypts an answer for the shared cache. The key is made of the token,
// which is kept nowhere, and of our own credentials: a copy of the cache tells
// nothing, and who can write into it forges nothing.
func (m *keyMaker) seal(token string, key cacheKey, document string, fetched time.Time) ([]byte, error) {
	aead, err := m.aead(token)
	if err != nil {
		return nil, err
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(document)), uint64(fetched.UnixNano()))
	plain = append(plain, document...)
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return aead.Seal(nonce, nonce, plain, key[:]), nil
}

var errSealed = errors.New("a shared entry that is not ours")

func (m *keyMaker) unseal(token string, key cacheKey, sealed []byte) (document []byte, fetched time.Time, err error) {
	aead, err := m.aead(token)
	if err != nil {
		return nil, time.Time{}, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, time.Time{}, errSealed
	}
	nonce, box := sealed[:aead.NonceSize()], sealed[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, box, key[:])
	if err != nil || len(plain) < 8 {
		return nil, time.Time{}, errSealed
	}
	return plain[8:], time.Unix(0, int64(binary.BigEndian.Uint64(plain))), nil
}

func (m *keyMaker) aead(token string) (cipher.AEAD, error) {
	mac := hmac.New(sha256.New, m.secret[:])
	mac.Write([]byte(token))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
