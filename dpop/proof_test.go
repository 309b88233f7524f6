package dpop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// D5; RFC 9449, Section 7.1.
func TestAlgorithms(t *testing.T) {
	checker := newChecker(t, dpop.Config{})
	if got, want := fmt.Sprint(checker.Algorithms()), "[ES256 ES384 RS256 PS256 EdDSA Ed25519]"; got != want {
		t.Errorf("Algorithms() = %s, want %s", got, want)
	}
	checker.Algorithms()[0] = "none"
	if checker.Algorithms()[0] != "ES256" {
		t.Error("a caller changed the algorithms")
	}
	for _, alg := range []string{"ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519"} {
		t.Run(alg, func(t *testing.T) {
			c := newClient(t, alg)
			wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "")
			proof, err := dpop.NewProof(dpop.ProofConfig{Key: c.signer, Algorithm: alg, Method: "GET", URL: origin + "/orders?a=b#c", AccessToken: token})
			if err != nil {
				t.Fatal(err)
			}
			wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "")
		})
	}
	for _, alg := range []string{"ES512", "RS384", "RS512", "PS384", "PS512"} {
		t.Run(alg, func(t *testing.T) {
			c := newClient(t, alg)
			wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "alg")
			chosen := newChecker(t, dpop.Config{Algorithms: []string{alg}})
			wantRefusal(t, checkAndUse(chosen, orders(t, c.proof(t, nil)), token, c.jkt), "")
		})
	}
	for _, tt := range []struct{ named, want []string }{
		{[]string{"ES256", "PS256", "ES256"}, []string{"ES256", "PS256"}},
		{[]string{"EdDSA"}, []string{"EdDSA", "Ed25519"}},
		{[]string{"Ed25519", "EdDSA"}, []string{"EdDSA", "Ed25519"}},
	} {
		if got := newChecker(t, dpop.Config{Algorithms: tt.named}).Algorithms(); !slices.Equal(got, tt.want) {
			t.Errorf("Algorithms %q give %q, want %q", tt.named, got, tt.want)
		}
	}
	t.Run("FAPI 2.0", func(t *testing.T) { // F6
		fapi := newChecker(t, dpop.Config{Algorithms: []string{"PS256", "ES256", "Ed25519"}})
		if got, want := fmt.Sprint(fapi.Algorithms()), "[PS256 ES256 EdDSA Ed25519]"; got != want {
			t.Errorf("Algorithms() = %s, want %s", got, want)
		}
		c := newClient(t, "RS256")
		wantRefusal(t, checkAndUse(fapi, orders(t, c.proof(t, nil)), token, c.jkt), "alg")
	})
}

// D1, D2; RFC 9449, Section 4.3, checks 1 and 2; checklist 2.7.
func TestHeaderField(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	good := func() string { return c.proof(t, nil) }
	long := c.proof(t, members{"pad": strings.Repeat("x", 6<<10)})
	tests := []struct {
		name   string
		fields []string
		check  string
	}{
		{"one", []string{"DPoP: " + good()}, ""},
		{"a name in lower case", []string{"dpop: " + good()}, ""},
		{"spaces around it", []string{"DPoP: \t" + good() + " "}, ""},
		{"none", nil, "DPoP"},
		{"an empty one", []string{"DPoP:"}, "DPoP"},
		{"two", []string{"DPoP: " + good(), "DPoP: " + good()}, "DPoP"},
		{"two, the first empty", []string{"DPoP:", "DPoP: " + good()}, "DPoP"},
		{"two, spelled differently", []string{"DPoP: " + good(), "dpop: " + good()}, "DPoP"},
		{"joined by a comma", []string{"DPoP: " + good() + ", " + good()}, "DPoP"},
		{"a trailing comma", []string{"DPoP: " + good() + ","}, "DPoP"},
		{"too long", []string{"DPoP: " + long}, "DPoP"},
		{"too long by one", []string{"DPoP: " + strings.Repeat(".", 8<<10+1)}, "DPoP"},
		{"a megabyte of dots", []string{"DPoP: " + strings.Repeat(".", 1<<20)}, "DPoP"},
		{"a name with an underscore", []string{"D_PoP: " + good()}, "DPoP"},
		{"in Proxy-Authorization (D17)", []string{"Proxy-Authorization: DPoP " + good()}, "DPoP"},
		{"a scheme before it", []string{"DPoP: DPoP " + good()}, "form"},
		{"two, with a space between", []string{"DPoP: " + good() + " " + good()}, "form"},
		{"four segments", []string{"DPoP: " + good() + ".AAAA"}, "form"},
		{"five segments", []string{"DPoP: a.b.c.d.e"}, "form"},
		{"dots", []string{"DPoP: " + strings.Repeat(".", 8<<10)}, "form"},
		{"padding", []string{"DPoP: " + good() + "="}, "form"},
		{"no signature", []string{"DPoP: " + good()[:strings.LastIndexByte(good(), '.')+1]}, "form"},
		{"JSON serialization", []string{`DPoP: {"payload":"e30"}`}, "form"},
		{"garbage", []string{"DPoP: garbage"}, "form"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantRefusal(t, checkAndUse(checker, read(t, "GET /orders", tt.fields...), token, c.jkt), tt.check)
		})
	}
}

