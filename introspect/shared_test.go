package introspect_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/introspect"
)

// C17: the key of a shared entry is derived from the token and from the verifier's
// secret. Without the token, the secret does not decrypt it.
func TestSharedEntryNeedsTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := newMemory()
		v := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour { return active })
		if _, err := v.Verify(t.Context(), "t-1"); err != nil {
			t.Fatal(err)
		}
		v.Close()
		h := sha256.New()
		for _, part := range []string{
			"bearerkit introspection value", "https://issuer.example.com", "https://issuer.example.com/introspect", "api", "secret", "", "",
		} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write([]byte(part))
		}
		secret := h.Sum(nil)
		open := func(token string, key string, sealed []byte) (string, error) {
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(token))
			block, err := aes.NewCipher(mac.Sum(nil))
			if err != nil {
				t.Fatal(err)
			}
			aead, err := cipher.NewGCM(block)
			if err != nil {
				t.Fatal(err)
			}
			name, err := base64.RawURLEncoding.DecodeString(key)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := aead.Open(nil, sealed[:12], sealed[12:], name)
			return string(plain), err
		}
		for key, sealed := range shared.values {
			if plain, err := open("t-1", key, sealed); err != nil || !strings.HasSuffix(plain, activeBody) {
				t.Errorf("with the token: %q, %v; the test shows nothing", plain, err)
			}
			if _, err := open("", key, sealed); err == nil {
				t.Error("the secret alone decrypts the entry")
			}
		}
	})
}

// What of the shared cache is not used: a value beside an error, an answer that is
// older than MaxAge, and one that this verifier cannot read.
func TestSharedAnswersThatAreNotUsed(t *testing.T) {
	for name, tt := range map[string]struct {
		later time.Duration // when it is read
		fail  error
		roles []string
		hits  uint64
		want  string
	}{
		"one that is used":                  {0, nil, nil, 1, "<nil>"},
		"just before it expires":            {time.Minute - 1, nil, nil, 1, "<nil>"},
		"older than MaxAge":                 {time.Minute, nil, nil, 0, "<nil>"},
		"beside an error":                   {0, errors.New("no connection"), nil, 0, "<nil>"},
		"malformed for the other instance":  {0, nil, []string{"/iat"}, 0, "unavailable"},
		"well-formed for the same instance": {0, nil, []string{"/sub"}, 1, "<nil>"},
	} {
		synctest.Test(t, func(t *testing.T) {
			shared := newMemory()
			open := func(roles []string) *introspect.Verifier {
				return scripted(t, func(c *introspect.Config) { c.Shared, c.Roles = shared, roles }, func(string) behaviour {
					return behaviour{"", answers(200, nil, `{"active":true,"sub":"alice","iat":1,"aud":"`+audience+`"}`)}
				})
			}
			one, two := open(nil), open(tt.roles)
			if _, err := one.Verify(t.Context(), "t-1"); err != nil {
				t.Fatal(err)
			}
			elapse(tt.later)
			shared.fail = tt.fail
			_, err := two.Verify(t.Context(), "t-1")
			if n := two.Stats().SharedHits; n != tt.hits || codeOf(err) != tt.want {
				t.Errorf("%s: %d answers from the shared cache, want %d (%v)", name, n, tt.hits, err)
			}
			one.Close()
			two.Close()
		})
	}
}

// What is not stored in the shared cache: an answer that is not cached, and one of
// more than 64 KiB.
func TestAnswersThatAreNotShared(t *testing.T) {
	sized := func(n int) string {
		const begin, end = `{"active":true,"aud":"` + audience + `","x":"`, `"}`
		return begin + strings.Repeat("x", n-len(begin)-len(end)) + end
	}
	for name, tt := range map[string]struct {
		maxAge, takes time.Duration
		body          string
		stored        int
	}{
		"an answer":               {0, 0, activeBody, 1},
		"MaxAge is negative":      {-1, 0, activeBody, 0},
		"a slow answer":           {-1, time.Millisecond, activeBody, 0},
		"slower than MaxAge":      {time.Millisecond, 2 * time.Millisecond, activeBody, 0},
		"of 64 KiB":               {0, 0, sized(64 << 10), 1},
		"of a byte more":          {0, 0, sized(64<<10 + 1), 0},
		"the answer \"inactive\"": {0, 0, `{"active":false}`, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			shared := newMemory()
			v := scripted(t, func(c *introspect.Config) { c.Shared, c.MaxAge = shared, tt.maxAge }, func(string) behaviour {
				elapse(tt.takes)
				return behaviour{"", answers(200, nil, tt.body)}
			})
			_, _ = v.Verify(t.Context(), "t-1")
			if n := len(shared.values); n != tt.stored {
				t.Errorf("%s: %d entries, want %d", name, n, tt.stored)
			}
			v.Close()
		})
	}
}

// deadlines is a shared cache that notes how long its calls may take.
type deadlines struct {
	*memory
	get, set, forget atomic.Int64
}

func (d *deadlines) Get(ctx context.Context, key string) ([]byte, error) {
	note(ctx, &d.get)
	return d.memory.Get(ctx, key)
}

func (d *deadlines) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if value == nil {
		note(ctx, &d.forget)
	} else {
		note(ctx, &d.set)
	}
	return d.memory.Set(ctx, key, value, ttl)
}

func note(ctx context.Context, to *atomic.Int64) {
	if end, ok := ctx.Deadline(); ok {
		to.Store(int64(time.Until(end)))
	}
}

// A call of the shared cache may take 250 ms.
func TestSharedCacheHasDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &deadlines{memory: newMemory()}
		v := scripted(t, func(c *introspect.Config) { c.Shared = shared }, func(string) behaviour { return active })
		_, _ = v.Verify(t.Context(), "t-1")
		if err := v.Forget(context.Background(), "t-1"); err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]int64{"Get": shared.get.Load(), "Set": shared.set.Load(), "Set without a value": shared.forget.Load()} {
			if time.Duration(n) != 250*time.Millisecond {
				t.Errorf("%s may take %v, want 250ms", name, time.Duration(n))
			}
		}
		v.Close()
	})
}
