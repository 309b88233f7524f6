package jwks_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// publishBeside makes the issuer publish n foreign keys in front of its own.
func publishBeside(t *testing.T, issuer *bearertest.Issuer, n int, kid func(i int) string) {
	t.Helper()
	var foreign strings.Builder
	for i := range n {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		jwk, err := jose.MarshalKey(private.Public(), kid(i), jose.ES256)
		if err != nil {
			t.Fatal(err)
		}
		foreign.Write(append(jwk, ','))
	}
	own := strings.TrimPrefix(string(issuer.KeySet()), `{"keys":[`)
	issuer.SetFault(bearertest.JWKS, bearertest.Fault{Body: []byte(`{"keys":[` + foreign.String() + own)})
}

func numbered(i int) string { return fmt.Sprint("foreign-", i) }

// Reports V15: a set of 1,000 keys.
func TestThousandKeys(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	publishBeside(t, issuer, 1000, numbered)
	v := trusting(t, issuer, nil)
	for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
		if _, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Algorithm: algorithm})); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
	if n := v.Stats().Issuers[0].Keys; n != 1005 {
		t.Errorf("%d keys; want 1005", n)
	}
}

// Reports V14: a token without kid is tried with the ninth key too, and with
// all keys up to the limit. Beyond the limit, the log names the cause and the
// limit.
func TestTokenWithoutKidAndManyKeys(t *testing.T) {
	for _, tt := range []struct {
		foreign  int
		kid      any // in the token's header; nil: none
		kids     func(int) string
		accepted bool
		log      string
	}{
		{8, nil, numbered, true, ""},
		{31, nil, numbered, true, ""},
		{32, nil, numbered, false, "a signature by one of the issuer's 33 keys for ES256, since the token has no kid; " +
			"only the first 32 were tried, so the issuer must name its key by a unique kid"},
		{40, "shared", func(int) string { return "shared" }, false, "one of the issuer's 40 keys for ES256, which share the token's kid; only the first 32 were tried"},
	} {
		t.Run(fmt.Sprint(tt.foreign, " beside, kid ", tt.kid), func(t *testing.T) {
			issuer := newIssuer(t, bearertest.IssuerConfig{})
			publishBeside(t, issuer, tt.foreign, tt.kids)
			var log bytes.Buffer
			guard, err := bearer.New(bearer.Config{
				Verifiers: []bearer.Verifier{trusting(t, issuer, nil)}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			route := guard.MustRoute(bearer.RouteConfig{Rule: scope.All("orders:read")})
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { route.Admit(w, r) })
			token := issuer.Mint(bearertest.Token{Algorithm: "ES256", Scope: "orders:read", Header: map[string]any{"kid": tt.kid}})
			w := get(h, token)
			if (w.Code == http.StatusOK) != tt.accepted || !tt.accepted && w.Code != http.StatusUnauthorized {
				t.Errorf("status %d", w.Code)
			}
			if got := log.String(); tt.accepted != (got == "") || !strings.Contains(got, "check=signature") && !tt.accepted {
				t.Errorf("the log: %s", got)
			}
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("%q is not in the log: %s", tt.log, log.String())
			}
			if strings.Contains(w.Body.String(), "kid") {
				t.Errorf("the answer mentions keys: %s", w.Body)
			}
		})
	}
}

// Reports V14: with RequireKeyID, a token without kid costs no signature check.
func TestRequireKeyID(t *testing.T) {
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	v := trusting(t, issuer, func(i *jwks.Issuer) { i.RequireKeyID = true })
	accepts(t, v, issuer.Mint(bearertest.Token{}), "a token with kid")
	before := v.Stats().Signatures
	_, err := v.Verify(t.Context(), issuer.Mint(bearertest.Token{Header: map[string]any{"kid": nil}}))
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok || e.Code != bearer.CodeInvalidToken || e.Check != "kid" || e.Got != "none" || !strings.Contains(e.Expected, "Issuer.RequireKeyID") {
		t.Errorf("a token without kid: %v", err)
	}
	if n := v.Stats().Signatures - before; n != 0 {
		t.Errorf("%d signature checks; want none", n)
	}
}
