package bearertest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// naive is a middleware as people write it in an afternoon. It is here to fail: see
// TestConformanceOfNaiveMiddleware. It finds the key by kid, lets the header choose
// the algorithm, believes what is signed, and tells the caller what went wrong.
func naive(keySetURL, scope string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		parts := strings.Split(token, ".")
		if len(parts) < 3 {
			http.Error(w, `{"error":"malformed token: `+token+`"}`, http.StatusUnauthorized)
			return
		}
		var header struct{ Alg, Kid string }
		headerJSON, _ := base64.RawURLEncoding.DecodeString(parts[0])
		_ = json.Unmarshal(headerJSON, &header)
		signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
		if err := naiveVerify(keySetURL, header.Kid, header.Alg, parts[0]+"."+parts[1], signature); err != "" {
			http.Error(w, `{"error":"`+err+`"}`, http.StatusUnauthorized)
			return
		}
		var claims map[string]any
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &claims)
		if exp, ok := claims["exp"].(float64); ok && int64(exp) < time.Now().Unix() {
			http.Error(w, `{"error":"token expired"}`, http.StatusUnauthorized)
			return
		}
		if granted, _ := claims["scope"].(string); !strings.Contains(granted, scope) {
			http.Error(w, `{"error":"missing scope"}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func naiveVerify(keySetURL, kid, alg, signed string, signature []byte) string {
	response, err := http.Get(keySetURL)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Kid, Kty, Crv, N, E, X, Y string }
	}
	if err := json.NewDecoder(response.Body).Decode(&set); err != nil {
		return err.Error()
	}
	number := func(text string) *big.Int {
		raw, _ := base64.RawURLEncoding.DecodeString(text)
		return new(big.Int).SetBytes(raw)
	}
	digest := sha256.Sum256([]byte(signed))
	for _, k := range set.Keys {
		if k.Kid != kid {
			continue
		}
		valid := false
		switch alg {
		case "RS256":
			valid = rsa.VerifyPKCS1v15(&rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}, crypto.SHA256, digest[:], signature) == nil
		case "ES256":
			point := append(number(k.X).FillBytes(make([]byte, 32)), number(k.Y).FillBytes(make([]byte, 32))...)
			public, _ := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append([]byte{4}, point...))
			half := len(signature) / 2
			valid = ecdsa.Verify(public, digest[:], new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
		case "HS256": // the same code serves the services that share a secret
			mac := hmac.New(sha256.New, number(k.N).Bytes())
			mac.Write([]byte(signed))
			valid = hmac.Equal(mac.Sum(nil), signature)
		}
		if valid {
			return ""
		}
		return "invalid signature"
	}
	return "no key with kid " + kid
}
