package interop_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

func TestDPoPClientAccepted(t *testing.T) {
	o := sharedNodeOP(t)
	a := newBoundAPI(t, boundConfig{issuer: o.issuer})
	c := sharedDPoPClient(t)
	for _, alg := range []string{"ES256", "ES384", "RS256", "PS256", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			token := c.token(t, o, a, alg, "orders:read")
			for _, method := range []string{"GET", "POST", "DELETE"} {
				sent, got := c.accepts(t, a, clientRequest{Method: method, URL: a.url + "/orders", Token: token, Key: alg})
				if got.Issuer != o.issuer || got.ClientID != "machine" || got.TokenType != "DPoP" || got.Scopes != "orders:read" {
					t.Errorf("principal %+v", got)
				}
				t.Logf("%v %v", headerOf(sent.Proof), claimsOf(sent.Proof))
				if sent.Nonce != "" {
					t.Errorf("DPoP-Nonce %q; want none, because the API requires none", sent.Nonce)
				}
			}
		})
	}
	t.Run("a token that is not bound, as Bearer", func(t *testing.T) {
		_, got := c.accepts(t, a, clientRequest{URL: a.url + "/orders", Token: c.token(t, o, a, "", "orders:read")})
		if got.TokenType != "Bearer" {
			t.Errorf("TokenType %q", got.TokenType)
		}
	})
}

func TestDPoPClientURLs(t *testing.T) {
	o := sharedNodeOP(t)
	a := newBoundAPI(t, boundConfig{issuer: o.issuer})
	c := sharedDPoPClient(t)
	token := c.token(t, o, a, "ES256", "")
	for _, path := range []string{
		"/me?limit=10&after=a%20b%2Fc&next=https://example.com/?q=1",
		"/me?a=1#fragment",
		"/files/",
		"/files/a%20b",
		"/files/a%2Fb",
		"/files/a%2fb%3fc%23d",
		"/files/%7Ealice/%41",
		"/files/~alice/a-b_c.d",
		"/files/b\u00fccher/\u65e5\u672c",
		"/files/a;v=1/b:c@d,e+f=g&h'(i)*!$",
		"/files/a|b^c[d]{e}",
		"/files/%25%5C%00",
		"/files//twice///thrice/",
		"/files/a/../b/./c",
		"/files/a/%2E%2E/b/.%2e/c",
		"/files/...",
		`/files/back\slash`,
	} {
		t.Run(path, func(t *testing.T) {
			sent, got := c.accepts(t, a, clientRequest{URL: a.url + path, Token: token, Key: "ES256"})
			url, _, _ := strings.Cut(sent.URL, "#")
			if want := strings.TrimPrefix(url, a.server.URL); got.Path != want {
				t.Errorf("the API saw the path %q; want %q", got.Path, want)
			}
			t.Logf("%s %v", got.Path, claimsOf(sent.Proof)["htu"])
		})
	}
	t.Run("another name of the host", func(t *testing.T) {
		elsewhere := strings.Replace(a.url, "127.0.0.1", "localhost", 1) + "/me"
		c.refuses(t, a, clientRequest{URL: elsewhere, Token: token, Key: "ES256"}, http.StatusUnauthorized, "htu",
			a.challenge("bearer"), a.failed("dpop", "invalid_dpop_proof"))
	})
}

