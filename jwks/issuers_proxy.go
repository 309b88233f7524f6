package jwks

// The profiles of proxies that authenticate users in front of the API, and tell it
// in a header of their own who the user is.

// GoogleIAP returns the profile of the JWTs that Google's Identity-Aware Proxy
// sends in x-goog-iap-jwt-assertion. They name no client. Their issuer is
// https://cloud.google.com/iap, and their keys are at
// https://www.gstatic.com/iap/verify/public_key-jwk: set [KeysFromURL].
//
// A service account's token looks like a user's, so [bearer.Principal.IsClient] is
// false for all. The subject begins with the name of the identity's source, such as
// accounts.google.com.
func GoogleIAP() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{""},
		Subjects: []string{"accounts.google.com:", "securetoken.google.com/", "sts.google.com:"},
		Scope:    []string{},
		Roles:    []string{},
		Required: []string{"sub", "iat"},
		Client:   MarkNever,
	}
}

// CloudflareAccess returns the profile of the application tokens that Cloudflare
// Access sends in Cf-Access-Jwt-Assertion. The claim type distinguishes them from
// the tokens of the login session. A user's token names no client. The token of a
// service has an empty sub, and common_name is the client ID of its service token.
// The keys are at the path /cdn-cgi/access/certs of the issuer: set [KeysFromURL].
func CloudflareAccess() Profile {
	return Profile{
		Types:    []string{"", "JWT"},
		ClientID: []string{"common_name", ""},
		Scope:    []string{},
		Roles:    []string{},
		Kind:     "type",
		Kinds:    []string{"app"},
		Required: []string{"iat"},
	}
}
