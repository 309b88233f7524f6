package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"time"
)

const neededScope = "orders:read"

// claims returns the claims of an access token as in RFC 9068, of the size that
// issuers produce: 15 claims and 8 scopes. They differ by n.
func (i *issuer) claims(n int) map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss":       i.url,
		"sub":       fmt.Sprintf("auth0|64f1c2d3e4a5b6c7d8%06x", n),
		"aud":       []string{audience},
		"client_id": "3f0c7a52-5b1e-4f0e",
		"iat":       now,
		"nbf":       now,
		"exp":       now + 3600,
		"jti":       fmt.Sprintf("b1d0c7a525b1%06x", n),
		"scope":     "openid profile email orders:read orders:write reports:read users:read cart",
		"auth_time": now,
		"acr":       "mfa",
		"amr":       []string{"pwd", "otp"},
		"sid":       "9c1e4b60",
		"roles":     []string{"buyer"},
		"tenant":    "acme",
	}
}

// mint returns a token signed with the newest key of an algorithm. The claims in
// over replace those of the token. A nil claim is removed.
func (i *issuer) mint(algorithm string, n int, over map[string]any) (string, error) {
	k := i.key(algorithm)
	if k == nil {
		return "", fmt.Errorf("the issuer has no key for %s", algorithm)
	}
	return i.mintWith(k, n, over, nil)
}

// mintWith signs with a key, published or not. The members in header replace those
// of the token. An empty member is removed.
func (i *issuer) mintWith(k *key, n int, over map[string]any, header map[string]string) (string, error) {
	claims := i.claims(n)
	for name, value := range over {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	members := map[string]string{"alg": k.algorithm, "typ": "at+jwt", "kid": k.id}
	for name, value := range header {
		if members[name] = value; value == "" {
			delete(members, name)
		}
	}
	return k.sign(members, payload)
}

// mintMany signs n distinct tokens on all cores, because an RSA signature takes a
// millisecond.
func (i *issuer) mintMany(algorithm string, n int) ([]string, error) {
	tokens := make([]string, n)
	workers := runtime.GOMAXPROCS(0)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for at := worker; at < n && errs[worker] == nil; at += workers {
				tokens[at], errs[worker] = i.mint(algorithm, at+1, nil)
			}
		})
	}
	wg.Wait()
	return tokens, errors.Join(errs...)
}

// forge corrupts the signature of a token without changing its encoding or length.
func forge(token string) string {
	end := strings.LastIndexByte(token, '.') + 1
	signature, err := base64.RawURLEncoding.DecodeString(token[end:])
	if err != nil {
		panic(err) // impossible for our own token
	}
	signature[20] ^= 1
	return token[:end] + base64.RawURLEncoding.EncodeToString(signature)
}

// garbage has the length of a token but is not one.
var garbage = strings.Repeat("garbage", 135)

// request returns a request for the protected route, with a token unless it is
// empty.
func request(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/orders", nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func requests(tokens []string) []*http.Request {
	made := make([]*http.Request, len(tokens))
	for at, token := range tokens {
		made[at] = request(token)
	}
	return made
}
