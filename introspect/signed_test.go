package introspect_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// RFC 9701, Section 5: what is wrong with a signed answer. The error says it.
func TestFaultsOfSignedAnswers(t *testing.T) {
	const (
		signedType = "application/token-introspection+jwt"
		inner      = `"token_introspection":{"active":true,"aud":"` + audience + `"}`
		good       = `{"alg":"RS256","kid":"key-1","typ":"token-introspection+jwt"}`
	)
	now := func(ago time.Duration) int64 { return time.Now().Add(-ago).Unix() }
	payload := func(members string) string {
		return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":"api","iat":%d%s}`, now(0), members)
	}
	tests := []struct {
		name, mediaType, header string
		payload                 func() string
		want                    string // empty: accepted
	}{
		{"good", signedType, good, func() string { return payload("," + inner) }, ""},
		{"a media type with a parameter", signedType + "; charset=utf-8", good, func() string { return payload("," + inner) }, ""},
		{"another media type", "application/json", good, func() string { return payload("," + inner) }, "the answer is not signed"},
		{"no media type", "", good, func() string { return payload("," + inner) }, "the answer is not signed"},
		{"a malformed media type", signedType + "; charset", good, func() string { return payload("," + inner) }, "the answer is not signed"},
		{"no JWS", signedType, "", nil, "not a JWS"},
		{"a typ with the prefix application/", signedType, `{"alg":"RS256","kid":"key-1","typ":"application/token-introspection+jwt"}`, func() string { return payload("," + inner) }, ""},
		{"another typ", signedType, `{"alg":"RS256","kid":"key-1","typ":"JWT"}`, func() string { return payload("," + inner) }, "typ is not token-introspection+jwt"},
		{"another alg", signedType, `{"alg":"HS256","kid":"key-1","typ":"token-introspection+jwt"}`, func() string { return payload("," + inner) }, `alg is "HS256", want one of [`},
		{"an alg that is not the signature's", signedType, `{"alg":"RS512","kid":"key-1","typ":"token-introspection+jwt"}`, func() string { return payload("," + inner) }, "the signed answer's signature is invalid"},
		{"a payload that is not JSON", signedType, good, func() string { return "{" }, "invalid JSON"},
		{"iss of another issuer", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://other.example.com","aud":"api","iat":%d,%s}`, now(0), inner)
		}, "iss is not the issuer"},
		{"iss as a number", signedType, good, func() string { return fmt.Sprintf(`{"iss":7,"aud":"api","iat":%d,%s}`, now(0), inner) }, "iss is not the issuer"},
		{"aud of another API", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":["other"],"iat":%d,%s}`, now(0), inner)
		}, "aud is not Config.Signed.Audience"},
		{"aud as an array", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":["other","api"],"iat":%d,%s}`, now(0), inner)
		}, ""},
		{"aud as a number", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":7,"iat":%d,%s}`, now(0), inner)
		}, "aud is not Config.Signed.Audience"},
		{"no iat", signedType, good, func() string { return `{"iss":"https://issuer.example.com","aud":"api",` + inner + `}` }, "has no iat"},
		{"iat as a string", signedType, good, func() string { return `{"iss":"https://issuer.example.com","aud":"api","iat":"1",` + inner + `}` }, "iat: a JSON string instead of a number"},
		{"65 s old", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":"api","iat":%d,%s}`, now(65*time.Second), inner)
		}, ""},
		{"66 s old", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":"api","iat":%d,%s}`, now(66*time.Second), inner)
		}, "was issued 1m6s ago (iat), want at most 1m5s"},
		{"issued in the future", signedType, good, func() string {
			return fmt.Sprintf(`{"iss":"https://issuer.example.com","aud":"api","iat":%d,%s}`, now(-6*time.Second), inner)
		}, "the signed answer: "},
		{"expired", signedType, good, func() string { return payload(`,"exp":1,` + inner) }, "the signed answer: "},
		{"exp as a string", signedType, good, func() string { return payload(`,"exp":"1",` + inner) }, "exp: a JSON string instead of a number"},
		{"not yet valid", signedType, good, func() string { return payload(`,"nbf":9999999999,` + inner) }, "the signed answer: "},
		{"nbf as a string", signedType, good, func() string { return payload(`,"nbf":"1",` + inner) }, "nbf: a JSON string instead of a number"},
		{"no token_introspection", signedType, good, func() string { return payload(`,"active":true`) }, "no object token_introspection"},
		{"token_introspection as a string", signedType, good, func() string { return payload(`,"token_introspection":"active"`) }, "no object token_introspection"},
	}
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for i, tt := range tests {
			v := newVerifier(t, issuer, func(c *introspect.Config) {
				c.Client, c.Signed = issuer.Client(), &introspect.Signed{Audience: "api"}
			})
			elapse(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // iat has whole seconds
			body := "junk"
			if tt.payload != nil {
				body = issuer.Sign("RS256", []byte(tt.header), []byte(tt.payload()))
			}
			issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{
				Body: []byte(" " + body + "\r\n"), Header: http.Header{"Content-Type": {tt.mediaType}},
			})
			_, err := v.Verify(t.Context(), fmt.Sprint("opaque-", i))
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%s: %v", tt.name, err)
			case tt.want != "" && (codeOf(err) != "unavailable" || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
			v.Close()
		}
	})
}