// The log says what was wrong with a proof, in bounded texts.
func TestWhatWasWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "ES256")
		checker := newChecker(t, dpop.Config{Nonces: newNonces(t, dpop.NoncesConfig{})})
		now := time.Now().Unix()
		for _, tt := range []struct{ name, proof, expected, got string }{
			{"a long field", strings.Repeat(".", 8<<10+1), "a proof of at most 8192 bytes", "8193"},
			{"a short method", c.proof(t, members{"htm": "POST"}), `"GET"`, `"POST"`},
			{"a method of 200 bytes", c.proof(t, members{"htm": strings.Repeat("P", 200)}), `"GET"`, `"` + strings.Repeat("P", 200) + `"`},
			{"a method of 201 bytes", c.proof(t, members{"htm": strings.Repeat("P", 201)}), `"GET"`, `"` + strings.Repeat("P", 200) + `"…`},
			{"no nonce", c.proof(t, nil), "a recently issued nonce", "none"},
			{"another nonce", c.proof(t, members{"nonce": "n"}), "a recently issued nonce", "a different nonce"},
		} {
			e, ok := errors.AsType[*bearer.Error](checkAndUse(checker, orders(t, tt.proof), token, c.jkt))
			if !ok || e.Expected != tt.expected || e.Got != tt.got {
				t.Errorf("%s: %v; want %q, got %q", tt.name, e, tt.expected, tt.got)
			}
		}
		checker = newChecker(t, dpop.Config{})
		for iat, got := range map[int64]string{now - 70: "1m10s past", now + 70: "1m10s ahead"} {
			e, ok := errors.AsType[*bearer.Error](checkAndUse(checker, orders(t, c.proof(t, members{"iat": iat})), token, c.jkt))
			if !ok || e.Check != "iat" || e.Got != got {
				t.Errorf("%v, want %q", e, got)
			}
		}
	})
}