func TestDPoPClientNonces(t *testing.T) {
	const rotate = time.Second
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{Rotate: rotate})
	if err != nil {
		t.Fatal(err)
	}
	o := sharedNodeOP(t)
	a := newBoundAPI(t, boundConfig{issuer: o.issuer, nonces: nonces})
	c := sharedDPoPClient(t)
	r := clientRequest{URL: a.url + "/orders?limit=1", Token: c.token(t, o, a, "ES256", "orders:read"), Key: "ES256"}
	nonceOf := func(e exchange) string { s, _ := claimsOf(e.Proof)["nonce"].(string); return s }

	// asked makes the client send a request whose first proof lacks a nonce.
	asked := func(t *testing.T) (given string) {
		t.Helper()
		got := c.request(t, r)
		if len(got) != 2 || got[0].Status != http.StatusUnauthorized || got[1].Status != http.StatusOK {
			t.Fatalf("%+v; want 401 and then 200", got)
		}
		want := []challenge{
			a.challenge("bearer", "scope", "orders:read"),
			a.failed("dpop", "use_dpop_nonce", "scope", "orders:read"),
		}
		if !reflect.DeepEqual(got[0].Challenges, want) {
			t.Errorf("%+v; want %+v", got[0].Challenges, want)
		}
		if got[0].Nonce == "" || nonceOf(got[1]) != got[0].Nonce {
			t.Errorf("given the nonce %q, used %q", got[0].Nonce, nonceOf(got[1]))
		}
		return got[1].Nonce
	}

	given := asked(t)
	used, last := map[string]bool{}, time.Now()
	for sent := 0; len(used) < 3; sent++ {
		if sent == 200 {
			t.Fatalf("%d nonces in %d requests; want 3", len(used), sent)
		}
		<-time.After(rotate / 10)
		got := c.request(t, r)
		now := time.Now()
		late := now.Sub(last) >= rotate // on a slow machine the nonce may have expired
		last = now
		if final := got[len(got)-1]; final.Status != http.StatusOK || len(got) > 1 && !late {
			t.Fatalf("%+v; want 200 at once", got)
		}
		if nonce := nonceOf(got[0]); nonce != given {
			t.Fatalf("the proof has the nonce %q; want %q from the previous answer", nonce, given)
		}
		used[given] = true
		given = got[len(got)-1].Nonce
	}

	t.Run("after a pause", func(t *testing.T) {
		<-time.After(2*rotate + rotate/10)
		asked(t)
	})
}

func TestDPoPClientRefused(t *testing.T) {
	o := sharedNodeOP(t)
	a := newBoundAPI(t, boundConfig{issuer: o.issuer})
	strict := newBoundAPI(t, boundConfig{issuer: o.issuer, proofsRequired: true})
	c := sharedDPoPClient(t)
	const key, another = "ES256", "ES256 another"
	bound := c.token(t, o, a, key, "orders:write orders:readall")
	free := c.token(t, o, a, "", "orders:read")
	strictBound := c.token(t, o, strict, key, "orders:read")
	strictFree := c.token(t, o, strict, "", "orders:read")
	stranger := strangerNodeOP(t)
	const unauthorized, forbidden = http.StatusUnauthorized, http.StatusForbidden
	tests := []struct {
		name       string
		api        *boundAPI
		path       string
		token, key string
		status     int
		check      string
		want       []challenge
	}{
		{"a bound token as Bearer", a, "/orders", bound, "", unauthorized, "cnf", []challenge{
			a.failed("bearer", "invalid_token", "scope", "orders:read"), a.challenge("dpop", "scope", "orders:read"),
		}},
		{"a token that is not bound, under DPoP", a, "/me", free, key, unauthorized, "cnf", []challenge{
			a.challenge("bearer"), a.failed("dpop", "invalid_token"),
		}},
		{"a proof of another key", a, "/me", bound, another, unauthorized, "jkt", []challenge{
			a.challenge("bearer"), a.failed("dpop", "invalid_token"),
		}},
		{"a token of another issuer", a, "/me", c.token(t, stranger, a, key, ""), key, unauthorized, "iss", []challenge{
			a.challenge("bearer"), a.failed("dpop", "invalid_token"),
		}},
		{"a token for another resource", a, "/me", strictBound, key, unauthorized, "aud", []challenge{
			a.challenge("bearer"), a.failed("dpop", "invalid_token"),
		}},
		{"too little scope, DPoP", a, "/orders", bound, key, forbidden, "scope", []challenge{
			a.failed("dpop", "insufficient_scope", "scope", "orders:read"),
		}},
		{"too little scope, Bearer", a, "/orders", c.token(t, o, a, "", "orders:write"), "", forbidden, "scope", []challenge{
			a.failed("bearer", "insufficient_scope", "scope", "orders:read"),
		}},
		{"proofs required, a bound token as Bearer", strict, "/me", strictBound, "", unauthorized, "scheme", []challenge{
			strict.failed("dpop", "invalid_token"),
		}},
		{"proofs required, a token that is not bound", strict, "/me", strictFree, "", unauthorized, "scheme", []challenge{
			strict.failed("dpop", "invalid_token"),
		}},
		{"an unsupported algorithm", a, "/me", c.token(t, o, a, "ES512", ""), "ES512", unauthorized, "alg", []challenge{
			a.challenge("bearer"), a.failed("dpop", "invalid_dpop_proof"),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.refuses(t, tt.api, clientRequest{URL: tt.api.url + tt.path, Token: tt.token, Key: tt.key}, tt.status, tt.check, tt.want...)
		})
	}
	c.accepts(t, strict, clientRequest{URL: strict.url + "/orders", Token: strictBound, Key: key})
}
