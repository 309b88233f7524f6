package bearertest

import (
	"cmp"
	"time"
)

// logoutTTL is the life of a logout token. OpenID Connect Back-Channel Logout,
// Section 4, recommends at most two minutes.
const logoutTTL = 2 * time.Minute

// LogoutToken returns a logout token, as an OpenID provider posts it to a client
// when a user signs out (OpenID Connect Back-Channel Logout, Section 2.4). An
// empty subject or session leaves out sub or sid. The default client is that of
// [Token]. To get a token with other claims, or the logout token of another shape,
// use [Issuer.Mint].
func (i *Issuer) LogoutToken(client, subject, session string) string {
	claims := map[string]any{
		"client_id": nil, "sub": nil,
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if subject != "" {
		claims["sub"] = subject
	}
	if session != "" {
		claims["sid"] = session
	}
	return i.Mint(Token{
		Audience: []string{cmp.Or(client, defaultClientID)}, TTL: logoutTTL,
		Header: map[string]any{"typ": "logout+jwt"}, Claims: claims,
	})
}
