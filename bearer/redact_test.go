package bearer_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Reports G8: fmt and JSON print the settings that are set, and no secret. A
// setting that is not set does not look as if it were.
func TestPrintedValues(t *testing.T) {
	p := alice.WithClaims(`{"email":"alice@example.com"}`).WithRoles("admin").WithAMR("pwd")
	verifiers := []bearer.Verifier{answering(&p, nil)}
	guard := newGuard(t, bearer.Config{Verifiers: verifiers, Realm: "orders", ResourceMetadata: "https://api.example.com/m?key=secret"})
	decide := func(c bearer.RouteConfig) bearer.Decision { return guard.MustRoute(c).Decide(get("Bearer secret")) }
	anonymous := guard.MustRoute(bearer.RouteConfig{Rule: scope.None, Optional: true}).Decide(get())
	tests := []struct {
		name       string
		value      any
		json, text string
	}{
		{"a principal", p,
			`{"iss":"https://login.example.com","sub":"alice","client_id":"shop","jti":"jti-1","scope":"orders:read profile"}`,
			`bearer.Principal{iss:"https://login.example.com" sub:"alice" client_id:"shop" jti:"jti-1" scope:"orders:read profile"}`},
		{"the zero Principal", bearer.Principal{}, `{}`, `bearer.Principal{}`},
		{"an admitted request", decide(bearer.RouteConfig{Rule: scope.None}),
			`{"status":200,"principal":{"iss":"https://login.example.com","sub":"alice","client_id":"shop","jti":"jti-1","scope":"orders:read profile"}}`,
			`bearer.Decision{status:200 principal:{iss:"https://login.example.com" sub:"alice" client_id:"shop" jti:"jti-1" scope:"orders:read profile"}}`},
		{"an anonymous request", anonymous, `{"status":200}`, `bearer.Decision{status:200}`},
		{"a refused request", decide(bearer.RouteConfig{Rule: scope.All("admin")}),
			`{"status":403,"code":"insufficient_scope","check":"scope"}`,
			`bearer.Decision{status:403 code:"insufficient_scope" check:"scope"}`},
		{"no decision", bearer.Decision{}, `{"status":500}`, `bearer.Decision{status:500}`},
		{"a guard", guard,
			`{"Verifiers":["bearer.VerifierFunc"],"Realm":"orders","ResourceMetadata":"https://api.example.com/m"}`,
			`bearer.Guard{Verifiers:["bearer.VerifierFunc"] Realm:"orders" ResourceMetadata:"https://api.example.com/m"}`},
		{"the zero Config", bearer.Config{}, `{}`, `bearer.Config{}`},
		{"a Config with every setting", bearer.Config{
			Verifiers: verifiers, Realm: "orders", ResourceMetadata: "http://api.example.com/m?key=secret", InsecureAllowHTTP: true,
			Proofs: &proofs{nonce: "secret"}, ProofsRequired: true, Certificates: &bearer.Certificates{}, BoundTokensOnly: true,
			DenyList: deniesAll{}, MaxTokenBytes: 4096, MaxTokenAge: time.Hour, FailureLimit: &bearer.FailureLimit{},
			Sources: []bearer.TokenSource{bearer.FromAuthorization()}, InsecurePassPreflights: true, ProblemJSON: true, RetryAfter: time.Second,
		},
			`{"Verifiers":["bearer.VerifierFunc"],"Realm":"orders","ResourceMetadata":"http://api.example.com/m","InsecureAllowHTTP":true,` +
				`"Proofs":"[set]","ProofsRequired":true,"Certificates":"[set]","BoundTokensOnly":true,"DenyList":"[set]","MaxTokenBytes":4096,` +
				`"MaxTokenAge":"1h0m0s","FailureLimit":"[set]","Sources":["FromAuthorization()"],"InsecurePassPreflights":true,"ProblemJSON":true,"RetryAfter":"1s"}`,
			`bearer.Config{Verifiers:["bearer.VerifierFunc"] Realm:"orders" ResourceMetadata:"http://api.example.com/m" InsecureAllowHTTP:true ` +
				`Proofs:"[set]" ProofsRequired:true Certificates:"[set]" BoundTokensOnly:true DenyList:"[set]" MaxTokenBytes:4096 ` +
				`MaxTokenAge:1h0m0s FailureLimit:"[set]" Sources:["FromAuthorization()"] InsecurePassPreflights:true ProblemJSON:true RetryAfter:1s}`},
		{"a security event", bearer.SecurityEvent{
			Type: "logout+jwt", Issuer: "https://login.example.com", TokenID: "jti-1", Audience: []string{"secret"},
			IssuedAt: time.Unix(1_700_000_000, 0).UTC(), Claims: `{"sub":"secret"}`,
		},
			`{"typ":"logout+jwt","iss":"https://login.example.com","jti":"jti-1","iat":"2023-11-14T22:13:20Z"}`,
			`bearer.SecurityEvent{typ:"logout+jwt" iss:"https://login.example.com" jti:"jti-1" iat:2023-11-14 22:13:20 +0000 UTC}`},
	}
	for _, tt := range tests {
		encoded, err := json.Marshal(tt.value)
		if err != nil || string(encoded) != tt.json {
			t.Errorf("%s in JSON: %v\n%s\nwant\n%s", tt.name, err, encoded, tt.json)
		}
		if text := fmt.Sprint(tt.value); text != tt.text {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, text, tt.text)
		}
	}
}
