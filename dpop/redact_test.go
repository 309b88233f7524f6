package dpop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

// Reports G8: fmt and JSON print the settings that are set, and of a secret only
// that it is set.
func TestPrintedSettings(t *testing.T) {
	const secret = "correct-horse-battery-staple-0123456789"
	c := newClient(t, "ES256")
	nonces := newNonces(t, dpop.NoncesConfig{Key: []byte(secret), Rotate: time.Minute})
	for _, tt := range []struct {
		value any
		text  string
		json  string
	}{
		{dpop.Config{}, `dpop.Config{}`, `{}`},
		{dpop.Config{Origin: "https://me:" + secret + "@a"}, `dpop.Config{Origin:"https://a"}`, `{"Origin":"https://a"}`},
		{dpop.Config{Algorithms: []string{"ES256"}, MaxAge: time.Minute, MaxAhead: time.Second},
			`dpop.Config{Algorithms:["ES256"] MaxAge:1m0s MaxAhead:1s}`, `{"Algorithms":["ES256"],"MaxAge":"1m0s","MaxAhead":"1s"}`},
		{dpop.Config{Path: func(*http.Request) string { return secret }}, `dpop.Config{Path:"[set]"}`, `{"Path":"[set]"}`},
		{dpop.Config{Replays: newMemory(t, dpop.MemoryConfig{})}, `dpop.Config{Replays:"[set]"}`, `{"Replays":"[set]"}`},
		{dpop.Config{Nonces: nonces}, `dpop.Config{Nonces:"[set]"}`, `{"Nonces":"[set]"}`},
		{dpop.Config{InsecureAllowHTTP: true}, `dpop.Config{InsecureAllowHTTP:true}`, `{"InsecureAllowHTTP":true}`},
		{dpop.ProofConfig{Method: "GET", URL: "https://a/b?" + secret}, `dpop.ProofConfig{Method:"GET" URL:"https://a/b"}`, `{"Method":"GET","URL":"https://a/b"}`},
		{dpop.ProofConfig{Key: c.signer, Algorithm: "ES256"}, `dpop.ProofConfig{Key:"[set]" Algorithm:"ES256"}`, `{"Key":"[set]","Algorithm":"ES256"}`},
		{dpop.ProofConfig{AccessToken: secret}, `dpop.ProofConfig{AccessToken:"[set]"}`, `{"AccessToken":"[set]"}`},
		{dpop.ProofConfig{Nonce: secret}, `dpop.ProofConfig{Nonce:"[set]"}`, `{"Nonce":"[set]"}`},
		{dpop.NoncesConfig{Rotate: time.Minute}, `dpop.NoncesConfig{Rotate:1m0s}`, `{"Rotate":"1m0s"}`},
		{dpop.NoncesConfig{Key: []byte(secret)}, `dpop.NoncesConfig{Key:"[set]"}`, `{"Key":"[set]"}`},
		{nonces, `dpop.Nonces{Rotate:1m0s}`, `{"Rotate":"1m0s"}`},
	} {
		encoded, err := json.Marshal(tt.value)
		if err != nil || string(encoded) != tt.json {
			t.Errorf("in JSON %s, %v; want %s", encoded, err, tt.json)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, tt.value); text != tt.text || strings.Contains(text, secret) {
				t.Errorf("by %s %s, want %s", verb, text, tt.text)
			}
		}
	}
}
