package bearermcp

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/bearerkit/bearerkit/bearer"
)

// principalKey is where the principal stands in auth.TokenInfo.Extra.
const principalKey = "bearerkit.principal"

// FromRequest returns who made a request to a tool, a prompt or a resource: the
// principal of the token that this very request carried. It is false for a
// request that came through neither [Endpoint.Protect] nor [TokenVerifier].
func FromRequest(r mcp.Request) (bearer.Principal, bool) {
	extra := r.GetExtra()
	if extra == nil || extra.TokenInfo == nil {
		return bearer.Principal{}, false
	}
	p, ok := extra.TokenInfo.Extra[principalKey].(bearer.Principal)
	return p, ok
}

// tokenInfo says in the SDK's words what a token says, but for its expiry.
func tokenInfo(p bearer.Principal, authorization string) *auth.TokenInfo {
	return &auth.TokenInfo{
		Scopes: p.Scopes.Names(),
		UserID: owner(p, authorization),
		Extra:  map[string]any{principalKey: p},
	}
}

// owner returns the text by which the SDK tells whose a session is: a user, who
// is unique within an issuer only, or a client that acts for itself. A user's
// client is no part of it, as the SDK's own client registers anew when it steps
// up, and goes on with the session. A token that names neither stands for itself
// alone.
func owner(p bearer.Principal, authorization string) string {
	switch isClient := p.IsClient(); {
	case !isClient && p.Subject != "":
		return fmt.Sprintf("user %q %q", p.Issuer, p.Subject)
	case isClient && p.ClientID != "":
		return fmt.Sprintf("client %q %q", p.Issuer, p.ClientID)
	}
	return fmt.Sprintf("token %q %x", p.Issuer, sha256.Sum256([]byte(authorization)))
}

// withTokenInfo puts the principal of a request that was let in where the SDK
// looks for it. The SDK's context key is its own, so its middleware does it; a
// verifier that knows the answer already leaves it nothing to decide.
func withTokenInfo(next http.Handler) http.Handler {
	judged := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		info, _ := ctx.Value(infoKey{}).(*auth.TokenInfo)
		return info, nil // nil is 500 there
	}
	// The guard's verifiers have judged the expiry, with a leeway of which the
	// SDK knows nothing: it sees none until it hands the request on.
	options := &auth.RequireBearerTokenOptions{AllowMissingExpiration: true}
	carry := auth.RequireBearerToken(judged, options)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		auth.TokenInfoFromContext(r.Context()).Expiration = p.Expires
		delete(r.Header, "Authorization")
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization := r.Header.Get("Authorization")
		p, ok := bearer.FromContext(r.Context())
		bare := r.WithContext(r.Context())
		bare.Header = maps.Clone(r.Header)
		delete(bare.Header, "Authorization")
		delete(bare.Header, "Dpop")
		if !ok { // a preflight that the guard was told to let pass
			next.ServeHTTP(w, bare)
			return
		}
		r = bare.WithContext(context.WithValue(r.Context(), infoKey{}, tokenInfo(p, authorization)))
		r.Header["Authorization"] = []string{"Bearer judged"}
		carry.ServeHTTP(w, r)
	})
}

type infoKey struct{}
