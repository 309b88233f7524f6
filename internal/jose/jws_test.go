package jose_test

import (
	"encoding/base64"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// tokenOf returns a token with the given header, a payload and a signature.
func tokenOf(header string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.c2ln"
}

func wantMalformed(t testing.TB, err error, part string) {
	t.Helper()
	var malformed *jose.MalformedError
	if !errors.As(err, &malformed) {
		t.Fatalf("error %v, want a *MalformedError", err)
	}
	if malformed.Part != part {
		t.Errorf("Part %q (%s), want %q", malformed.Part, malformed.Reason, part)
	}
}

// K3, C13; RFC 7515, Section 7.1.
func TestTokensThatAreNotJWS(t *testing.T) {
	tests := []struct{ name, token string }{
		{"empty", ""},
		{"opaque", "2YotnFZFEjr1zCsicMWpAA"},
		{"opaque with two dots", "a.b.c"},
		{"one dot", "eyJhbGciOiJFUzI1NiJ9.e30"},
		{"three dots", a3Token + ".c2ln"},
		{"a trailing dot", a3Token + "."},
		{"three dots, two in a row", "eyJhbGciOiJFUzI1NiJ9.e30..c2ln"},
		{"three dots, two in a row at the end", "eyJhbGciOiJFUzI1NiJ9.e30.."},
		{"JWE of five segments", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a2V5.aXY.Y2lwaGVy.dGFn"},
		{"two dots alone", ".."},
		{"empty header", ".e30.c2ln"},
		{"header that is a JSON array", tokenOf(`["alg"]`)},
		{"header that is a JSON string", tokenOf(`"alg"`)},
		{"header that is no JSON", tokenOf(`alg=ES256`)},
		{"header after a byte order mark", tokenOf("\xef\xbb\xbf" + `{"alg":"ES256"}`)},
		{"header with padding", "eyJhbGciOiJFUzI1NiIgfQ==.e30.c2ln"},
		{"header in the other base64", "eyJhbGciOiJFUzI1NiIsImtpZCI6Ij8/PyJ9.e30.c2ln"},
		{"header with a line feed", "eyJhbGci\nOiJFUzI1NiJ9.e30.c2ln"},
		{"header with a carriage return", "eyJhbGciOiJFUzI1NiJ9\r.e30.c2ln"},
		{"header with a space", " eyJhbGciOiJFUzI1NiJ9.e30.c2ln"},
		{"header with stray bits", "eyJhbGciOiJFUzI1NiIgfR.e30.c2ln"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := jose.Parse(tt.token); !errors.Is(err, jose.ErrNotJWS) {
				t.Errorf("Parse: %v, want ErrNotJWS", err)
			}
		})
	}
}

func TestTokensThatAreMalformed(t *testing.T) {
	const good = "eyJhbGciOiJFUzI1NiJ9"
	tests := []struct{ name, token, part string }{
		// K1, RFC 7515, Section 4: names are unique.
		{"duplicate alg", tokenOf(`{"alg":"ES256","alg":"none"}`), "header"},
		{"duplicate alg behind an escape", tokenOf(`{"alg":"ES256","\u0061lg":"none"}`), "header"},
		{"duplicate of an unknown name", tokenOf(`{"alg":"ES256","x":1,"x":2}`), "header"},
		// K2, RFC 7515, Section 4.1.1.
		{"no alg", tokenOf(`{"typ":"at+jwt"}`), "header"},
		{"alg in capitals", tokenOf(`{"ALG":"ES256"}`), "header"},
		{"alg null", tokenOf(`{"alg":null}`), "header"},
		{"alg empty", tokenOf(`{"alg":""}`), "header"},
		{"alg a number", tokenOf(`{"alg":256}`), "header"},
		{"alg an array", tokenOf(`{"alg":["ES256"]}`), "header"},
		{"kid null", tokenOf(`{"alg":"ES256","kid":null}`), "header"},
		{"kid a number", tokenOf(`{"alg":"ES256","kid":1}`), "header"},
		{"kid an object", tokenOf(`{"alg":"ES256","kid":{}}`), "header"},
		{"typ null", tokenOf(`{"alg":"ES256","typ":null}`), "header"},
		{"typ an array", tokenOf(`{"alg":"ES256","typ":["at+jwt"]}`), "header"},
		// J6, K10: UTF-8, and no trailing data.
		{"invalid UTF-8", tokenOf("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), "header"},
		{"a lone surrogate", tokenOf(`{"alg":"ES256","kid":"\ud800"}`), "header"},
		{"data behind the header", tokenOf(`{"alg":"ES256"}{}`), "header"},
		{"a cut header", tokenOf(`{"alg":"ES256"`), "header"},
		{"a brace alone", tokenOf(`{`), "header"},
		{"a brace behind white space", tokenOf(" \t\r\n{"), "header"},
		{"a comment", tokenOf(`{"alg":"ES256"/**/}`), "header"},
		{"33 levels", tokenOf(`{"alg":"ES256","x":` + strings.Repeat("[", 32) + strings.Repeat("]", 32) + `}`), "header"},
		{"10,000 levels", tokenOf(`{"alg":"ES256","x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`), "header"},
		// K2, RFC 7515, Section 4.1.11; CVE-2025-59420.
		{"crit unknown", tokenOf(`{"alg":"ES256","crit":["foo"],"foo":1}`), "crit"},
		{"crit empty", tokenOf(`{"alg":"ES256","crit":[]}`), "crit"},
		{"crit of a registered name", tokenOf(`{"alg":"ES256","crit":["alg"]}`), "crit"},
		{"crit of an absent name", tokenOf(`{"alg":"ES256","crit":["foo"]}`), "crit"},
		{"crit null", tokenOf(`{"alg":"ES256","crit":null}`), "crit"},
		// K5, RFC 7797, Section 6.
		{"crit b64", tokenOf(`{"alg":"ES256","b64":false,"crit":["b64"]}`), "crit"},
		// J5, CVE-2024-28180 and others.
		{"zip", tokenOf(`{"alg":"ES256","zip":"DEF"}`), "header"},
		{"enc", tokenOf(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483647}`), "header"},
		// K3, RFC 7515, Section 5.2.
		{"empty payload", good + "..c2ln", "payload"},
		{"payload with padding", good + ".e30=.c2ln", "payload"},
		{"payload with a line feed", good + ".e3\n0.c2ln", "payload"},
		{"payload in the other base64", good + ".+/+/.c2ln", "payload"},
		{"payload with stray bits", good + ".e31.c2ln", "payload"},
		{"payload of one character", good + ".e.c2ln", "payload"},
		{"empty signature", good + ".e30.", "signature"},
		{"signature with padding", good + ".e30.c2k=", "signature"},
		{"signature with a carriage return", good + ".e30.c2ln\r", "signature"},
		{"signature with stray bits", good + ".e30.c2l", "signature"},
		{"signature not ASCII", good + ".e30.c2lñ", "signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := jose.Parse(tt.token)
			wantMalformed(t, err, tt.part)
		})
	}
}

// K5: `b64` has a meaning only if `crit` lists it (RFC 7797, Section 6). Alone it
// is an unknown parameter, and the payload is encoded as usual.
func TestHeaderParametersThatAreIgnored(t *testing.T) {
	// K4, J9: nobody fetches the keys that `jku`, `x5u` and `x5c` point to.
	jws, err := jose.Parse(tokenOf(`{"alg":"ES256","jku":"http://127.0.0.1/","x5u":1,"x5c":["AA"],"x5t":null,"b64":false,"cty":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if string(jws.Payload) != "{}" || jws.Header.JWK != nil {
		t.Errorf("payload %q, JWK %q", jws.Payload, jws.Header.JWK)
	}
}

func TestHeader(t *testing.T) {
	tests := []struct {
		name, json string
		want       jose.Header
	}{
		{"alg alone", `{"alg":"ES256"}`, jose.Header{Algorithm: "ES256"}},
		{"white space", " {\r\n\t\"alg\" : \"ES256\" } ", jose.Header{Algorithm: "ES256"}},
		{"alg none", `{"alg":"nOnE"}`, jose.Header{Algorithm: "nOnE"}},
		{"kid and typ", `{"alg":"ES256","kid":"k","typ":"at+JWT"}`, jose.Header{Algorithm: "ES256", KeyID: "k", HasKeyID: true, Type: "at+JWT", HasType: true}},
		{"kid and typ empty", `{"alg":"ES256","kid":"","typ":""}`, jose.Header{Algorithm: "ES256", HasKeyID: true, HasType: true}},
		{"names in capitals", `{"alg":"ES256","KID":"k","Crit":["x"]}`, jose.Header{Algorithm: "ES256"}},
		// J9: a kid is any string.
		{"kid a path", `{"alg":"ES256","kid":"../../dev/null"}`, jose.Header{Algorithm: "ES256", KeyID: "../../dev/null", HasKeyID: true}},
		{"jwk", `{"alg":"ES256","jwk":{"kty" : "EC"}}`, jose.Header{Algorithm: "ES256", JWK: []byte(`{"kty" : "EC"}`)}},
		{"jwk null", `{"alg":"ES256","jwk":null}`, jose.Header{Algorithm: "ES256", JWK: []byte(`null`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			jws, err := jose.Parse(tokenOf(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			got := jws.Header
			if !slices.Equal(got.JWK, tt.want.JWK) || (got.JWK == nil) != (tt.want.JWK == nil) {
				t.Errorf("JWK %q, want %q", got.JWK, tt.want.JWK)
			}
			got.JWK, tt.want.JWK = nil, nil
			if got.Algorithm != tt.want.Algorithm || got.KeyID != tt.want.KeyID || got.HasKeyID != tt.want.HasKeyID ||
				got.Type != tt.want.Type || got.HasType != tt.want.HasType {
				t.Errorf("header %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestErrorsDoNotQuoteTheToken(t *testing.T) {
	for _, token := range []string{
		tokenOf(`{"alg":"ES256","secret7":"secret7","secret7":1}`),
		tokenOf(`{"alg":"ES256","crit":["secret7"]}`),
		tokenOf(`{"alg":"ES256","secret7":secret7}`),
		tokenOf(`{"alg":"ES256"}secret7`),
		"eyJhbGciOiJFUzI1NiJ9.secret7!.c2ln",
		"eyJhbGciOiJFUzI1NiJ9.e30.secret7!",
	} {
		_, err := jose.Parse(token)
		if err == nil || strings.Contains(err.Error(), "secret7") {
			t.Errorf("Parse: %v", err)
		}
	}
}

// C13, CVE-2025-27144, CVE-2025-30204: a limit on what a token makes the parser
// allocate before its signature was verified.
func TestAllocations(t *testing.T) {
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`))
	tests := []struct {
		name, token string
		allocs      float64 // at most; -1: not looked at
		bytes       uint64  // at most
	}{
		{"8 KiB of dots", strings.Repeat(".", 8<<10), 0, 0},
		{"1 MiB of dots", strings.Repeat(".", 1<<20), 0, 0},
		{"1 MiB opaque", strings.Repeat("a", 1<<20), 0, 0},
		{"a header 10,000 levels deep", tokenOf(`{"alg":"ES256","x":` + strings.Repeat("[", 10_000)), -1, 20<<10 - 1},
		{"1 MiB of header that is no JSON", strings.Repeat("A", 1<<20) + ".e30.c2ln", 2, 1 << 20},
		{"1 MiB of payload that is no base64", header + "." + strings.Repeat("a", 1<<20) + "!.c2ln", -1, 1 << 20},
		{"1 MiB of payload", header + "." + strings.Repeat("A", 1<<20) + ".c2ln", -1, 1 << 20},
		{"1 MiB of signature", header + ".e30." + strings.Repeat("A", 1<<20), -1, 1 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.allocs >= 0 {
				if got := testing.AllocsPerRun(10, func() { _, _ = jose.Parse(tt.token) }); got > tt.allocs {
					t.Errorf("%v allocations, want at most %v", got, tt.allocs)
				}
			}
			if got := bytesPerRun(func() { _, _ = jose.Parse(tt.token) }); got > tt.bytes {
				t.Errorf("%d bytes, want at most %d", got, tt.bytes)
			}
		})
	}
}

// bytesPerRun returns how many bytes f allocates after a first run that fills
// pools: the minimum of several runs, because other goroutines allocate too.
func bytesPerRun(f func()) uint64 {
	f()
	least := uint64(math.MaxUint64)
	var before, after runtime.MemStats
	for range 10 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// K3, RFC 7515, Section 2.
func TestDecodeBase64URL(t *testing.T) {
	tests := []struct {
		in, want string
		ok       bool
	}{
		{"", "", true},
		{"AA", "\x00", true},
		{"-_-_", "\xfb\xff\xbf", true},
		{"AB", "", false},
		{"A", "", false},
		{"AA=", "", false},
		{"AA==", "", false},
		{"AAAA=", "", false},
		{"+/+/", "", false},
		{"AA\n", "", false},
		{"A\rA", "", false},
		{"\r\n", "", false},
		{"AA AA", "", false},
		{"AA\x00A", "", false},
	}
	for _, tt := range tests {
		got, err := jose.DecodeBase64URL(tt.in)
		if string(got) != tt.want || (err == nil) != tt.ok {
			t.Errorf("DecodeBase64URL(%q) = %q, %v", tt.in, got, err)
		}
	}
}

// C8, J2: exactly these algorithms, with exactly these names.
func TestAlgorithms(t *testing.T) {
	want := []jose.Algorithm{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
	got := jose.Algorithms()
	if !slices.Equal(got, want) {
		t.Errorf("Algorithms() = %q, want %q", got, want)
	}
	got[0] = "none"
	if jose.Algorithms()[0] != "RS256" {
		t.Error("changing the result changes the next result")
	}
	for _, alg := range want {
		if !alg.Supported() {
			t.Errorf("%s is not supported", alg)
		}
	}
	for _, alg := range []jose.Algorithm{
		"", "none", "None", "nOnE", "NONE", "HS256", "HS384", "HS512", "rs256", "Rs256", "es256", "eddsa", "EDDSA",
		"ed25519", "Ed448", "ES256K", "RS1", "RSA1_5", "RSA-OAEP", "A128KW", "dir", "ML-DSA-44", "ESP256", "RS256 ", "RS256\x00",
	} {
		if alg.Supported() {
			t.Errorf("%q is supported", alg)
		}
	}
}
