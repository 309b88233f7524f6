package bearermcp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Verifiers behind the SDK's own middleware: a bad token is 401, an outage is never
// 401 (C7), and no answer reveals the cause.
func TestTokenVerifier(t *testing.T) {
	const secret = "a cause"
	alice := bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ClientID: "app", Scopes: scope.Of("a", "b"), Expires: time.Now().Add(time.Hour)}
	verifier := bearermcp.TokenVerifier(bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
		p := alice
		switch token {
		case "alice":
		case "jkt":
			p.Confirmation.JKT = "x"
		case "certificate":
			p.Confirmation.X5TS256 = "x"
		case "other":
			p.Confirmation.Other = true
		case "invalid":
			return nil, bearer.Invalid("aud", secret, secret)
		case "expired":
			return nil, bearer.Expired(secret, secret)
		case "down":
			return nil, bearer.Unavailable(errors.New(secret), time.Second)
		case "unclassified":
			return nil, errors.New(secret)
		case "nothing":
			return nil, nil
		default:
			return nil, bearer.Unrecognized("token", secret, secret)
		}
		return &p, nil
	}))
	tests := []struct {
		name          string
		authorization []string
		status        int
		is            error
		code          bearer.Code
		body          string
	}{
		{"good", []string{"Bearer alice"}, 200, nil, "", ""},
		{"refused", []string{"Bearer invalid"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"expired", []string{"Bearer expired"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"unknown", []string{"Bearer bob"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"too long", []string{"Bearer " + strings.Repeat("x", 16<<10+1)}, 400, auth.ErrOAuth, bearer.CodeTokenTooLong, "The access token is longer than the server accepts.\n"},
		{"bound to a key", []string{"Bearer jkt"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"bound to a certificate", []string{"Bearer certificate"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"bound by an unknown method", []string{"Bearer other"}, 401, auth.ErrInvalidToken, bearer.CodeInvalidToken, "The access token is invalid.\n"},
		{"not a token68", []string{"Bearer a,b"}, 400, auth.ErrOAuth, bearer.CodeInvalidRequest, "The request must carry one well-formed access token, in one way.\n"},
		{"two lines", []string{"Bearer alice", "Bearer alice"}, 400, auth.ErrOAuth, bearer.CodeInvalidRequest, "The request must carry one well-formed access token, in one way.\n"},
		{"an outage", []string{"Bearer down"}, 500, nil, bearer.CodeUnavailable, "The access token cannot be checked at the moment.\n"},
		{"an unclassified error", []string{"Bearer unclassified"}, 500, nil, bearer.CodeUnavailable, "The access token cannot be checked at the moment.\n"},
		{"no answer", []string{"Bearer nothing"}, 500, nil, bearer.CodeUnavailable, "The access token cannot be checked at the moment.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var info *auth.TokenInfo
			h := auth.RequireBearerToken(verifier, nil)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				info = auth.TokenInfoFromContext(r.Context())
			}))
			r := httptest.NewRequest("POST", "/mcp", nil)
			r.Header["Authorization"] = tt.authorization
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}

			_, err := verifier(t.Context(), strings.TrimPrefix(tt.authorization[0], "Bearer "), r)
			if tt.status == 200 {
				if err != nil || info == nil || info.UserID != `user "https://login.example.com" "alice"` || !info.Expiration.Equal(alice.Expires) || strings.Join(info.Scopes, " ") != "a b" {
					t.Errorf("%+v, %v", info, err)
				}
				return
			}
			if tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && (errors.Is(err, auth.ErrInvalidToken) || errors.Is(err, auth.ErrOAuth)) {
				t.Errorf("%v is not %v", err, tt.is)
			}
			if e, ok := errors.AsType[*bearer.Error](err); !ok || e.Code != tt.code {
				t.Errorf("%v has the cause %v, want the code %s", err, e, tt.code)
			}
			if strings.Contains(err.Error()+w.Body.String(), secret) {
				t.Errorf("the cause is revealed: %v, %s", err, w.Body)
			}
		})
	}
	if info, err := verifier(t.Context(), "alice", nil); err != nil || info.UserID == "" {
		t.Errorf("without a request: %+v, %v", info, err)
	}
}

func TestTokenVerifierWithoutAVerifierPanics(t *testing.T) {
	for _, verifiers := range [][]bearer.Verifier{nil, {nil}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic at registration")
				}
			}()
			bearermcp.TokenVerifier(verifiers...)
		}()
	}
}
