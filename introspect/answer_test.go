package introspect_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// answering makes the issuer's answers contain these members. A nil value
// removes a member.
func answering(issuer *bearertest.Issuer, members map[string]any) {
	issuer.OverlayIntrospection(func(_ string, answer map[string]any) map[string]any {
		maps.Copy(answer, members)
		maps.DeleteFunc(answer, func(_ string, value any) bool { return value == nil })
		return answer
	})
}

// Reports L1, L2, L3: a malformed member counts as absent, and leaves its field
// of the principal empty.
func TestMalformedMembersAreAbsent(t *testing.T) {
	null := json.RawMessage("null")
	good := map[string]any{"acr": "mfa", "auth_time": 1, "amr": []string{"pwd"}, "scope": "a b"}
	tests := []struct {
		name    string
		members map[string]any
		want    func(p *bearer.Principal) bool
	}{
		{"nothing", nil, func(p *bearer.Principal) bool {
			return p.ACR == "mfa" && p.AuthTime.Unix() == 1 && len(p.AMR()) == 1 && p.Scopes == scope.Of("a", "b") && p.Subject == "alice"
		}},
		{"acr null", map[string]any{"acr": null}, func(p *bearer.Principal) bool { return p.ACR == "" && p.Scopes.Len() == 2 }},
		{"acr an array", map[string]any{"acr": []string{"mfa"}}, func(p *bearer.Principal) bool { return p.ACR == "" }},
		{"auth_time a string", map[string]any{"auth_time": "1"}, func(p *bearer.Principal) bool { return p.AuthTime.IsZero() }},
		{"amr a string", map[string]any{"amr": "pwd"}, func(p *bearer.Principal) bool { return len(p.AMR()) == 0 }},
		{"sub null", map[string]any{"sub": null}, func(p *bearer.Principal) bool { return p.Subject == "" }},
		{"sub a number", map[string]any{"sub": 7}, func(p *bearer.Principal) bool { return p.Subject == "" }},
		{"exp null", map[string]any{"exp": null}, func(p *bearer.Principal) bool { return p.Expires.IsZero() }},
		{"iss null", map[string]any{"iss": null}, func(p *bearer.Principal) bool { return p.Issuer == "https://issuer.example.com" }},
		{"cnf null", map[string]any{"cnf": null}, func(p *bearer.Principal) bool { return p.Confirmation.IsZero() }},
		{"scope with two spaces", map[string]any{"scope": " a  b "}, func(p *bearer.Principal) bool { return p.Scopes == scope.Of("a", "b") }},
		{"scope with a tab", map[string]any{"scope": "a\tb"}, func(p *bearer.Principal) bool { return p.Scopes.IsEmpty() }},
		{"scope with a line break", map[string]any{"scope": "a\nb"}, func(p *bearer.Principal) bool { return p.Scopes.IsEmpty() }},
		{"scope an array", map[string]any{"scope": []string{"a"}}, func(p *bearer.Principal) bool { return p.Scopes.IsEmpty() }},
		{"scope null", map[string]any{"scope": null}, func(p *bearer.Principal) bool { return p.Scopes.IsEmpty() }},
	}
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		for _, tt := range tests {
			members := maps.Clone(good)
			maps.Copy(members, tt.members)
			answering(issuer, members)
			p, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
			if err != nil || !tt.want(p) {
				t.Errorf("%s: %+v, %v", tt.name, p, err)
			}
		}
	})
}

// C18: the log has one record for each malformed member, which says what was
// found but does not quote the value. An answer about an inactive token adds no
// record.
func TestAbsentMembersAreLoggedOnce(t *testing.T) {
	var log lockedLog
	inBubble(t, func(c *introspect.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) },
		func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			answering(issuer, map[string]any{"acr": []string{"secret"}, "auth_time": "secret", "username": json.RawMessage("null")})
			for range 3 {
				if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil {
					t.Fatal(err)
				}
			}
		})
	for claim, found := range map[string]string{
		"acr": `"a JSON array instead of a string"`, "auth_time": `"a JSON string instead of a number"`, "username": "null",
	} {
		line := `level=INFO msg="a claim of the issuer is malformed and is read as absent" issuer=https://issuer.example.com claim=` + claim + ` found=` + found
		if n := strings.Count(log.String(), line); n != 1 {
			t.Errorf("%d lines %s in\n%s", n, line, log.String())
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("a value is logged: %s", log.String())
	}
}

