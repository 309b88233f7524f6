package explain

import (
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// graph are the audiences of Microsoft Graph.
var graph = []string{"00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com", "https://graph.microsoft.com/"}

func (j *judge) causeOfAudience() cause {
	got, want := j.claims.list(j.audienceClaim()), j.config.Audience
	set := Advice{
		Operator: "list what the tokens have as aud, if it is a name of this API.",
		Go:       j.goIssuer(j.config.Issuer, slices.Concat(want, got[:min(len(got), 1)]), j.goProfile()),
	}
	if text := likeness(want, got); text != "" {
		set.Issuer = "or let the issuer send exactly " + quoted(want) + ": the comparison is exact (RFC 9068, Section 4)."
		return because("audience-looks-equal", "its aud looks like the API's name and "+text, set)
	}
	if found, ok := j.otherKind(); ok {
		return found
	}
	if claim := j.audienceClaim(); claim != "aud" {
		set.Operator = "list the " + claim + " of each client that may call the API: by this profile, it is the audience."
		return because("other-client", "its "+claim+" is "+quoted(got)+", which is not in the API's list", set)
	}
	request := "request the token for this API: with the parameter resource (RFC 8707), or audience at Auth0, or a scope of the API at Entra ID."
	switch {
	case len(got) == 0:
		return because("no-audience", "it names no audience", Advice{Client: request, Issuer: j.audienceAdvice()})
	case slices.ContainsFunc(got, func(a string) bool { return slices.Contains(graph, a) }):
		return because("graph-audience", "it is for Microsoft Graph, not for this API", Advice{
			Client: "request a scope of your own API, such as api://CLIENT-ID/orders.read, and not User.Read.",
		})
	case slices.Contains(got, "account"):
		return because("keycloak-audience", "it is for Keycloak's account console, which is the default: no mapper adds this API", Advice{Issuer: j.audienceAdvice()})
	case len(got) == 1 && strings.HasSuffix(got[0], "/userinfo"):
		return because("userinfo-audience", "it is only for the issuer's userinfo endpoint", Advice{Client: request})
	case isClientOf(j.claims, got):
		return because("client-audience", "its audience is the client that requested it, not this API", Advice{Client: request, Issuer: j.audienceAdvice()})
	case strings.HasPrefix(want[0], "api://") != strings.HasPrefix(got[0], "api://") && strings.Contains(j.iss, "microsoft"):
		return because("entra-audience", "its aud is "+shown(got[0])+": Entra ID sends the application's ID in version 2, and its api:// URI in version 1", set)
	}
	return because("other-audience", "it is for "+quoted(got[:min(len(got), 3)])+", not for this API", Advice{
		Client: request, Operator: set.Operator, Issuer: j.audienceAdvice(), Go: set.Go,
	})
}

// audienceAdvice says how the issuer learns the name of the API.
func (j *judge) audienceAdvice() string {
	advice := map[string]string{
		"keycloak": "add an audience mapper (Included Custom Audience) to a client scope of the client.",
		"entraid":  "expose the API under its app registration, and let the client request one of its scopes.",
		"auth0":    "create the API, with its identifier as the audience, and let the client name it.",
		"okta":     "set the audience of the custom authorization server.",
		"spring":   "let an OAuth2TokenCustomizer set aud.",
		"cognito":  "access tokens have no aud: list the app clients' IDs as the audience, and use the profile cognito.",
	}[j.goProfile().Name]
	if advice == "" {
		advice = "put this API into the aud of the client's tokens."
	}
	return advice
}

// isClientOf reports whether the only audience is the client.
func isClientOf(c claimSet, audience []string) bool {
	for _, name := range []string{"client_id", "azp", "appid", "cid"} {
		if c.has(name) && len(audience) == 1 && c.text(name) == audience[0] {
			return true
		}
	}
	return false
}

// likeness says how an aud differs from a name that it looks like, or nothing.
func likeness(want, got []string) string {
	for _, a := range want {
		for _, b := range got {
			switch {
			case a == b:
			case strings.TrimSpace(b) == a:
				return "has white space around it"
			case strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/"):
				return "differs in the slash at the end"
			case strings.EqualFold(a, b):
				return "differs in upper and lower case"
			case isWeb(a+b) && withoutScheme(a) == withoutScheme(b):
				return "differs in the scheme (" + shown(scheme(a)) + ", " + shown(scheme(b)) + ")"
			case strings.Contains(b, a) && strings.ContainsAny(b, " ,"):
				return "has several names in one text, where aud must be an array"
			}
		}
	}
	return ""
}

// isWeb reports whether a text has an http or https URL.
func isWeb(s string) bool { return strings.Contains(s, "http://") || strings.Contains(s, "https://") }

func scheme(s string) string {
	name, _, ok := strings.Cut(s, "://")
	if !ok {
		return ""
	}
	return name
}

// causeOfClaims is the cause of a claim that is malformed or missing.
func (j *judge) causeOfClaims(c *Check) cause {
	if found, ok := j.otherKind(); ok {
		return found
	}
	if c.Name == "required claims" {
		if j.isLikely && j.likely.Name != j.config.Profile.Name {
			return because("wrong-profile", "its form is that of "+j.likely.Issuer+", and the profile is "+j.config.Profile.Name, Advice{
				Operator: "set the profile of the issuer.", Go: j.goIssuer(j.config.Issuer, j.config.Audience, j.likely),
			})
		}
		text := strings.TrimSuffix(strings.Split(c.Expected, "; ")[0], ", which the issuer's Profile requires")
		if !j.claims.has("exp") {
			return because("no-expiry", "it never expires: it has no exp", Advice{Issuer: "give access tokens an exp (RFC 9068, Section 2.2)."})
		}
		return because("missing-claim", "it lacks "+text, Advice{
			Issuer: "add the claim to access tokens.", Operator: "if the issuer's access tokens have another form, set jwks.Issuer.Profile.",
		})
	}
	value := j.claims[c.Log]
	isDate := c.Log == "exp" || c.Log == "iat" || c.Log == "nbf"
	switch {
	case isDate && value.Kind() == '"':
		return because("time-as-text", "its "+c.Log+" is a text, and must be a number", Advice{Issuer: "write times as numbers of seconds since 1970, without quotes (RFC 7519, Section 2)."})
	case isDate && value.Kind() == '0' && isMilliseconds(value):
		return because("time-in-milliseconds", "its "+c.Log+" is in milliseconds, and must be in seconds", Advice{Issuer: "divide by 1000: times are seconds since 1970 (RFC 7519, Section 2)."})
	case c.Log == "cnf":
		return because("malformed-binding", "its cnf, which binds it to a key, is malformed", Advice{Issuer: "send cnf with jkt (RFC 9449, Section 6.1) or x5t#S256 (RFC 8705, Section 3.1)."})
	}
	return because("malformed-claim", "its claim "+c.Log+" is malformed: "+strings.TrimPrefix(c.Got, c.Log+" is "), Advice{
		Issuer: "send this claim in the type that RFC 7519, Section 4.1 gives it.",
	})
}

// isMilliseconds reports whether a date is one of milliseconds: 13 digits.
func isMilliseconds(value strictjson.Value) bool {
	digits, _, _ := strings.Cut(string(value), ".")
	return len(digits) == 13 && strings.Trim(digits, "0123456789") == ""
}
