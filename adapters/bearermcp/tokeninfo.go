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
	"github.com/bearerkit/bearerkit/internal/handover"
)

// principalKey is the key of the principal in auth.TokenInfo.Extra.
const principalKey = "bearerkit.principal"

// FromRequest returns the principal of the token in a request to a tool, a
// prompt or a resource. It returns false if the request passed neither
// [Endpoint.Protect] nor [TokenVerifier].
func FromRequest(r mcp.Request) (bearer.Principal, bool) {
	extra := r.GetExtra()
	if extra == nil || extra.TokenInfo == nil {
		return bearer.Principal{}, false
	}
	p, ok := extra.TokenInfo.Extra[principalKey].(bearer.Principal)
	return p, ok
}

// tokenInfo describes a principal to the SDK. It leaves the expiry unset.
func tokenInfo(p bearer.Principal, authorization string) *auth.TokenInfo {
	return &auth.TokenInfo{
		Scopes: p.Scopes.Names(),
		UserID: owner(p, authorization),
		Extra:  map[string]any{principalKey: p},
	}
}

// owner returns the ID by which the SDK binds a session: it identifies a user, or
// a client that acts for itself, together with the issuer. A user's ID does not
// include the client, because the SDK's own client registers again when it steps
// up, and then continues the session. A token that names neither user nor client
// gets a unique ID.
func owner(p bearer.Principal, authorization string) string {
	switch isClient := p.IsClient(); {
	case !isClient && p.Subject != "":
		return fmt.Sprintf("user %q %q", p.Issuer, p.Subject)
	case isClient && p.ClientID != "":
		return fmt.Sprintf("client %q %q", p.Issuer, p.ClientID)
	}
	return fmt.Sprintf("token %q %x", p.Issuer, sha256.Sum256([]byte(authorization)))
}

// withTokenInfo passes the principal of an admitted request to the SDK. The SDK's
// context key is unexported, so the SDK's middleware has to do this. Its verifier
// returns a known result, so the middleware decides nothing.
func withTokenInfo(next http.Handler) http.Handler {
	judged := func(ctx context.Context, _ string, _ *http.Request) (*auth.TokenInfo, error) {
		info, _ := ctx.Value(infoKey{}).(*auth.TokenInfo)
		return info, nil // the middleware answers 500 to nil
	}
	// The guard has already checked the expiry, with a leeway that the SDK does
	// not have. So the SDK gets the expiry only after its own check.
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
		if !ok { // a preflight that the guard is configured to pass
			next.ServeHTTP(w, bare)
			return
		}
		info := tokenInfo(p, authorization)
		if token, ok := handover.Token(r.Context()); ok {
			info.Extra[tokenKey] = heldToken{token}
		}
		r = bare.WithContext(context.WithValue(tokenless{r.Context()}, infoKey{}, info))
		r.Header["Authorization"] = []string{"Bearer judged"}
		carry.ServeHTTP(w, r)
	})
}

type infoKey struct{}
