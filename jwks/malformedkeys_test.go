package jwks_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
)

// Reports L4, L1: a key whose numbers begin with a zero octet, as Java writes
// them, and with empty and null members, verifies the issuer's tokens. The log
// says it once, even if the keys are fetched again.
func TestMalformedKeysAreUsed(t *testing.T) {
	var log strings.Builder
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		defer issuer.Client().CloseIdleConnections()
		good := bearertest.Token{Algorithm: "RS256"}
		issuer.Mint(good) // makes the key
		var set struct {
			Keys []map[string]any `json:"keys"`
		}
		if err := json.Unmarshal(issuer.KeySet(), &set); err != nil || len(set.Keys) == 0 {
			t.Fatal(err)
		}
		kid := ""
		for _, key := range set.Keys {
			if key["kty"] != "RSA" {
				continue
			}
			n, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(key["n"]))
			if err != nil {
				t.Fatal(err)
			}
			key["n"], key["e"] = base64.RawURLEncoding.EncodeToString(append([]byte{0}, n...)), "AAEAAQ"
			for _, name := range []string{"alg", "use", "x5c", "x5t", "d"} {
				key[name] = nil
			}
			key["key_ops"] = []string{}
			kid = fmt.Sprint(key["kid"])
		}
		document, err := json.Marshal(set)
		if err != nil || !bytes.Contains(document, []byte(`"alg":null`)) {
			t.Fatalf("%s, %v", document, err)
		}
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: document})
		v, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client(),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if _, err := v.Verify(t.Context(), issuer.Mint(good)); err != nil {
			t.Error(err)
		}
		_, _ = v.Verify(t.Context(), issuer.Mint(bearertest.Token{Algorithm: "RS256", Header: map[string]any{"kid": "unknown"}})) // fetches again
		if issuer.Requests(bearertest.JWKS) < 2 {
			t.Error("the keys are not fetched again")
		}
		line := `level=INFO msg="a key of the issuer is malformed and is used anyway" issuer=` + issuer.URL() + ` index=0 kid=` + kid +
			` found="n and e began with a zero octet (RFC 7518, Section 2), which was removed"`
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d lines %s in\n%s", n, line, log.String())
		}
	})
}
