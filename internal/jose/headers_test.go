package jose_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

func TestHeadersAreParsedOnce(t *testing.T) {
	var headers jose.Headers
	var b jose.Buffer
	token := tokenOf(`{"alg":"ES256","kid":"k","typ":"at+jwt","jwk":{"kty":"EC"}}`)
	first, err := b.Parse(token, &headers)
	if err != nil || string(first.Header.JWK) != `{"kty":"EC"}` {
		t.Fatalf("%+v, %v", first.Header, err)
	}
	headers.Keep(&first)
	want := first.Header
	want.JWK = nil // it was the buffer's
	b.Clear()
	again, err := b.Parse(token, &headers)
	if err != nil || again.Header.Algorithm != want.Algorithm || again.Header.KeyID != want.KeyID || !again.Header.HasKeyID ||
		again.Header.Type != want.Type || !again.Header.HasType || again.Header.JWK != nil {
		t.Errorf("%+v, %v, want %+v", again.Header, err, want)
	}
	if string(again.Payload) != string(first.Payload) || again.SigningInput != first.SigningInput {
		t.Error("the payload and signature of another token")
	}
	if _, err := b.Parse(strings.Replace(token, ".", "A.", 1), &headers); err == nil {
		t.Error("a header with the prefix of a known one is known")
	}
}

// Part 2.4: headers are bounded in number and in bytes, however many are kept.
// A header that was parsed and not kept is unknown.
func TestHeadersAreBounded(t *testing.T) {
	var headers jose.Headers
	known := func(token string) bool {
		var b jose.Buffer
		jws, err := b.Parse(token, &headers)
		if err != nil {
			t.Fatal(err)
		}
		return jws.Header.JWK == nil // all have one, which is not kept
	}
	keep := func(token string) {
		jws, err := jose.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		headers.Keep(&jws)
	}
	headerOf := func(n int) string { return tokenOf(fmt.Sprintf(`{"alg":"ES256","jwk":{},"kid":"%d"}`, n)) }
	for range 2 {
		if known(headerOf(0)) {
			t.Error("known without Keep")
		}
	}
	const flood = 5000
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for n := worker; n < flood; n += 4 {
				keep(headerOf(n))
				keep(headerOf(n))
			}
		})
	}
	wait.Wait()
	count := 0
	for n := range flood {
		if known(headerOf(n)) {
			count++
		}
	}
	if count > 128 || count < 64 {
		t.Errorf("%d headers are known", count)
	}
	long := tokenOf(`{"alg":"ES256","jwk":{},"kid":"` + strings.Repeat("k", 1000) + `"}`)
	keep(long)
	if known(long) {
		t.Error("a long header is kept")
	}
}

// Nothing of one token appears in the result of the next that is parsed into
// the same buffer.
func TestBufferIsUsedAgain(t *testing.T) {
	var b jose.Buffer
	long := tokenOf(`{"alg":"ES256","kid":"` + strings.Repeat("secret", 100) + `"}`)
	short := tokenOf(`{"alg":"ES256"}`)
	for range 3 {
		one, err := b.Parse(long, nil)
		if err != nil {
			t.Fatal(err)
		}
		kid := one.Header.KeyID
		two, err := b.Parse(short, nil)
		if err != nil || two.Header.HasKeyID || two.Header.KeyID != "" || !strings.HasPrefix(kid, "secretsecret") {
			t.Errorf("%+v, %v", two.Header, err)
		}
		if left := string(two.Payload[:cap(two.Payload)]); strings.Contains(left, "secret") {
			t.Errorf("the buffer holds %q", left)
		}
	}
	if allocs := testing.AllocsPerRun(100, func() { _, _ = b.Parse("a.b.c", nil) }); allocs > 0 {
		t.Errorf("%v allocations for garbage", allocs)
	}
}

// Clear erases each part of a token, and gives up the memory of a large one.
func TestBufferForgets(t *testing.T) {
	part := func(size int) string { return base64.RawURLEncoding.EncodeToString(make([]byte, size)) }
	token := func(payload, signature int) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`)) + "." + part(payload) + "." + part(signature)
	}
	for size, kept := range map[int]bool{100: true, 16 << 10: true, 16<<10 + 1: false} {
		var b jose.Buffer
		first, err := b.Parse(token(size, size), nil)
		if err != nil {
			t.Fatal(err)
		}
		// Parse erases what an earlier token left, as Clear does.
		for name, erase := range map[string]func(){
			"Clear": b.Clear,
			"Parse": func() { _, _ = b.Parse(token(1, 1), nil) },
		} {
			for _, memory := range [][]byte{first.Payload, first.Signature} {
				copy(memory, bytes.Repeat([]byte("s"), len(memory)))
			}
			erase()
			for _, memory := range [][]byte{first.Payload, first.Signature} {
				if bytes.Contains(memory, []byte("ss")) {
					t.Errorf("%d bytes: %s leaves a part of the token", size, name)
				}
			}
			again, err := b.Parse(token(size, size), nil)
			if err != nil {
				t.Fatal(err)
			}
			if same := &again.Payload[0] == &first.Payload[0]; same != kept {
				t.Errorf("%d bytes: the memory is kept: %t, want %t", size, same, kept)
			}
			first = again
		}
	}
}

// A header that is known costs nothing: neither Parse nor Keep allocates.
func TestKnownHeaderIsNotKeptAgain(t *testing.T) {
	var headers jose.Headers
	var b jose.Buffer
	token := tokenOf(`{"alg":"ES256","kid":"k","typ":"at+jwt"}`)
	use := func() {
		jws, err := b.Parse(token, &headers)
		if err != nil {
			t.Fatal(err)
		}
		headers.Keep(&jws)
	}
	use()
	use() // the table keeps what comes twice
	if allocs := testing.AllocsPerRun(100, use); allocs > 0 {
		t.Errorf("%v allocations for a token with a known header", allocs)
	}
}
