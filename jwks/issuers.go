package jwks

// The profiles of issuers that do not follow RFC 9068: here those that companies
// know best, and in issuers_server.go, issuers_workload.go and issuers_proxy.go the
// others. To add one, see CONTRIBUTING.md.

// Keycloak returns the profile of Keycloak's access tokens. Their typ is JWT, or
// at+jwt if the client is configured so, and the claim typ names the kind of
// token. Keycloak adds your API to aud only if you configure an audience mapper.
// The roles are those of the realm. For the roles of a client, add a pointer with
// its ID to Roles: "/resource_access/orders-api/roles".
func Keycloak() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scope:    []string{"scope"},
		Roles:    []string{"/realm_access/roles"},
		Kind:     "typ",
		Kinds:    []string{"Bearer", "DPoP"},
		Required: []string{"iat", "jti"},
		Client:   MarkServiceAccount,
	}
}

// EntraID returns the profile of Microsoft Entra ID's access tokens, version 2
// (azp) and version 1 (appid). ID tokens have neither of these claims. The roles
// are app roles.
func EntraID() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"azp", "appid"},
		Scope:    []string{"scp"},
		Roles:    []string{"/roles"},
		Required: []string{"sub", "iat", "ver"},
		Client:   MarkAppOnly,
	}
}

// Okta returns the profile of access tokens from Okta's custom authorization
// servers. They have no typ. The claim cid names the client, and scp lists the
// scopes in an array. ID tokens have no cid. The roles are the groups of a claim
// groups, which you add to the authorization server.
func Okta() Profile {
	return Profile{
		Types:    []string{"", "JWT", "at+jwt"},
		ClientID: []string{"cid"},
		Scope:    []string{"scp"},
		Roles:    []string{"/groups"},
		Required: []string{"sub", "iat", "jti"},
		Client:   MarkNoUser,
	}
}

// Auth0 returns the profile of Auth0's access tokens, in Auth0's own format and in
// its RFC 9068 format. In Auth0's own format, ID tokens have no azp. The roles are
// the API's permissions, which Auth0 adds if RBAC is enabled for the API.
func Auth0() Profile {
	return Profile{
		Types:    []string{"JWT", "at+jwt"},
		ClientID: []string{"azp", "client_id"},
		Scope:    []string{"scope"},
		Roles:    []string{"/permissions"},
		Required: []string{"sub", "iat"},
		Client:   MarkGrantType,
	}
}

// Cognito returns the profile of Amazon Cognito's access tokens. They have no
// typ, and token_use distinguishes them from ID tokens. They have aud only if the
// client requests a resource, so the client ID takes its place: list the accepted
// app clients in [Issuer.Audience]. If all clients request your API as the
// resource, set [Profile.Audience] to "aud". The roles are the user's groups.
func Cognito() Profile {
	return Profile{
		Types:    []string{"", "JWT"},
		ClientID: []string{"client_id"},
		Scope:    []string{"scope"},
		Roles:    []string{"/cognito:groups"},
		Audience: "client_id",
		Kind:     "token_use",
		Kinds:    []string{"access"},
		Required: []string{"sub", "iat", "jti"},
		Client:   MarkNoUser,
	}
}

// AzureADB2C returns the profile of Azure AD B2C's access tokens. The claim azp
// names the client, which ID tokens do not have. B2C gives the roles of an API's
// registration as scopes. It has no claim for roles: a custom policy may add one.
func AzureADB2C() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"azp"},
		Scope:    []string{"scp"},
		Required: []string{"sub", "iat", "ver"},
	}
}

// Firebase returns the profile of the ID tokens that Firebase Authentication and
// Google's Identity Platform give users, and that their APIs accept. Their audience
// is the project's ID. They name no client. The roles come from a custom claim
// roles, which only the Admin SDK can set.
func Firebase() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{""},
		Scope:    []string{},
		Required: []string{"sub", "iat", "auth_time", "firebase"},
		Client:   MarkNever,
	}
}
