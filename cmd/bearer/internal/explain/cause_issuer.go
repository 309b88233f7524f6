package explain

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// causeOfIssuer compares the token's iss with the issuer of the API. Nothing about
// the token is verified here.
func (j *judge) causeOfIssuer() cause {
	if found, ok := j.otherKind(); ok && found.id == "client-assertion" {
		return found
	}
	want, got := j.config.Issuer, j.iss
	set := Advice{
		Operator: "set URL to exactly what the tokens have as iss, if this is your issuer.",
		Go:       j.goIssuer(got, j.config.Audience, j.goProfile()),
	}
	if cause, ok := j.causeOfSpelling(want, got, set); ok {
		return cause
	}
	if cause, ok := causeOfMicrosoft(want, got, set); ok {
		return cause
	}
	a, errA := url.Parse(want)
	b, errB := url.Parse(got)
	if errA == nil && errB == nil && a.Host != "" && b.Host != "" {
		if cause, ok := causeOfURLs(a, b, set); ok {
			return cause
		}
	}
	return because("other-issuer", "another issuer signed it: its iss is "+shown(got)+" (unverified)", Advice{
		Client:   "get the token from " + shown(want) + ".",
		Operator: "if tokens of that issuer should be accepted too, add it to jwks.Config.Issuers.",
	})
}

// causeOfSpelling compares two issuers that mean the same.
func (j *judge) causeOfSpelling(want, got string, set Advice) (cause, bool) {
	switch {
	case strings.TrimSuffix(want, "/") == strings.TrimSuffix(got, "/"):
		return because("issuer-slash", "its iss and the API's issuer differ in the slash at the end", set), true
	case strings.EqualFold(strings.TrimSuffix(want, "/"), strings.TrimSuffix(got, "/")):
		return because("issuer-case", "its iss and the API's issuer differ in upper and lower case", set), true
	case withoutScheme(want) == withoutScheme(got):
		set.Issuer = "behind a proxy that ends TLS, tell the issuer its public URL, such as Keycloak's hostname, so that iss is https."
		return because("issuer-scheme", "its iss and the API's issuer differ in http and https", set), true
	case strings.Contains(got, "/.well-known/") || strings.Contains(want, "/.well-known/"):
		set.Operator = "the issuer is the URL without /.well-known and what follows."
		set.Go = ""
		return because("issuer-metadata-url", "one of the two is the URL of the metadata, not the issuer", set), true
	}
	return cause{}, false
}

func withoutScheme(s string) string {
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		rest = s
	}
	return strings.TrimSuffix(rest, "/")
}

// causeOfMicrosoft knows the issuers of Entra ID, which has several for a tenant.
func causeOfMicrosoft(want, got string, set Advice) (cause, bool) {
	const v1, v2 = "https://sts.windows.net/", "https://login.microsoftonline.com/"
	tenant := func(s, prefix string) string {
		rest, _ := strings.CutPrefix(s, prefix)
		first, _, _ := strings.Cut(rest, "/")
		return first
	}
	isV1, isV2 := strings.HasPrefix(got, v1), strings.HasPrefix(got, v2)
	if !isV1 && !isV2 || !strings.HasPrefix(want, v1) && !strings.HasPrefix(want, v2) {
		return cause{}, false
	}
	if shared := tenant(want, v2); slices.Contains([]string{"common", "organizations", "consumers"}, shared) {
		set.Operator = "no token has " + shared + " in its iss: name the tenant's ID, or accept several tenants by jwks.Config.Resolve."
		return because("entra-common", "the API's issuer is Entra's "+shared+", and iss always names a tenant", set), true
	}
	if isV1 && strings.HasPrefix(want, v2) && tenant(got, v1) == tenant(want, v2) {
		set.Issuer = "set api.requestedAccessTokenVersion (accessTokenAcceptedVersion) to 2 in the manifest of the API's app registration; or let the API accept version 1 as below."
		return because("entra-v1", "Entra ID signed it in version 1 (sts.windows.net), and the API expects version 2", set), true
	}
	if isV2 && strings.HasPrefix(want, v1) && tenant(got, v2) == tenant(want, v1) {
		return because("entra-v2", "Entra ID signed it in version 2, and the API expects version 1 (sts.windows.net)", set), true
	}
	if strings.TrimSuffix(want, "/v2.0") == strings.TrimSuffix(got, "/v2.0") {
		return because("entra-version", "its iss and the API's issuer differ in /v2.0", set), true
	}
	return because("entra-tenant", "another tenant of Entra ID signed it", Advice{
		Client:   "log in at the tenant of the API.",
		Operator: "to accept several tenants, list each as an issuer, or find them by jwks.Config.Resolve.",
	}), true
}

// causeOfURLs compares two URLs part by part.
func causeOfURLs(want, got *url.URL, set Advice) (cause, bool) {
	samePath := strings.TrimSuffix(want.Path, "/") == strings.TrimSuffix(got.Path, "/")
	switch {
	case samePath && want.Path != "" && want.Path != "/" && (isInternal(want) || isInternal(got)), samePath && isInternal(want) && isInternal(got):
		set.Operator = "keep the iss of the tokens as URL, and fetch the keys by the name that works from here: Keys: jwks.KeysFromURL."
		set.Issuer = "let the issuer have one public URL for all callers, such as Keycloak's hostname with hostname-backchannel-dynamic."
		return because("issuer-two-names", "the issuer has two names: the token was requested at "+shown(got.Host)+", and the API knows it as "+shown(want.Host), set), true
	case want.Host == got.Host && strings.HasPrefix(got.Path, "/auth/realms/") != strings.HasPrefix(want.Path, "/auth/realms/") && path.Base(got.Path) == path.Base(want.Path):
		return because("keycloak-auth-path", "its iss and the API's issuer differ in /auth, which Keycloak had in its path before version 17", set), true
	case want.Host == got.Host && strings.Contains(want.Path, "/realms/") && strings.Contains(got.Path, "/realms/"):
		return because("other-realm", "another realm of the same server signed it: "+shown(path.Base(got.Path)), Advice{
			Client: "log in at the realm " + shown(path.Base(want.Path)) + ".", Operator: "if the realm of the token is the right one, set URL to it.", Go: set.Go,
		}), true
	case want.Host == got.Host && strings.Contains(got.Host, "okta"):
		return because("okta-server", "another authorization server of the same Okta organization signed it", Advice{
			Client: "use the endpoints of " + shown(want.String()) + ".",
			Issuer: "the organization's own server (without /oauth2/…) signs tokens that only Okta can verify: use a custom authorization server.",
		}), true
	case want.Hostname() == got.Hostname() && samePath:
		return because("issuer-port", "its iss and the API's issuer differ in the port", set), true
	}
	return cause{}, false
}

// isInternal reports whether the host of a URL is a name inside a network, such as
// a service of Docker.
func isInternal(u *url.URL) bool {
	host := u.Hostname()
	return weburl.IsLoopback(host) || !strings.Contains(host, ".") || strings.HasSuffix(host, ".internal") || strings.HasSuffix(host, ".local") ||
		strings.HasSuffix(host, ".svc") || strings.HasPrefix(host, "10.") || strings.HasPrefix(host, "172.") || strings.HasPrefix(host, "192.168.")
}
