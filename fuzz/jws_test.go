package fuzz_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// peer is a library whose reading of tokens is compared with ours.
type peer struct {
	name string
	read func(token string, public any) (reading, error)

	// refuses are the tokens that we accept and it does not, on purpose on one
	// side. Each exception says which parameter or value causes it, and why.
	refuses []exception

	// accepts are our reasons to refuse tokens that it accepts.
	accepts map[string]string
}

// exception is a difference between two libraries.
type exception struct {
	why string
	has func(header map[string]json.RawMessage, document []byte) bool
}

func parameter(names ...string) func(map[string]json.RawMessage, []byte) bool {
	return func(header map[string]json.RawMessage, _ []byte) bool {
		return slices.ContainsFunc(names, func(name string) bool { return header[name] != nil })
	}
}

var (
	newName = exception{"RFC 9864 renames EdDSA to Ed25519, which the library does not know yet",
		func(header map[string]json.RawMessage, _ []byte) bool { return string(header["alg"]) == `"Ed25519"` }}
	bigNumber = exception{"the library turns each number into a float64; we do so only where we need the number",
		func(_ map[string]json.RawMessage, document []byte) bool {
			var v any
			return json.Unmarshal(document, &v) != nil
		}}
	foreignKeys = exception{"we ignore what the header says about keys and nonces, whatever its type (RFC 8725, Section 3.10)",
		parameter("jwk", "x5c", "nonce")}
	b64 = exception{"we ignore b64 that crit does not list (RFC 7797, Section 6)", parameter("b64")}
)

// Our reasons that both libraries do not have.
const (
	whyStrict  = "RFC 7515, Section 4, and RFC 7519, Section 4: names are unique"
	whyUTF8    = "RFC 7515, Section 2: texts are UTF-8"
	whyDepth   = "RFC 8725, Section 3.3, in spirit: nested documents cost memory"
	whyTypes   = "RFC 7515, Section 4.1: kid and typ are strings"
	whyJWE     = "RFC 7516, Section 4.1: enc and zip belong to encryption"
	whyForm    = "RFC 7515, Section 5.2: base64url without line breaks and white space"
	whyBits    = "checklist K3: one token has one encoding"
	whyCrit    = "RFC 7515, Section 4.1.11: an extension that is not understood is refused"
	whyPayload = "RFC 7519, Section 7.2: the claims are a JSON object, and nothing follows it"
)

var golangJWT = peer{"golang-jwt", func(token string, public any) (reading, error) { return readGolangJWT(token, public) },
	[]exception{newName, bigNumber},
	map[string]string{
		"header: a duplicate member name": whyStrict, "claims: a duplicate member name": whyStrict,
		"header: invalid UTF-8": whyUTF8, "claims: invalid UTF-8": whyUTF8, "header: a lone surrogate": whyUTF8, "claims: a lone surrogate": whyUTF8,
		"header: nested deeper than 32 levels": whyDepth, "claims: nested deeper than 32 levels": whyDepth,
		"header: a parameter of JWE": whyJWE, "crit: no extension is supported": whyCrit,
		"the form of the token": whyForm, "payload: " + notBase64: whyBits, "signature: " + notBase64: whyBits,
		"claims: data after the JSON object": whyPayload, "claims: not a JSON object": whyPayload,
	}}

var goJose = peer{"go-jose", func(token string, public any) (reading, error) { return readGoJose(token, public) },
	[]exception{newName, bigNumber, foreignKeys, b64},
	map[string]string{
		"header: invalid UTF-8": whyUTF8, "claims: invalid UTF-8": whyUTF8, "header: a lone surrogate": whyUTF8, "claims: a lone surrogate": whyUTF8,
		"header: nested deeper than 32 levels": whyDepth, "claims: nested deeper than 32 levels": whyDepth,
		"header: a parameter of JWE": whyJWE, "crit: no extension is supported": whyCrit,
		"the form of the token": whyForm, "payload: " + notBase64: whyForm, "signature: " + notBase64: whyBits,
		"claims: not a JSON object": whyPayload,
	}}

const notBase64 = "not base64url; want no padding, no line breaks and no trailing bits"

