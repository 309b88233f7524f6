package dev

import (
	"net/http"
	"net/url"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// metadata answers with the metadata (RFC 8414, Section 2, and OpenID Connect
// Discovery, Section 3).
func (i *issuer) metadata(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "GET the metadata", http.StatusMethodNotAllowed)
		return
	}
	secrets := []string{"client_secret_basic", "client_secret_post"}
	secretsOrNone := append(secrets[:2:2], "none")
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                         i.url,
		"authorization_endpoint":                         i.url + "/authorize",
		"token_endpoint":                                 i.url + "/token",
		"jwks_uri":                                       i.url + "/jwks",
		"registration_endpoint":                          i.url + "/register",
		"userinfo_endpoint":                              i.url + "/userinfo",
		"device_authorization_endpoint":                  i.url + "/device_authorization",
		"introspection_endpoint":                         i.url + "/introspect",
		"revocation_endpoint":                            i.url + "/revoke",
		"end_session_endpoint":                           i.url + "/end_session",
		"scopes_supported":                               []string{"openid", "profile", "email", "offline_access"},
		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query"},
		"grant_types_supported":                          grantTypes,
		"prompt_values_supported":                        promptValues,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{string(idTokenAlgorithm)},
		"claims_supported":                               []string{"sub", "name", "preferred_username", "email", "auth_time", "acr", "sid"},
		"token_endpoint_auth_methods_supported":          secretsOrNone,
		"introspection_endpoint_auth_methods_supported":  secrets,
		"revocation_endpoint_auth_methods_supported":     secretsOrNone,
		"code_challenge_methods_supported":               []string{"S256"}, // RFC 7636
		"authorization_response_iss_parameter_supported": true,             // RFC 9207
		"dpop_signing_alg_values_supported":              jose.Algorithms(),
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"claims_parameter_supported":                     false,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
	})
}

// isLoopbackOrigin reports whether an Origin field is of a page on this machine.
func isLoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && weburl.IsLoopback(u.Hostname()) && u.Path == ""
}
