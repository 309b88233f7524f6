package fuzz_test

import (
	"maps"
	"strings"
	"testing"
)

// choices are bytes that choose. After the last one, all choices are the first
// possibility, which is the harmless one.
type choices []byte

func (c *choices) of(n int) int {
	if len(*c) == 0 {
		return 0
	}
	b := (*c)[0]
	*c = (*c)[1:]
	return int(b) % n
}

func oneOf[T any](c *choices, list []T) T { return list[c.of(len(list))] }

// composer builds the requests of a connection from choices, and notes what it
// made that is good.
type composer struct {
	choices
	known *issued
}

// FuzzComposed is [FuzzRequest] with requests that are composed of parts: tokens
// with changed headers, claims, keys and signatures, proofs, certificates, schemes
// and fields. Most are wrong in one respect or in none, which random bytes seldom
// are.
func FuzzComposed(f *testing.F) {
	for i := range setups {
		f.Add(append([]byte{byte(i)}, make([]byte, 40)...))
	}
	for i := range byte(64) {
		f.Add([]byte{i, 1, 0, 0, 0, i, 2 * i, 3 * i, i / 2, i / 3, i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7})
		f.Add([]byte{i % 3, 0, i, 1, i, i})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c := composer{choices: b, known: &issued{maps.Clone(minted), maps.Clone(made)}}
		setup := c.of(len(setups))
		var input []byte
		for range 1 + c.of(2) {
			one := c.request(setups[setup])
			input = append(input, one...)
			if c.of(8) == 1 {
				input = append(input, one...)
			}
		}
		if len(input) <= maxInput {
			check(t, setup, input, c.known)
		}
	})
}

var (
	methods = []string{"GET", "GET", "POST", "HEAD", "get"}
	targets = []string{path, path, path + "?access_token=x", "/%6frders", "//orders", "/orders/", "http://evil.example.com/orders", "/orders%3F", "/orders;x"}
	schemes = []string{"Bearer ", "DPoP ", "bearer ", "BEARER   ", "dpop  ", "Basic ", "Bearer\t", "Bearer", "", "Bearer,", "Token "}
	extras  = []string{
		"Accept: application/problem+json", "X-Forwarded-Host: evil.example.com", "X-Forwarded-Proto: http", "Forwarded: for=192.0.2.2",
		"X-Http-Method-Override: PUT", "Content-Type: application/x-www-form-urlencoded", "Origin: https://evil.example.com", "Connection: close",
		"Cookie: access_token=" + reader, "Client_Cert: x", "X-Original-Uri: /public", "Www-Authenticate: Basic",
	}
)

// request builds one request.
func (c *composer) request(s setup) []byte {
	fields := []string{}
	token, bound := c.token(s)
	scheme := schemes[0]
	if bound {
		scheme = schemes[1]
	}
	if n := c.of(3 * len(schemes)); n > 0 && n < len(schemes) {
		scheme = schemes[n]
	}
	if c.of(16) != 15 {
		fields = append(fields, "Authorization: "+scheme+token)
	}
	method, target := oneOf(&c.choices, methods), oneOf(&c.choices, targets)
	if bound || c.of(8) == 1 {
		for range oneOf(&c.choices, []int{1, 1, 1, 1, 0, 2}) {
			fields = append(fields, "DPoP: "+c.proof(method, token))
		}
	}
	if c.of(4) == 1 {
		fields = append(fields, clientCert())
	}
	for range c.of(3) {
		fields = append(fields, oneOf(&c.choices, extras))
	}
	if c.of(24) == 1 {
		again, _ := c.token(s)
		fields = append(fields, "Authorization: "+scheme+again)
	}
	return request(method+" "+target, fields...)
}

// token returns a token, and whether a proof belongs to it.
func (c *composer) token(s setup) (string, bool) {
	var token string
	var bound bool
	switch form := c.of(4); {
	case form == 1 || form == 0 && !s.jwt:
		token = oneOf(&c.choices, []string{opaqueReader, opaqueBound, opaquePinned, opaqueWeak, opaqueDown, "opq_0", "x", "e", "eyJ", "=", "a=b", ""})
		bound = token == opaqueBound
	case form == 2:
		token = oneOf(&c.choices, []string{reader, boundToken, pinned, weak, edward})
		bound = token == boundToken
	default:
		token, bound = c.jwt()
	}
	return c.mangled(token), bound
}

// mangled returns a token that was changed after it was signed, or unchanged.
func (c *composer) mangled(token string) string {
	dot := strings.LastIndexByte(token, '.')
	switch how := c.of(40); {
	case token == "" || how == 0 || how > 14:
		return token
	case how == 1:
		return token[:len(token)-1]
	case how == 2: // other bits that the signature does not need
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		at := strings.IndexByte(alphabet, token[len(token)-1])
		return token[:len(token)-1] + string(alphabet[(at+1+c.of(3))%len(alphabet)])
	case how == 3:
		return token + strings.Repeat("=", 1+c.of(2))
	case how == 4:
		return token + "."
	case how == 5 && dot >= 0:
		return token[:dot+1]
	case how == 6 && dot >= 0:
		return token[:dot] + "." + reader[strings.LastIndexByte(reader, '.')+1:] // of another token
	case how == 7:
		return strings.ToUpper(token)
	case how == 8:
		return token + " " + token
	case how == 9:
		return strings.Replace(token, ".", "..", 1)
	case how == 10:
		at := c.of(len(token))
		return token[:at] + "A" + token[at+1:]
	case how == 11:
		return strings.NewReplacer("-", "+", "_", "/").Replace(token)
	case how == 12:
		return token + strings.Repeat("A", 17<<10)
	case how == 13:
		return `{"payload":"` + token + `"}`
	default:
		return "," + token
	}
}