// D3 to D7, D28; RFC 9449, Sections 4.2 and 4.3; RFC 7515, Section 4.1.9.
func TestHeader(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	other := newClient(t, "ES256")
	jwk := func(changes members) map[string]any {
		m := map[string]any{}
		for name, value := range c.jwk {
			m[name] = value
		}
		for name, value := range changes {
			m[name] = value
			if value == nil {
				delete(m, name)
			}
		}
		return m
	}
	tests := []struct {
		name    string
		changes members
		check   string
	}{
		{"D4: typ in capitals", members{"typ": "DPOP+JWT"}, ""},
		{"D4: typ of application", members{"typ": "application/dpop+jwt"}, ""},
		{"D4: typ of Application, in capitals", members{"typ": "Application/DPoP+JWT"}, ""},
		{"D4: no typ (D3)", members{"typ": nil}, "typ"},
		{"D4: an empty typ", members{"typ": ""}, "typ"},
		{"D28: JWT", members{"typ": "JWT"}, "typ"},
		{"D28: an access token", members{"typ": "at+jwt"}, "typ"},
		{"D4: dpop", members{"typ": "dpop"}, "typ"},
		{"D4: a space behind", members{"typ": "dpop+jwt "}, "typ"},
		{"D4: another type", members{"typ": "text/dpop+jwt"}, "typ"},
		{"D4: application twice", members{"typ": "application/application/dpop+jwt"}, "typ"},
		{"D4: typ is no string", members{"typ": 1}, "form"},
		{"D5: none", members{"alg": "none"}, "alg"},
		{"D5, D28: HS256", members{"alg": "HS256"}, "alg"},
		{"D5: in lower case", members{"alg": "es256"}, "alg"},
		{"D5: no alg (D3)", members{"alg": nil}, "form"},
		{"D5: an algorithm of another key", members{"alg": "RS256"}, "jwk"},
		{"D5: an algorithm of another curve", members{"alg": "ES384"}, "jwk"},
		{"D5: an algorithm that jwk excludes", members{"jwk": jwk(members{"alg": "ES384"})}, "jwk"},
		{"D3: no jwk", members{"jwk": nil}, "jwk"},
		{"D3: jwk is null", members{"jwk": json.RawMessage("null")}, "jwk"},
		{"D3: jwk is a string", members{"jwk": "key"}, "jwk"},
		{"D3: an empty jwk", members{"jwk": members{}}, "jwk"},
		{"D7: a private key", members{"jwk": jwk(members{"d": "AAAA"})}, "jwk"},
		{"D7: a member of a private RSA key", members{"jwk": jwk(members{"dp": "AAAA"})}, "jwk"},
		{"D7: a symmetric key", members{"jwk": members{"kty": "oct", "k": "AAAA"}}, "jwk"},
		{"D7: a key to encrypt for", members{"jwk": jwk(members{"use": "enc"})}, "jwk"},
		{"D7: key_ops of WebCrypto", members{"jwk": jwk(members{"use": nil, "key_ops": []string{"verify"}, "ext": true})}, ""},
		{"a point off the curve", members{"jwk": jwk(members{"y": c.jwk["x"]})}, "jwk"},
		{"members of jwk twice", members{"jwk": json.RawMessage(`{"kty":"EC","kty":"EC"}`)}, "form"},
		{"crit", members{"crit": []string{"exp"}}, "form"},
		{"b64", members{"b64": false, "crit": []string{"b64"}}, "form"},
		{"zip", members{"zip": "DEF"}, "form"},
		{"D13: another key", members{"jwk": other.jwk}, "jkt"},
		{"a kid and a jku, which are ignored", members{"kid": "k", "jku": "https://evil.example"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proof := c.sign(t, c.header(tt.changes).json(t), payload(nil).json(t))
			wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), tt.check)
		})
	}
	t.Run("a member twice", func(t *testing.T) {
		header := c.header(nil).json(t)
		proof := c.sign(t, append(header[:len(header)-1], `,"typ":"dpop+jwt"}`...), payload(nil).json(t))
		wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "form")
	})
}

// D6.
func TestSignature(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	other := newClient(t, "ES256")
	good := c.proof(t, nil)
	first, last := strings.IndexByte(good, '.'), strings.LastIndexByte(good, '.')
	tests := map[string]string{
		"of another proof":           good[:last] + c.proof(t, nil)[last:],
		"over another payload":       c.proof(t, nil)[:first] + good[first:last] + c.proof(t, nil)[last:],
		"of another's key":           other.sign(t, c.header(nil).json(t), payload(nil).json(t)),
		"cut":                        good[:len(good)-8],
		"zero":                       good[:last+1] + strings.Repeat("A", 86),
		"HMAC with the public key":   good[:last+1] + hash("HMAC"),
		"over a header of no spaces": good[:last+1] + good[last+2:] + "A",
	}
	for name, proof := range tests {
		t.Run(name, func(t *testing.T) {
			code, check := refusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt))
			if code != bearer.CodeInvalidDPoPProof || check != "signature" && check != "form" {
				t.Errorf("refused by %q %q", code, check)
			}
		})
	}
	wantRefusal(t, checkAndUse(checker, orders(t, good), token, c.jkt), "")
}

