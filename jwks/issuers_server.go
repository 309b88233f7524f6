package jwks

// The profiles of authorization servers that companies run themselves. Keycloak's
// is in issuers.go.

// Zitadel returns the profile of Zitadel's access tokens, if the application or
// the service user gets them as JWTs. Their typ is JWT, as is that of ID tokens,
// which have no jti. Their audience is the project's ID, and they have no scopes.
// The roles are the keys of the project's roles.
//
// Zitadel marks the tokens of service users in no way, so
// [bearer.Principal.IsClient] is false for them.
func Zitadel() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"client_id", "azp"},
		Scope:    []string{"scope"},
		Roles:    []string{"/urn:zitadel:iam:org:project:roles"},
		Required: []string{"sub", "iat", "jti"},
	}
}

// Hydra returns the profile of Ory Hydra's access tokens, if its strategy for
// them is jwt. Their typ is JWT. They have the scopes in scp or scope, and the
// claims of the consent session in ext: the roles come from ext. ID tokens have
// no client_id.
func Hydra() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"client_id"},
		Scope:    []string{"scp", "scope"},
		Roles:    []string{"/ext/roles"},
		Required: []string{"sub", "iat", "jti"},
	}
}

// Duende returns the profile of Duende IdentityServer's access tokens. They follow
// RFC 9068, except that scope is an array, and that a client's own token has no
// sub. The roles come from the claim role, which you add to the UserClaims of
// the API resource.
func Duende() Profile {
	return Profile{
		ClientID: []string{"client_id"},
		Scope:    []string{"scope"},
		Roles:    []string{"/role"},
		Required: []string{"iat", "jti"},
	}
}

// Spring returns the profile of Spring Authorization Server's access tokens. By
// default they have neither typ nor client_id: aud is the client's ID, so list the
// accepted clients in [Issuer.Audience]. ID tokens have no nbf.
//
// If a token customizer sets aud to your API, it must also set client_id.
// Otherwise a single audience counts as the client, and a client's own token as a
// user's.
func Spring() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"client_id", "aud"},
		Scope:    []string{"scope"},
		Required: []string{"sub", "iat", "nbf", "jti"},
	}
}

// Glewlwyd returns the profile of the access tokens of Glewlwyd's OpenID Connect
// plugin. They follow RFC 9068, so the default profile accepts them too. In
// addition, the claim type names the kind of token. Without a resource in the
// client's request, aud is the list of the scopes. The roles are those of a claim
// roles, which you add to the plugin's token values. Glewlwyd joins several values
// of a user into one string, which then grants none of them.
func Glewlwyd() Profile {
	return Profile{
		Kind:  "type",
		Kinds: []string{"access_token"},
	}
}

// PingFederate returns the profile of PingFederate's access tokens, if the access
// token manager issues JSON web tokens. The manager's configuration decides which
// claims they have: set the names of the claims for the client and the scope to
// client_id and scope, the issuer and the audience, and add sub to the attribute
// contract. Map sub to the client's ID for clients' own tokens. ID tokens have no
// client_id.
func PingFederate() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"client_id"},
		Scope:    []string{"scope"},
		Required: []string{"sub"},
	}
}

// ADFS returns the profile of the access tokens of Active Directory Federation
// Services. The claim appid names the client, which ID tokens do not have. Their
// iss is the access_token_issuer of the metadata, an http URL: set
// [Issuer.AllowNonHTTPSIdentifier] and [KeysFromMetadata]. The roles are those of
// the claims role and roles, which an issuance transform rule adds.
//
// A user's token may have no sub, and nothing marks a client's own token, so
// [bearer.Principal.IsClient] is false for all.
func ADFS() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"appid"},
		Scope:    []string{"scp"},
		Roles:    []string{"/role", "/roles"},
		Required: []string{"iat", "ver"},
		Client:   MarkNever,
	}
}
