package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// Every contender does its work: it accepts good tokens of every algorithm and
// refuses bad ones.
func TestContenders(t *testing.T) {
	i, err := newIssuer(false, algorithms...)
	if err != nil {
		t.Fatal(err)
	}
	defer i.stop()
	mint := func(algorithm string, over map[string]any) string {
		token, err := i.mint(algorithm, 1, over)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	type test struct {
		name, token string
		good        bool
	}
	var tests []test
	for _, algorithm := range algorithms {
		good := mint(algorithm, nil)
		tests = append(tests, test{algorithm, good, true}, test{algorithm + " forged", forge(good), false})
	}
	stranger, err := (&issuer{}).addKey("ES256")
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := i.mintWith(&key{id: "unknown", algorithm: "ES256", private: stranger.private}, 1, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests = append(tests,
		test{"expired", mint("RS256", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), false},
		test{"no exp", mint("RS256", map[string]any{"exp": nil}), false},
		test{"another issuer", mint("RS256", map[string]any{"iss": "https://other.example.com"}), false},
		test{"another audience", mint("RS256", map[string]any{"aud": []string{"https://other.example.com"}}), false},
		test{"a scope is missing", mint("RS256", map[string]any{"scope": "openid orders:write"}), false},
		test{"an unknown key", unknown, false},
		test{"garbage", garbage, false},
		test{"none", "", false},
	)
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			handler, closer, err := c.open(i.setup())
			if err != nil {
				t.Fatal(err)
			}
			defer closer()
			for _, tt := range tests {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, request(tt.token))
				if good := w.Code == http.StatusNoContent; good != tt.good || w.Code >= 500 {
					t.Errorf("%s: status %d", tt.name, w.Code)
				}
			}
		})
	}
}

// The tokens have the size that the tables state.
func TestTokenSize(t *testing.T) {
	i, err := newIssuer(false, algorithms...)
	if err != nil {
		t.Fatal(err)
	}
	defer i.stop()
	for _, algorithm := range algorithms {
		token, err := i.mint(algorithm, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes, %d claims", algorithm, len(token), len(i.claims(1)))
		if len(token) < 690 || len(token) > 960 {
			t.Errorf("%s: %d bytes", algorithm, len(token))
		}
	}
}