// Reports L14: the members that servers send show whether a client got the
// token for itself.
func TestClientOfAnAnswer(t *testing.T) {
	null := json.RawMessage("null")
	tests := []struct {
		name    string
		members map[string]any
		want    bool
	}{
		{"a user", map[string]any{"sub": "alice", "client_id": "shop"}, false},
		{"a user by name", map[string]any{"sub": "alice", "client_id": "shop", "username": "alice"}, false},
		{"sub is the client", map[string]any{"sub": "shop", "client_id": "shop"}, true},
		{"sub is the client, username null", map[string]any{"sub": "shop", "client_id": "shop", "username": null}, true},
		{"sub and username are the client", map[string]any{"sub": "shop", "client_id": "shop", "username": "shop"}, true},
		{"a user whose sub is the client", map[string]any{"sub": "shop", "client_id": "shop", "username": "alice"}, false},
		{"neither sub nor username", map[string]any{"sub": nil, "client_id": "shop"}, true},
		{"sub that is null", map[string]any{"sub": null, "client_id": "shop"}, true},
		{"sub that is empty", map[string]any{"sub": "", "client_id": "shop", "username": null}, true},
		{"username without sub", map[string]any{"sub": nil, "client_id": "shop", "username": "alice"}, false},
		{"sub that is a number", map[string]any{"sub": 7, "client_id": "shop"}, false},
		{"username that is a number", map[string]any{"sub": nil, "client_id": "shop", "username": 7}, false},
		{"Keycloak, a service account", map[string]any{
			"sub": "1d2d88f8-8b68-4b6b-883f-1af68b598612", "client_id": "worker", "azp": "worker", "username": "service-account-worker",
			"preferred_username": "service-account-worker", "clientHost": "192.0.2.1", "clientAddress": "192.0.2.1",
		}, true},
		{"Keycloak, a service account by username alone", map[string]any{
			"sub": "1d2d88f8-8b68-4b6b-883f-1af68b598612", "client_id": "worker", "username": "service-account-worker", "clientAddress": "192.0.2.1",
		}, true},
		{"Keycloak, a service account by preferred_username alone", map[string]any{
			"sub": "1d2d88f8-8b68-4b6b-883f-1af68b598612", "client_id": "worker", "preferred_username": "service-account-worker", "clientId": "worker",
		}, true},
		{"a user with a client's address", map[string]any{
			"sub": "e89175d5-94fd-453a-8abb-9953d59d04cf", "client_id": "shop", "username": "jason", "preferred_username": "jason", "clientHost": "192.0.2.1",
		}, false},
		{"Keycloak, a user", map[string]any{
			"sub": "e89175d5-94fd-453a-8abb-9953d59d04cf", "client_id": "shop", "azp": "shop", "username": "jason", "preferred_username": "jason",
		}, false},
		{"Keycloak, a user who chose such a name", map[string]any{
			"sub": "e89175d5-94fd-453a-8abb-9953d59d04cf", "client_id": "shop", "azp": "shop", "username": "service-account-shop", "preferred_username": "service-account-shop",
		}, false},
	}
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		for _, tt := range tests {
			answering(issuer, tt.members)
			p, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
			if err != nil || p.IsClient() != tt.want {
				t.Errorf("%s: %+v, %v; want %t", tt.name, p, err, tt.want)
			}
		}
	})
}

// Reports G4: neither the signature nor the answer for a JWT replaces the
// missing key of a bound token.
func TestBothRefusesWhatNobodyCanCheck(t *testing.T) {
	jkt := map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}
	inBubble(t, nil, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		tokens, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}}}, Client: issuer.Client(),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer tokens.Close()
		both := bearer.Both(tokens, v.TakingJWTs())
		tests := []struct {
			name          string
			token, answer map[string]any
			want          string
		}{
			{"neither is bound", nil, nil, "<nil>"},
			{"the answer says DPoP", nil, map[string]any{"token_type": "DPoP"}, "invalid_token"},
			{"the JWT says DPoP", map[string]any{"token_type": "DPoP"}, map[string]any{"token_type": "Bearer"}, "invalid_token"},
			{"both name the key", map[string]any{"cnf": jkt}, map[string]any{"token_type": "DPoP"}, "<nil>"},
			{"the answer names the key", nil, map[string]any{"token_type": "DPoP", "cnf": jkt}, "<nil>"},
		}
		for _, tt := range tests {
			answering(issuer, tt.answer)
			p, err := both.Verify(t.Context(), issuer.Mint(bearertest.Token{Claims: tt.token}))
			if got := codeOf(err); got != tt.want {
				t.Errorf("%s: %s, want %s (%v)", tt.name, got, tt.want, err)
			}
			if err == nil && (p.Confirmation.JKT != "") != (tt.name != "neither is bound") {
				t.Errorf("%s: the principal is bound by %+v", tt.name, p.Confirmation)
			}
		}
	})
}

// RFC 7662, Section 2.2: aud is optional. InsecureAudienceNotSent accepts an answer
// without aud, but an aud that is sent is checked.
func TestAudienceNotSent(t *testing.T) {
	null := json.RawMessage("null")
	tests := []struct {
		name string
		aud  any
		sent string // the outcome by default
		not  string // the outcome with InsecureAudienceNotSent
		got  string // what the refusal says was found
	}{
		{"no aud", nil, "invalid_token", "<nil>", "no aud in the answer"},
		{"aud that is null", null, "invalid_token", "<nil>", "no aud in the answer"},
		{"this API", audience, "<nil>", "<nil>", ""},
		{"this API and another", []string{"other", audience}, "<nil>", "<nil>", ""},
		{"others", []string{"other", "third"}, "invalid_token", "invalid_token", `"other third"`},
		{"an empty array", []string{}, "invalid_token", "invalid_token", `""`},
	}
	for _, notSent := range []bool{false, true} {
		inBubble(t, func(c *introspect.Config) { c.InsecureAudienceNotSent = notSent }, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
			for _, tt := range tests {
				answering(issuer, map[string]any{"aud": tt.aud})
				_, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
				want := map[bool]string{false: tt.sent, true: tt.not}[notSent]
				if codeOf(err) != want {
					t.Errorf("%s, InsecureAudienceNotSent %t: %v, want %s", tt.name, notSent, err, want)
				}
				if e, ok := errors.AsType[*bearer.Error](err); ok && (e.Check != "aud" || e.Got != tt.got) {
					t.Errorf("%s: check %s, got %s; want aud, %s", tt.name, e.Check, e.Got, tt.got)
				}
			}
		})
	}
}

// C18: a member that protects the API rejects the answer when it is malformed,
// whatever it is read for.
func TestRolesInAMemberThatProtects(t *testing.T) {
	inBubble(t, func(c *introspect.Config) { c.Roles = []string{"/exp"} }, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		_, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
		if codeOf(err) != "unavailable" || !strings.Contains(err.Error(), "exp: a JSON number instead of roles") {
			t.Errorf("roles in exp: %v", err)
		}
	})
}
