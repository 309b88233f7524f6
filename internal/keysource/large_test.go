package keysource_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// Reports V15: each of 1,000 keys is found.
func TestThousandKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kids := make([]string, 1000)
		for i := range kids {
			kids[i] = fmt.Sprint("key", i)
		}
		is := newIssuer(kids...)
		s := is.warm(t)
		for _, kid := range kids {
			c, err := s.Lookup(t.Context(), named(kid))
			if err != nil || c.Total != 1 || len(c.Keys) != 1 {
				t.Fatalf("%s: %+v, %v", kid, c, err)
			}
			if id, _ := c.Keys[0].ID(); id != kid || !publicKey(kid).Equal(c.Keys[0].Public()) {
				t.Fatalf("%s is answered by %s", kid, id)
			}
		}
		wantUnknown(t, s, "key1000")
		generation := s.Generation()
		is.publish(kids[1:]...)
		elapse(10 * time.Minute)
		if got := s.Generation(); got != generation+1 {
			t.Errorf("after one of 1,000 keys was withdrawn: Generation() = %d, want %d", got, generation+1)
		}
		wantUnknown(t, s, "key0")
	})
}

// Reports V15: the largest sets that a document of 1 MiB can hold: used keys,
// skipped keys, and keys with one ID.
func TestLargestSet(t *testing.T) {
	key := jwk("a")
	for _, tt := range []struct {
		name string
		one  func(i int) string
		keys int // the number of used keys
	}{
		{"an ID for each key", func(i int) string { return strings.Replace(key, `"a"`, fmt.Sprintf(`"%05d"`, i), 1) }, 6000},
		{"one ID for all keys", func(int) string { return key }, 6000},
		{"skipped keys", func(int) string { return "{}" }, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var doc strings.Builder
				doc.WriteString(`{"keys":[` + jwk("first"))
				for i := 0; doc.Len() < 1<<20-200; i++ {
					doc.WriteString("," + tt.one(i))
				}
				doc.WriteString("]}")
				var log logged
				is := newIssuer()
				is.set(jwksURL, answer{status: 200, body: doc.String()})
				s := is.warm(t, func(c *keysource.Config) { c.Logger = log.logger() })
				wantFound(t, s, "first")
				if n := s.Stats().Keys; n < tt.keys {
					t.Errorf("%d keys, want at least %d", n, tt.keys)
				}
				if n := log.count("\n"); n > 21 {
					t.Errorf("%d lines in the log, want at most 21", n)
				}
				elapse(5 * time.Minute)
				if got := s.Generation(); got != 1 {
					t.Errorf("Generation() = %d, want 1", got)
				}
			})
		})
	}
}

// Reports V15: the cost of keys with and without an ID is the sum, and not the
// product, of their numbers.
func TestManyNamelessKeys(t *testing.T) {
	var keys []*jose.Key
	for i := range 3000 {
		keys = append(keys, key(t, fmt.Sprint("named", i), fmt.Sprint(i)), key(t, fmt.Sprint("nameless", i), ""))
	}
	s := keysource.Static(keys)
	c, err := s.Lookup(t.Context(), named("2999"))
	if err != nil || len(c.Keys) != 32 || c.Total != 3001 {
		t.Errorf("%d of %d keys, %v, want 32 of 3001", len(c.Keys), c.Total, err)
	}
	if id, _ := c.Keys[0].ID(); id != "2999" {
		t.Errorf("the first to be tried is %q, want the one of that name", id)
	}
}
