package jwks

// The profiles of issuers that do not follow RFC 9068. To add one, write a
// function like these, and a row for it in profile_test.go and in
// docs/issuers.md.

// Keycloak is how Keycloak signs access tokens: typ JWT, or at+jwt where a
// client is set so, and the claim typ says what kind of token it is. To have
// an audience, a client needs an audience mapper.
func Keycloak() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scope:    []string{"scope"},
		Kind:     "typ",
		Kinds:    []string{"Bearer", "DPoP"},
		Required: []string{"iat", "jti"},
		Client:   MarkServiceAccount,
	}
}

// EntraID is how Microsoft Entra ID signs access tokens, of version 2 (azp) and
// 1 (appid). ID tokens have neither of these claims.
func EntraID() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"azp", "appid"},
		Scope:    []string{"scp"},
		Required: []string{"sub", "iat", "ver"},
		Client:   MarkAppOnly,
	}
}

// Okta is how custom authorization servers of Okta sign access tokens: without
// typ, the client in cid and the scopes in an array. ID tokens have no cid.
func Okta() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"cid"},
		Scope:    []string{"scp"},
		Required: []string{"sub", "iat", "jti"},
		Client:   MarkNoUser,
	}
}

// Auth0 is how Auth0 signs access tokens, in its own profile, where ID tokens
// have no azp, and in its RFC 9068 profile.
func Auth0() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scope:    []string{"scope"},
		Required: []string{"sub", "iat"},
		Client:   MarkGrantType,
	}
}

// Cognito is how Amazon Cognito signs access tokens: without typ, told from ID
// tokens by token_use, and without aud, so that the audience is the client's
// id: [Issuer.Audience] lists the app clients whose tokens are accepted.
func Cognito() Profile {
	return Profile{
		Types:    []string{"", "JWT"},
		ClientID: []string{"client_id"},
		Scope:    []string{"scope"},
		Audience: "client_id",
		Kind:     "token_use",
		Kinds:    []string{"access"},
		Required: []string{"sub", "iat", "jti"},
		Client:   MarkNoUser,
	}
}
