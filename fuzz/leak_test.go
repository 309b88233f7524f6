package fuzz_test

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
)

// leakLength is how many characters of a token or a proof must not follow each
// other in an answer or in the log.
const leakLength = 12

// leak returns the characters of a credential that are in the answer or in the
// log of an exchange. Common are texts that are there whatever the token is.
func (x *exchange) leak(common string) string {
	public := string(x.output) + x.logged.String()
	logged := map[string]bool{}
	for i := 0; i+leakLength <= len(public); i++ {
		logged[public[i:i+leakLength]] = true
	}
	for _, request := range x.requests {
		for _, line := range append(request.header["Authorization"], request.header["Dpop"]...) {
			_, token, ok := strings.Cut(line, " ")
			if !ok {
				token = line
			}
			secret, said := secrets(token)
			// What the client wrote somewhere else, or what a parameter or a claim
			// says, is not the token.
			said += common + request.method + request.path
			for i := 0; i+leakLength <= len(secret); i++ {
				if part := secret[i : i+leakLength]; logged[part] && !strings.Contains(said, part) {
					return "the token's characters " + part + " are public"
				}
			}
		}
	}
	return ""
}

// secrets returns the part of a credential that is secret: the payload and the
// signature of a JWS, or all of another token. It also returns what is written in
// the header and the payload.
func secrets(token string) (secret, said string) {
	parts := strings.Split(token, ".")
	if len(parts) < 3 {
		return token, ""
	}
	for _, part := range parts[:2] {
		text, _ := base64.RawURLEncoding.DecodeString(part) // what comes before an error, too
		said += string(text) + "\n"
	}
	return strings.Join(parts[1:], "."), said
}

var vocabulary struct {
	once sync.Once
	text string
}

// vocabularyOf returns the texts of answers and of logs.
func vocabularyOf(t *testing.T) string {
	vocabulary.once.Do(func() {
		for _, list := range apis {
			for _, authorization := range []string{"", "Bearer x", "Bearer x, y", "Basic x", "DPoP x", "Bearer a.b.c", "Bearer e30.e30.e30"} {
				x := list[0].serveConn(t, []byte("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: "+authorization+"\r\n\r\n"))
				vocabulary.text += string(x.output) + x.logged.String()
			}
		}
	})
	return vocabulary.text
}
