package fuzz_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
)

// disagreeing are tokens that we refuse, and that a library accepts.
var disagreeing = []struct{ header, payload string }{
	{`{"alg":"ES256","alg":"ES256"}`, `{}`}, {`{"alg":"ES256"}`, `{"sub":"alice","sub":"bob"}`},
	{"{\"alg\":\"ES256\",\"x\":\"\xff\"}", `{}`}, {`{"alg":"ES256"}`, "{\"sub\":\"\xff\"}"},
	{`{"alg":"ES256","x":"\ud800"}`, `{}`}, {`{"alg":"ES256"}`, `{"sub":"\ud800"}`},
	{`{"alg":"ES256","x":` + string(deep) + `}`, `{}`}, {`{"alg":"ES256"}`, `{"x":` + string(deep) + `}`},
	{`{"alg":"ES256","zip":"DEF"}`, `{}`}, {`{"alg":"ES256","enc":"A128GCM"}`, `{}`}, {`{"alg":"ES256","crit":["exp"]}`, `{}`}, {`{"alg":"ES256","crit":[]}`, `{}`},
	{`{"alg":"ES256","kid":1}`, `{}`}, {`{"alg":"ES256","kid":null}`, `{}`}, {`{"alg":"ES256","typ":[]}`, `{}`}, {`{"alg":"ES256","typ":null}`, `{}`},
	{`{"alg":"ES256"}`, `{} {}`}, {`{"alg":"ES256"}`, `null`}, {`{"alg":"ES256"}`, `7`}, {`{"alg":"ES256"}`, ``},
	{`{"alg":"ES256","jwk":7}`, `{}`}, {`{"alg":"ES256","x5c":7}`, `{}`}, {`{"alg":"ES256","b64":false}`, `{}`}, {`{"alg":"ES256","nonce":7}`, `{}`},
	{`{"alg":"ES256","x":1e400}`, `{}`}, {`{"alg":"ES256"}`, `{"x":1e400}`}, {`{"alg":"Ed25519"}`, `{}`},
}

// Each kind of disagreement that is listed for a library occurs. A library that
// has become stricter no longer needs its row.
func TestDisagreements(t *testing.T) {
	found := map[string]map[string]int{golangJWT.name: {}, goJose.name: {}}
	count := func(token string, public any) {
		for name, why := range compare(t, token, public) {
			found[name][why]++
		}
	}
	for _, tt := range disagreeing {
		token := issuerEC.sign([]byte(tt.header), []byte(tt.payload))
		count(token, issuerEC.private.Public())
	}
	for _, token := range encodings() {
		count(token, issuerEC.private.Public())
	}
	for _, p := range []peer{golangJWT, goJose} {
		for why := range p.accepts {
			if found[p.name][why] == 0 {
				t.Errorf("%s accepts no token that we refuse because of %q", p.name, why)
			}
		}
		for _, why := range slices.Sorted(maps.Keys(found[p.name])) {
			t.Logf("%s: %2d %s", p.name, found[p.name][why], why)
		}
	}
}

// encodings are tokens with a good signature that are encoded badly.
func encodings() []string {
	input, signature, _ := strings.Cut(reader[strings.IndexByte(reader, '.')+1:], ".")
	header, _, _ := strings.Cut(reader, ".")
	list := []string{reader + "\n", strings.Replace(reader, ".", ".\n", 1), reader[:9] + "\n" + reader[9:], " " + reader, header + "." + input + "." + loose(signature)}
	// The payload's last bits are part of what is signed.
	payload := loose(encode([]byte(`{"sub":"alice"}` + " ")))
	text := encode([]byte(`{"alg":"ES256"}`)) + "." + payload
	broken := header[:9] + "\n" + header[9:] + "." + input
	return append(list, text+"."+encode(issuerEC.signature(text)), broken+"."+encode(issuerEC.signature(broken)))
}

// loose returns base64url text with other trailing bits.
func loose(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last+1])
}

// What we accept and a library refuses has one of the listed causes, and each cause
// occurs.
func TestExceptions(t *testing.T) {
	for _, p := range []peer{golangJWT, goJose} {
		for _, e := range p.refuses {
			if !slices.ContainsFunc(disagreeing, func(tt struct{ header, payload string }) bool {
				key, alg := issuerEC, jose.ES256
				if strings.Contains(tt.header, "Ed25519") {
					key, alg = issuerEd, jose.Ed25519
				}
				token := must(jose.Sign(key.private, alg, []byte(tt.header), []byte(tt.payload)))
				_, _, _, ours := readOurs(token, key.private.Public())
				_, theirs := p.read(token, key.private.Public())
				return ours == nil && theirs != nil && peer{refuses: []exception{e}}.isException(token)
			}) {
				t.Errorf("%s: no token has the exception %q", p.name, e.why)
			}
		}
	}
}
