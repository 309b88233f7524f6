package fuzz_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
)

// edit changes one member of a header, a payload or a proof. Good says that the
// result is as good as before.
type edit struct {
	name  string
	value any
	good  bool
}

var null = json.RawMessage("null")

// deep is nested deeper than bearerkit reads.
var deep = json.RawMessage(strings.Repeat("[", 40) + strings.Repeat("]", 40))

var headerEdits = []edit{
	{"cty", "x", true}, {"jku", "https://evil.example.com/keys", true}, {"x5u", "https://evil.example.com/keys", true}, {"jwk", thief.jwk(), true},
	{"x5c", []string{"AA"}, true}, {"b64", false, true}, {"typ", "application/at+jwt", true}, {"typ", "AT+JWT", true}, {"kid", nil, true},
	{"x", members{"alg": "none"}, true}, {"ALG", "none", true},
	{"alg", "none", false}, {"alg", "HS256", false}, {"alg", "es256", false}, {"alg", nil, false}, {"alg", "ES384", false}, {"alg", "RS256", false},
	{"alg", "", false}, {"alg", null, false}, {"alg", []string{"ES256"}, false}, {"kid", "nobody", false}, {"kid", 1, false}, {"kid", null, false},
	{"kid", "../../dev/null", false}, {"kid", "", false}, {"kid", "\r\nX: y", false}, {"typ", "JWT", false}, {"typ", nil, false}, {"typ", "dpop+jwt", false},
	{"typ", "logout+jwt", false}, {"typ", null, false}, {"typ", "at", false}, {"crit", []string{"exp"}, false}, {"crit", []string{}, false}, {"crit", null, false},
	{"crit", []string{"b64"}, false}, {"zip", "DEF", false}, {"enc", "A128GCM", false}, {"x", deep, false},
}

var claimEdits = []edit{
	{"x", 1, true}, {"aud", []string{"https://other.example.com", apiURL}, true}, {"sub", "bob", true}, {"nbf", began.Unix() - 10, true},
	{"exp", json.RawMessage("946685000.5"), true}, {"exp", json.RawMessage("9.46685e8"), true}, {"iat", began.Unix() + 4, true}, {"acr", 7, true},
	{"auth_time", "noon", true}, {"amr", "pwd", true}, {"jti", "other", true}, {"AUD", "x", true}, {"x", json.RawMessage("1e400"), true},
	{"scope", " other  orders:read ", true}, {"scope", nil, true}, {"scope", "orders:readx", true}, {"scope", null, true}, {"scope", []string{"other"}, true},
	{"cnf", members{"jkt": clientJKT}, true}, {"cnf", members{"x5t#S256": sum(ownCert.Raw)}, true}, {"cnf", members{"jkt": clientJKT, "x": 1}, true},
	{"exp", began.Unix() - 3600, false}, {"exp", nil, false}, {"exp", "946688400", false}, {"exp", null, false}, {"exp", json.RawMessage("1e400"), false},
	{"exp", -1, false}, {"nbf", began.Unix() + 600, false}, {"nbf", "0", false}, {"iat", began.Unix() + 600, false}, {"iat", "x", false}, {"iat", nil, false},
	{"aud", "https://other.example.com", false}, {"aud", []string{}, false}, {"aud", nil, false}, {"aud", 7, false}, {"aud", []any{apiURL, 7}, false},
	{"aud", apiURL + "/", false}, {"aud", null, false}, {"iss", issuerURL + "/", false}, {"iss", []string{issuerURL}, false}, {"iss", nil, false},
	{"iss", null, false}, {"iss", "https://ISSUER.example.com", false}, {"iss", "https://evil.example.com", false}, {"sub", nil, false}, {"client_id", nil, false},
	{"jti", nil, false}, {"cnf", members{}, false}, {"cnf", null, false}, {"cnf", members{"jwk": client.jwk()}, false}, {"cnf", "x", false},
	{"cnf", members{"jkt": 7}, false}, {"x", deep, false},
}

var proofEdits = []edit{
	{"x", 1, true}, {"htu", "HTTPS://api.example.com:443/orders?x#y", true}, {"htu", apiURL + "/%6frders", true}, {"iat", began.Unix() - 50, true},
	{"iat", began.Unix() + 4, true}, {"nonce", "x", true}, {"exp", 1, true},
	{"htm", "PUT", false}, {"htm", nil, false}, {"htm", "gET", false}, {"htu", apiURL, false}, {"htu", nil, false}, {"htu", "http://api.example.com/orders", false},
	{"htu", "https://evil.example.com/orders", false}, {"htu", "/orders", false}, {"iat", began.Unix() - 90, false}, {"iat", began.Unix() + 90, false},
	{"iat", nil, false}, {"iat", "946684800", false}, {"ath", "x", false}, {"ath", nil, false}, {"jti", nil, false}, {"jti", "", false}, {"jti", 1, false},
}

