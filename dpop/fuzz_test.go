package dpop_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
)

// Any DPoP header is rejected as a proof or for its key, and the error does not
// quote it. No input is accepted, because none is signed for the current time.
func FuzzCheckProof(f *testing.F) {
	c := newClient(f, "ES256")
	checker := newChecker(f, dpop.Config{Origin: "https://resource.example.org"})
	stale := c.proof(f, members{"iat": 1562262618})
	for _, seed := range []string{
		"", ".", "..", "a.b.c", rfcTokenProof, rfcResourceProof, rfcHeader + "..", stale, stale + "," + stale, stale[:len(stale)-1],
		c.sign(f, []byte(`{"typ":"dpop+jwt","alg":"none","jwk":{}}`), []byte(`{}`)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, proof string) {
		r := &http.Request{Method: "GET", RequestURI: "/protectedresource", Header: http.Header{"Dpop": {proof}}}
		for _, jkt := range []string{rfcJKT, c.jkt} {
			err := checkAndUse(checker, r, token, jkt)
			code, check := refusal(t, err)
			if code != bearer.CodeInvalidDPoPProof && (code != bearer.CodeInvalidToken || check != "jkt") {
				t.Fatalf("%q: %v", proof, err)
			}
			if at := strings.LastIndexByte(proof, '.'); at >= 0 && len(proof)-at > 16 && strings.Contains(err.Error(), proof[at+1:]) {
				t.Fatalf("%v tells the signature", err)
			}
		}
	})
}

// An accepted payload has all required claims, and encoding/json reads the same
// values.
func FuzzClaims(f *testing.F) {
	c := newClient(f, "EdDSA")
	header := c.header(nil).json(f)
	for _, changes := range []members{
		nil, {"jti": nil}, {"iat": 1e9}, {"iat": "1"}, {"htm": "get"}, {"htu": "HTTPS://API.example.com:443/%6frders?q"}, {"ath": 1}, {"x": []any{members{}}},
	} {
		f.Add(payload(changes).json(f))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		checker := newChecker(t, dpop.Config{Replays: newMemory(t, dpop.MemoryConfig{Capacity: 2, PerKey: 2})})
		proof := c.sign(t, header, payload)
		err := checkAndUse(checker, orders(t, proof), token, c.jkt)
		if code, _ := refusal(t, err); err != nil {
			if code != bearer.CodeInvalidDPoPProof {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		var p struct {
			ID     string  `json:"jti"`
			Method string  `json:"htm"`
			URI    string  `json:"htu"`
			Hash   string  `json:"ath"`
			Issued float64 `json:"iat"`
		}
		if err := json.Unmarshal(payload, &p); err != nil {
			t.Fatalf("%q is accepted: %v", payload, err)
		}
		age := time.Since(time.Unix(int64(p.Issued), 0))
		if p.ID == "" || p.Method != "GET" || !strings.Contains(strings.ToLower(p.URI), "://api.example.com") ||
			p.Hash != hash(token) || age > 62*time.Second || age < -6*time.Second {
			t.Fatalf("%q is accepted", payload)
		}
		wantRefusal(t, checkAndUse(checker, orders(t, proof), token, c.jkt), "replay")
	})
}
