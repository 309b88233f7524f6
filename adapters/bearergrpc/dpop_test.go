package bearergrpc_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// RFC 9449, Sections 4.3, 7.1 and 9; checklist D1, D8, D9, D16, D22, D23: the proof
// of a call is for POST and the URL of the method. A client gets its nonce in
// dpop-nonce.
func TestProofs(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	nonces, err := dpop.NewNonces(dpop.NoncesConfig{})
	if err != nil {
		t.Fatal(err)
	}
	checker, err := dpop.New(dpop.Config{Origin: "https://api.example.com", Nonces: nonces})
	if err != nil {
		t.Fatal(err)
	}
	guard := newGuard(t, bearer.Config{Proofs: checker, Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
		return &bearer.Principal{Subject: "alice", Confirmation: bearer.Confirmation{JKT: jkt}}, nil
	})}})
	client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(bearer.RouteConfig{Rule: scope.None})}), nil)
	prove := func(httpMethod, method, nonce string) string {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: key, Algorithm: "ES256", Method: httpMethod, URL: "https://api.example.com" + method, AccessToken: "bound", Nonce: nonce})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	for method, call := range callers {
		good := prove("POST", method, nonces.Current())
		tests := []struct {
			name          string
			authorization string
			proofs        []string
			want          string // error of the challenge
		}{
			{"no nonce", "DPoP bound", []string{prove("POST", method, "")}, "use_dpop_nonce"},
			{"no proof", "DPoP bound", nil, "invalid_dpop_proof"},
			{"two proofs", "DPoP bound", []string{good, good}, "invalid_dpop_proof"},
			{"another method", "DPoP bound", []string{prove("POST", "/grpc.testing.TestService/EmptyCall", nonces.Current())}, "invalid_dpop_proof"},
			{"another HTTP method", "DPoP bound", []string{prove("GET", method, nonces.Current())}, "invalid_dpop_proof"},
			{"as Bearer", "Bearer bound", []string{good}, "invalid_token"},
			{"a good proof", "DPoP bound", []string{good}, ""},
			{"the proof again", "DPoP bound", []string{good}, "invalid_dpop_proof"},
		}
		for _, tt := range tests {
			ctx := withAuthorization(t, tt.authorization)
			for _, proof := range tt.proofs {
				ctx = metadata.AppendToOutgoingContext(ctx, "dpop", proof)
			}
			header, _, err := call(ctx, client)
			want := codes.Unauthenticated
			if tt.want == "" {
				want = codes.OK
			}
			if status.Code(err) != want {
				t.Errorf("%s, %s: %v", method, tt.name, err)
			}
			challenges := strings.Join(header["www-authenticate"], ", ")
			if tt.want != "" && !strings.Contains(challenges, `error="`+tt.want+`"`) {
				t.Errorf("%s, %s: challenges %s", method, tt.name, challenges)
			}
			if strings.HasPrefix(tt.authorization, "DPoP") && !slices.Equal(header["dpop-nonce"], []string{nonces.Current()}) {
				t.Errorf("%s, %s: nonces %v", method, tt.name, header["dpop-nonce"])
			}
		}
	}
}
