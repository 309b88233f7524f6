package keysource_test

import (
	"context"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

func key(t testing.TB, name, kid string) *jose.Key {
	t.Helper()
	k, err := jose.NewKey(publicKey(name), kid)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestStatic(t *testing.T) {
	named, nameless := key(t, "a", "a"), key(t, "pem", "")
	for _, tt := range []struct {
		name   string
		keys   []*jose.Key
		kid    string
		hasKid bool
		alg    jose.Algorithm
		want   int
		err    error
	}{
		{"its key ID", []*jose.Key{named}, "a", true, jose.EdDSA, 1, nil},
		{"another key ID", []*jose.Key{named}, "b", true, jose.EdDSA, 0, keysource.ErrUnknownKey},
		{"the empty key ID", []*jose.Key{named}, "", true, jose.EdDSA, 0, keysource.ErrUnknownKey},
		{"no key ID", []*jose.Key{named, nameless}, "", false, jose.EdDSA, 2, nil},
		{"any key ID, of a key without", []*jose.Key{nameless}, "b", true, jose.EdDSA, 1, nil},
		{"its key ID, beside a key without", []*jose.Key{named, nameless}, "a", true, jose.EdDSA, 2, nil},
		{"another algorithm", []*jose.Key{named}, "a", true, jose.RS256, 0, keysource.ErrKeyAlgorithm},
		{"another algorithm, of a key without ID", []*jose.Key{nameless}, "b", true, jose.RS256, 0, keysource.ErrKeyAlgorithm},
		{"another algorithm, no key ID", []*jose.Key{nameless}, "", false, jose.RS256, 0, keysource.ErrUnknownKey},
		{"none", []*jose.Key{nameless}, "", false, "none", 0, keysource.ErrUnknownKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := keysource.Static(tt.keys)
			defer s.Close()
			if err := s.Ready(); err != nil {
				t.Errorf("Ready() = %v", err)
			}
			q := keysource.Query{KeyID: tt.kid, HasKeyID: tt.hasKid, Algorithm: tt.alg}
			c, err := s.Lookup(t.Context(), q)
			if len(c.Keys) != tt.want || c.Total != tt.want || err != tt.err || c.Generation != 1 && err == nil {
				t.Errorf("%+v, %v, want %d keys of generation 1, %v", c, err, tt.want, tt.err)
			}
			if _, err := s.Missed(t.Context(), 1, q); err != keysource.ErrUnknownKey {
				t.Errorf("Missed: %v, want ErrUnknownKey", err)
			}
		})
	}
}

func TestStaticWithoutKeys(t *testing.T) {
	s := keysource.Static(nil)
	start := time.Now()
	if err := s.Ready(); !isUnavailable(err) {
		t.Errorf("Ready() = %v, want an UnavailableError", err)
	}
	wantUnavailable(t, s, "a")
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v, want no wait", took)
	}
}

func BenchmarkLookup(b *testing.B) {
	var keys []*jose.Key
	for _, kid := range []string{"one", "two", "three"} {
		keys = append(keys, key(b, kid, kid))
	}
	s := keysource.Static(keys)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Lookup(ctx, named("two")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestLookupDoesNotAllocate(t *testing.T) {
	s := keysource.Static([]*jose.Key{key(t, "a", "a")})
	for _, hasKid := range []bool{true, false} {
		q := keysource.Query{KeyID: "a", HasKeyID: hasKid, Algorithm: jose.EdDSA}
		if n := testing.AllocsPerRun(100, func() { _, _ = s.Lookup(t.Context(), q) }); n != 0 {
			t.Errorf("hasKid %t: %v allocations a lookup, want none", hasKid, n)
		}
	}
}