// kinds are reasons that name the type of a parameter.
func isKind(reason string) bool {
	return strings.HasPrefix(reason, "header: kid: ") || strings.HasPrefix(reason, "header: typ: ")
}

// compare compares our reading of a token with both libraries'. It returns our
// reason if one of them accepts a token that we refuse.
func compare(t *testing.T, token string, public any) (disagreements map[string]string) {
	t.Helper()
	alg, kid, claims, err := readOurs(token, public)
	disagreements = map[string]string{}
	for _, p := range []peer{golangJWT, goJose} {
		theirs, refused := p.read(token, public)
		switch {
		case err != nil && refused != nil:
		case err != nil:
			why := reason(err, token)
			if p.accepts[why] == "" && !isKind(why) {
				t.Fatalf("%s accepts %q, and we refuse it: %s (%v)", p.name, token, why, err)
			}
			disagreements[p.name] = why
		case refused != nil:
			if !p.isException(token) {
				t.Fatalf("we accept %q, and %s refuses it: %v", token, p.name, refused)
			}
		case alg != theirs.alg || kid != theirs.kid:
			t.Fatalf("%q: alg %q and kid %q, and %+v by %s", token, alg, kid, theirs, p.name)
		default:
			sameClaims(t, p.name, claims, theirs.claims)
		}
	}
	return disagreements
}

func (p peer) isException(token string) bool {
	jws, _ := jose.Parse(token) // which we accept
	text, _, _ := strings.Cut(token, ".")
	document, _ := jose.DecodeBase64URL(text)
	header := map[string]json.RawMessage{}
	_ = json.Unmarshal(document, &header)
	return slices.ContainsFunc(p.refuses, func(e exception) bool { return e.has(header, document) || e.has(header, jws.Payload) })
}

// sameClaims checks that a library reads the same values from the claims.
func sameClaims(t *testing.T, name string, ours map[string]strictjson.Value, theirs map[string]any) {
	t.Helper()
	if len(ours) != len(theirs) {
		t.Fatalf("%d claims %v, and %d by %s: %v", len(ours), ours, len(theirs), name, theirs)
	}
	for claim, raw := range ours {
		var value any
		decoder := json.NewDecoder(bytes.NewReader(raw))
		if name == golangJWT.name {
			decoder.UseNumber()
		}
		their, ok := theirs[claim]
		if err := decoder.Decode(&value); err != nil || !ok || !reflect.DeepEqual(value, their) {
			t.Fatalf("claim %q is %s, %v, and %v by %s", claim, raw, err, their, name)
		}
		if text, err := strictjson.String(raw); (err == nil) != (raw.Kind() == '"') || err == nil && text != their {
			t.Fatalf("claim %q is the string %q, %v, and %v by %s", claim, text, err, their, name)
		}
	}
}

// FuzzToken compares our reading of tokens with golang-jwt's and go-jose's: what we
// accept, both accept, with the same alg, kid and claims. Each reason to refuse what
// they accept is known.
func FuzzToken(f *testing.F) {
	for _, token := range []string{reader, weak, boundToken, reader + "=", reader + "\n", " " + reader, strings.Replace(reader, ".", ".\n", 1), reader[:len(reader)-1], "e30.e30.", "..", reader + "."} {
		f.Add(token)
	}
	public := issuerEC.private.Public()
	f.Fuzz(func(t *testing.T, token string) { compare(t, token, public) })
}

// FuzzSigned is [FuzzToken] for any header and payload, with a good signature.
func FuzzSigned(f *testing.F) {
	for i := range jose.Algorithms() {
		f.Add(uint8(i), goodHeader.with(members{"alg": jose.Algorithms()[i]}).json(), goodClaims.json())
	}
	for _, tt := range disagreeing {
		f.Add(uint8(6), []byte(tt.header), []byte(tt.payload))
	}
	f.Fuzz(func(t *testing.T, number uint8, header, payload []byte) {
		alg := jose.Algorithms()[int(number)%len(jose.Algorithms())]
		key := keyFor(alg)
		token, err := jose.Sign(key, alg, header, payload)
		if err != nil {
			t.Skip(err)
		}
		compare(t, token, key.Public())
	})
}