var proofHeaderEdits = []edit{
	{"x", 1, true}, {"kid", "x", true}, {"typ", "application/dpop+jwt", true},
	{"typ", "JWT", false}, {"typ", nil, false}, {"alg", "none", false}, {"alg", "HS256", false}, {"jwk", nil, false}, {"jwk", thief.jwk(), false},
	{"jwk", members{"kty": "oct", "k": "AA"}, false}, {"crit", []string{"x"}, false}, {"jwk", null, false},
}

// edited applies up to two edits to m, and reports whether the result is good.
func (c *composer) edited(m members, edits []edit) (members, bool) {
	bad := map[string]bool{}
	for range oneOf(&c.choices, []int{0, 1, 0, 1, 2}) {
		e := oneOf(&c.choices, edits)
		m = m.with(members{e.name: e.value})
		bad[e.name] = !e.good
	}
	for _, b := range bad {
		if b {
			return m, false
		}
	}
	return m, true
}

// text returns the JSON of m, perhaps changed in a way that a map cannot be.
func (c *composer) text(m members) ([]byte, bool) {
	text := string(m.json())
	switch c.of(48) {
	case 1:
		return []byte(" \t\r\n" + text + "\n"), true
	case 2: // the names of all members with an escape
		return []byte(strings.NewReplacer(`{"a`, `{"\u0061`, `,"a`, `,"\u0061`).Replace(text)), true
	case 3:
		return []byte(strings.TrimSuffix(text, "}") + `,"a":1,"a":2}`), false
	case 4:
		return []byte(strings.TrimSuffix(text, "}") + `,"exp":1,"\u0065xp":2}`), false
	case 5:
		return []byte(text + "{}"), false
	case 6:
		return []byte("\xef\xbb\xbf" + text), false
	case 7:
		return []byte(strings.TrimSuffix(text, "}") + ",\"y\":\"\xff\"}"), false
	case 8:
		return []byte(strings.TrimSuffix(text, "}") + `,"y":"\ud800"}`), false
	case 9:
		return []byte(text[:len(text)-1]), false
	case 10:
		return []byte("[" + text + "]"), false
	}
	return []byte(text), true
}

// jwt returns a JWT, and whether it is bound to the client's key.
func (c *composer) jwt() (string, bool) {
	by := oneOf(&c.choices, []signer{issuerEC, issuerEC, issuerEd, issuerEC, forger, thief, client})
	claims, good := c.edited(oneOf(&c.choices, []members{goodClaims, boundClaims, certClaims, weakClaims, boundClaims, certClaims}), claimEdits)
	header, goodParams := c.edited(goodHeader.with(members{"alg": string(by.alg), "kid": by.kid}), headerEdits)
	headerText, goodText := c.text(header)
	payloadText, goodPayload := c.text(claims)
	token := by.sign(headerText, payloadText)
	good = good && goodParams && goodText && goodPayload && (by.kid == "ec" && by != forger || by.kid == "ed")
	input := token[:strings.LastIndexByte(token, '.')]
	switch c.of(32) {
	case 1: // the public key as a secret
		mac := hmac.New(sha256.New, by.jwk())
		mac.Write([]byte(input))
		token, good = input+"."+encode(mac.Sum(nil)), false
	case 2:
		token, good = input+"."+encode(make([]byte, 64)), false
	case 3:
		if by.alg == "ES256" {
			token = twin(input, by.signature(input))
		}
	}
	found := credentialOf(claims)
	if good {
		c.known.tokens[token] = found
	}
	return token, found.jkt != ""
}

// credentialOf returns what good claims grant.
func credentialOf(claims members) credential {
	text, _ := claims["scope"].(string)
	found := credential{scope: slices.Contains(strings.Fields(text), "orders:read")}
	cnf, _ := claims["cnf"].(members)
	found.jkt, _ = cnf["jkt"].(string)
	found.cert, _ = cnf["x5t#S256"].(string)
	return found
}

// proof returns a proof for a token.
func (c *composer) proof(method, token string) string {
	if c.of(8) == 1 {
		return oneOf(&c.choices, []string{boundProof, opaqueProof, "x", "..", boundProof + ", " + boundProof, boundProof + "A"})
	}
	by := oneOf(&c.choices, []signer{client, client, client, thief})
	htm := members{"htm": method, "ath": sum([]byte(token)), "jti": oneOf(&c.choices, []string{"a", "b"})}
	claims, good := c.edited(proofClaims.with(htm), proofEdits)
	own := members{"jwk": by.jwk()}
	header, goodParams := c.edited(proofHeader.with(own), proofHeaderEdits)
	headerText, goodText := c.text(header)
	payloadText, goodPayload := c.text(claims)
	made := by.sign(headerText, payloadText)
	if good && goodParams && goodText && goodPayload {
		jkt := clientJKT
		if by == thief {
			jkt = "of the thief"
		}
		c.known.proofs[made] = proof{method, token, jkt}
	}
	return made
}