// Only the signature algorithms of Signed.Algorithms are accepted.
func TestAlgorithmsOfSignedAnswers(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		for _, tt := range []struct {
			algorithms []string
			ok         bool
		}{{nil, true}, {[]string{"ES256", "RS256"}, true}, {[]string{"ES256", "PS256"}, false}} {
			v := newVerifier(t, issuer, func(c *introspect.Config) {
				c.Client, c.Signed = issuer.Client(), &introspect.Signed{Audience: "api", Algorithms: tt.algorithms}
			})
			_, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})) // signed with RS256
			if (err == nil) != tt.ok || err != nil && !strings.Contains(err.Error(), `alg is "RS256", want one of [ES256 PS256]`) {
				t.Errorf("%v: %v", tt.algorithms, err)
			}
			v.Close()
		}
	})
}

// While the issuer's keys are unavailable, no token is to blame.
func TestKeysOfSignedAnswersAreUnavailable(t *testing.T) {
	inMemory(t, []bearertest.Client{{ID: "api", Secret: "secret"}}, func(t *testing.T, issuer *bearertest.Issuer) {
		var log lockedLog
		v := newVerifier(t, issuer, func(c *introspect.Config) {
			c.Client, c.Signed, c.Logger = issuer.Client(), &introspect.Signed{Audience: "api"}, slog.New(slog.NewTextHandler(&log, nil))
		})
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 500})
		_, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
		if codeOf(err) != "unavailable" || !strings.Contains(err.Error(), "are unavailable") {
			t.Errorf("%v", err)
		}
		if strings.Contains(log.String(), "gives no answer about a token") {
			t.Errorf("the token is blamed: %s", log.String())
		}
		v.Close()

		// So it is if only the key of one answer is missing.
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{})
		v = newVerifier(t, issuer, func(c *introspect.Config) {
			c.Client, c.Signed = issuer.Client(), &introspect.Signed{Audience: "api"}
		})
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
			t.Fatal(err)
		}
		issuer.SetFault(bearertest.JWKS, bearertest.Fault{Status: 500})
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{
			Body:   []byte(issuer.Sign("RS256", []byte(`{"alg":"RS256","kid":"key-99","typ":"token-introspection+jwt"}`), []byte(`{}`))),
			Header: http.Header{"Content-Type": {"application/token-introspection+jwt"}},
		})
		if _, err := v.Verify(t.Context(), "opaque-1"); codeOf(err) != "unavailable" || !strings.Contains(err.Error(), "are unavailable") {
			t.Errorf("an unknown key: %v", err)
		}
		v.Close()
	})
}
