package jwks

import (
	"bytes"
	"reflect"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// A token that was judged leaves nothing in the memory that the pool keeps, which
// may live as long as the program.
func TestReleasedMemoryIsErased(t *testing.T) {
	const audience = "https://api.example.com"
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Audience: []string{audience}})
	if err != nil {
		t.Fatal(err)
	}
	if err := issuer.Start(); err != nil {
		t.Fatal(err)
	}
	defer issuer.Close()
	var profile Profile
	profile.Roles = []string{"/roles"}
	v, err := New(Config{CacheEntries: -1, Issuers: []Issuer{{
		URL: issuer.URL(), Audience: []string{audience}, Profile: profile, Keys: KeysFromJWKS(issuer.KeySet()),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()

	var used []*memory
	memories = sync.Pool{New: func() any { used = append(used, new(memory)); return used[len(used)-1] }}
	defer func() { memories = sync.Pool{New: func() any { return new(memory) }} }()
	token := issuer.Mint(bearertest.Token{Subject: "alice", Claims: map[string]any{"amr": []string{"pwd", "otp"}, "roles": []string{"cook", "waiter"}}})
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if len(used) == 0 {
		t.Fatal("no memory was used")
	}
	for _, m := range used {
		held := map[string][]byte{}
		contents(reflect.ValueOf(m).Elem(), "memory", held)
		for where, b := range held {
			if len(bytes.Trim(b, "\x00")) > 0 {
				t.Errorf("%s has %q", where, b)
			}
		}
	}
}

// contents collects the bytes that v holds, also those beyond the length of slices.
// It leaves out the names of claims, which are the program's own.
func contents(v reflect.Value, where string, held map[string][]byte) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "names" && name != "state" && name != "der" && name != "digest" {
				contents(v.Field(i), where+"."+name, held)
			}
		}
	case reflect.String:
		held[where] = append(held[where], v.String()...)
	case reflect.Slice:
		all := v.Slice(0, v.Cap())
		if all.Type().Elem().Kind() == reflect.Uint8 {
			held[where] = append(held[where], all.Bytes()...)
			return
		}
		for i := range all.Len() {
			contents(all.Index(i), where, held)
		}
	}
}