// D13, D15, D16; RFC 9449, Figure 16: the proof is valid, but the token is
// bound to another key or to none.
func TestKeyMustBeTheTokens(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	for _, jkt := range []string{"", newClient(t, "ES256").jkt, c.jkt[:42], c.jkt + "A", strings.ToLower(c.jkt)} {
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, jkt), "jkt")
	}
}

// D14; RFC 9449, Section 6.1.
func TestThumbprint(t *testing.T) {
	key, err := jose.ParseProofKey([]byte(rfcKey))
	if err != nil {
		t.Fatal(err)
	}
	got, err := dpop.Thumbprint(key.Public())
	if want := "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"; err != nil || got != want {
		t.Errorf("Thumbprint() = %q, %v, want %q", got, err, want)
	}
	if _, err := dpop.Thumbprint("key"); err == nil {
		t.Error("Thumbprint of a string")
	}
}

// D3, D8, D12; RFC 9449, Section 4.3, checks 3, 8 and 12.
func TestClaims(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	tests := []struct {
		name    string
		changes members
		check   string
	}{
		{"good", nil, ""},
		{"unknown claims", members{"exp": 1, "iss": "me", "nonce": "unasked"}, ""},
		{"D3: no jti", members{"jti": nil}, "jti"},
		{"D3: an empty jti", members{"jti": ""}, "jti"},
		{"D3: jti is a number", members{"jti": 1}, "jti"},
		{"D22: jti of 512 bytes", members{"jti": strings.Repeat("j", 512)}, ""},
		{"D22: jti of 513 bytes", members{"jti": strings.Repeat("j", 513)}, "jti"},
		{"D3: no htm", members{"htm": nil}, "htm"},
		{"D8: another method", members{"htm": "POST"}, "htm"},
		{"D8: in lower case", members{"htm": "get"}, "htm"},
		{"D8: a space behind", members{"htm": "GET "}, "htm"},
		{"D8: a list", members{"htm": []string{"GET"}}, "htm"},
		{"D3: no htu", members{"htu": nil}, "htu"},
		{"D9: a list", members{"htu": []string{origin + "/orders"}}, "htu"},
		{"D3: no iat", members{"iat": nil}, "iat"},
		{"D3: iat is a string", members{"iat": fmt.Sprint(time.Now().Unix())}, "iat"},
		{"D3: iat is null", members{"iat": json.RawMessage("null")}, "iat"},
		{"D11: iat is negative", members{"iat": -1}, "iat"},
		{"D11: iat is beyond all time", members{"iat": json.RawMessage("1e400")}, "iat"},
		{"D11: iat in milliseconds", members{"iat": time.Now().UnixMilli()}, "iat"},
		{"D11: iat with a fraction", members{"iat": json.RawMessage(fmt.Sprintf("%d.25", time.Now().Unix()-1))}, ""},
		{"D3, D12: no ath", members{"ath": nil}, "ath"},
		{"D12: of another token", members{"ath": hash("another")}, "ath"},
		{"D12: padded", members{"ath": hash(token) + "="}, "ath"},
		{"D12: the token itself", members{"ath": token}, "ath"},
		{"D12: in lower case", members{"ath": strings.ToLower(hash(token))}, "ath"},
		{"nonce is a number", members{"nonce": 1}, "nonce"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkAndUse(checker, orders(t, c.proof(t, tt.changes)), token, c.jkt)
			if tt.check == "nonce" { // of a wrong type: no nonce mends that
				if code, check := refusal(t, err); code != bearer.CodeInvalidDPoPProof || check != "nonce" {
					t.Errorf("refused by %q %q", code, check)
				}
				return
			}
			wantRefusal(t, err, tt.check)
		})
	}
	for name, raw := range map[string]string{
		"a claim twice": `{"jti":"a","jti":"b"}`,
		"no object":     `["jti"]`,
		"no JSON":       `jti`,
		"nested deeply": `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
		"data after it": `{} {}`,
		"invalid UTF-8": "{\"jti\":\"\xff\"}",
	} {
		t.Run(name, func(t *testing.T) {
			proof := c.sign(t, c.header(nil).json(t), []byte(raw))
			wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "claims")
		})
	}
}

// D8.
func TestMethods(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	for _, asked := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "get"} {
		for _, signed := range []string{"GET", "HEAD", "POST", "get"} {
			r := read(t, asked+" /orders", "DPoP: "+c.proofFor(t, signed, origin+"/orders"))
			check := "htm"
			if asked == signed {
				check = ""
			}
			wantRefusal(t, checkAndUse(checker, r, token, c.jkt), check)
		}
	}
	r := orders(t, c.proof(t, nil))
	r.Method = ""
	wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "")
	r = read(t, "GET /orders", "X-HTTP-Method-Override: DELETE", "DPoP: "+c.proofFor(t, "DELETE", origin+"/orders"))
	wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "htm")
}

// No error contains the token, the proof or the nonce.
func TestErrorsKeepSecrets(t *testing.T) {
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{Nonces: nonces})
	const secret = "s3cr3ts3cr3t"
	for _, changes := range []members{
		{"nonce": secret}, {"jti": secret + strings.Repeat("x", 600)}, {"ath": secret}, {"iat": secret},
		{"htu": origin + "/other?access_token=" + secret + "#" + secret}, {"htu": "https://" + secret + "@api.example.com/orders"},
	} {
		proof := c.proof(t, changes)
		err := checkAndUse(checker, orders(t, proof), token, c.jkt)
		if err == nil {
			t.Fatalf("%v is accepted", changes)
		}
		for _, hidden := range []string{secret, token, hash(token), nonces.Current(), proof, proof[strings.LastIndexByte(proof, '.')+1:]} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%v tells %q", err, hidden)
			}
		}
	}
}

// The checker also handles requests that were not read by a server.
func TestRequestsOfNoServer(t *testing.T) {
	c, checker := newClient(t, "ES256"), newChecker(t, dpop.Config{})
	r, err := http.NewRequest(http.MethodGet, "http://else.example/orders?a=b", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("DPoP", c.proof(t, nil))
	wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "")
	r = &http.Request{Header: http.Header{"Dpop": {c.proof(t, nil)}}}
	wantRefusal(t, checkAndUse(checker, r, token, c.jkt), "htu")
	wantRefusal(t, checkAndUse(checker, &http.Request{}, token, c.jkt), "DPoP")
}

// A cached header does not affect the other checks.
func TestHeaderThatIsKnown(t *testing.T) {
	c, other := newClient(t, "ES256"), newClient(t, "ES256")
	checker := newChecker(t, dpop.Config{})
	for range 2 {
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, c.jkt), "")
		wantRefusal(t, checkAndUse(checker, orders(t, other.sign(t, c.header(nil).json(t), payload(nil).json(t))), token, c.jkt), "signature")
		wantRefusal(t, checkAndUse(checker, orders(t, c.proof(t, nil)), token, other.jkt), "jkt")
		wantRefusal(t, checkAndUse(checker, orders(t, other.proof(t, nil)), token, c.jkt), "jkt")
		changed := c.sign(t, c.header(members{"typ": "JWT"}).json(t), payload(nil).json(t))
		wantRefusal(t, checkAndUse(checker, orders(t, changed), token, c.jkt), "typ")
		good := c.proof(t, nil)
		first, last := strings.IndexByte(good, '.'), strings.LastIndexByte(good, '.')
		for _, broken := range []string{good[:first], good[:first+1], good[:first] + "..", good[:last], good[:last+1], good + ".", good + "=", good[:first+1] + good[last:]} {
			wantRefusal(t, checkAndUse(checker, orders(t, broken), token, c.jkt), "form")
		}
		added := c.sign(t, c.header(members{"kid": "new"}).json(t), payload(nil).json(t))
		wantRefusal(t, checkAndUse(checker, orders(t, added), token, c.jkt), "")
	}
}
