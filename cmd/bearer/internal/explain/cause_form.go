package explain

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// formCause is a form of text that people send in place of a JWT.
type formCause struct {
	id, kind, text string
	is             func(token string) bool
	client         string
	operator       string
}

func matches(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

const opaqueAdvice = "opaque tokens need an introspect.Verifier in bearer.Config.Verifiers, beside or instead of the jwks.Verifier."

// formCauses are tried in order.
var formCauses = []formCause{
	{"no-token", "nothing", "there is no token", func(t string) bool { return t == "" },
		"send the token after the word Bearer: an empty variable in a shell is the usual cause.", ""},
	{"placeholder", "a placeholder", "this is a placeholder that was not replaced", matches(`^(\$\{?\w+\}?|\{\{.*\}\}|<[^<>.]*>|YOUR_\w+|undefined|null|None|nil|true|false|NaN|\[object \w+\])$`),
		"the program that builds the request had no token: check the name of the variable, and that the login has finished.", ""},
	{"json-response", "a token response", "this is the whole answer of the token endpoint", matches(`^\{[\s\S]*"access_token"`),
		"send only the value of access_token.", ""},
	{"json-serialization", "a JWS in JSON serialization", "this is a JWS in JSON serialization, and an API accepts the compact form only", matches(`^\{[\s\S]*"(payload|ciphertext)"`),
		"send the compact serialization: three parts with dots between them.", ""},
	{"decoded", "a decoded token", "this is a decoded token, not the token itself", matches(`^\{[\s\S]*"(iss|alg)"`),
		"send the token as the issuer gave it.", ""},
	{"scheme", "a token with a scheme", "the scheme is there twice, or belongs to another kind of credentials", matches(`^(?i:bearer|dpop|token|jwt|basic)[ :]`),
		"send exactly one word before the token: Authorization: Bearer TOKEN.", ""},
	{"quotes", "a token in quotes", "there are quotes around the token", matches(`^["'].*["']$`),
		"remove the quotes: jq -r prints a value without them.", ""},
	{"line-breaks", "a token with white space", "there is white space within the token", matches(`^[\w.~+/=\s-]*\s[\w.~+/=\s-]*$`),
		"send the token in one line: base64 -w0 and jq -r do not break lines.", ""},
	{"surrounded", "a text with a JWT in it", "there is more than the token", func(t string) bool { found := jwtsWithin(t); return len(found) == 1 && found[0] != t },
		"send only the token, without the rest of the command, URL or cookie that it was copied from.", ""},
	{"two-tokens", "several tokens", "these are several tokens", matches(`^[\w.~+/=-]+[,;]\s*([A-Za-z]+ )?[\w.~+/-]{8,}`), "send one token in one field.", ""},
	{"percent-encoded", "a percent-encoded token", "the token is percent-encoded", matches(`%[0-9A-Fa-f]{2}`),
		"decode what comes from a URL or a form before you send it.", ""},
	{"shortened", "a shortened token", "the token was shortened for display", matches(`\.\.\.|…`),
		"copy the whole token: logs and consoles shorten long texts.", ""},
	{"encrypted", "an encrypted token (JWE)", "it is encrypted (five parts), and only its recipient can read it", isEncrypted,
		"request the token for this API: with Auth0, name the API's audience.", "have the issuer sign this API's tokens without encryption."},
	{"paseto", "a PASETO", "this is a PASETO, and an API of this SDK verifies JWTs", matches(`^v[1-4]\.(local|public)\.`),
		"", "use an issuer that gives JWTs (RFC 9068) or that introspects tokens (RFC 7662)."},
	{"saml", "a SAML assertion", "this is probably a SAML assertion", matches(`^(PHNhbWw|PD94bWw|PEFzc2Vy)`),
		"exchange the assertion for an access token at the issuer (RFC 7522).", ""},
	{"base64-token", "the base64 of a JWT", "this is the base64 of a JWT", isEncodedToken,
		"send the JWT itself, without another base64 around it. In Kubernetes, decode the secret first.", ""},
	{"github-token", "a token of GitHub", "this is a token of GitHub, which only GitHub can verify", matches(`^(gh[opsur]_|github_pat_)`),
		"get a token from the issuer of this API.", ""},
	{"google-token", "an opaque token of Google", "this is an opaque access token of Google, for Google's own APIs", matches(`^ya29\.`),
		"send an ID token whose audience is this API, as gcloud auth print-identity-token prints it.", ""},
	{"api-key", "an API key", "this looks like an API key, not like an access token", matches(`^(sk|pk|rk)[-_]`), "get a token from the issuer of this API.", ""},
	{"basic", "a name and a password", "this is a user name and a password in base64", isBasic,
		"get an access token from the issuer, and send it as Bearer.", ""},
	{"truncated", "a part of a JWT", "the signature is missing: the token was cut off, or decoded and put together again", matches(`^eyJ[\w-]+\.[\w-]+$`),
		"send the whole token: three parts with two dots. A cookie or a column may be too short for it.", ""},
	{"header-only", "a part of a JWT", "this is the first part of a JWT only", matches(`^eyJ[\w-]+$`),
		"send the whole token: three parts with two dots.", ""},
	{"too-many-parts", "a text with dots", "it has too many parts for a JWT", func(t string) bool { return strings.HasPrefix(t, "eyJ") && strings.Count(t, ".") > 2 },
		"send the token as the issuer gave it.", ""},
}

func (j *judge) causeOfForm() cause {
	for _, f := range formCauses {
		if f.is(j.token) {
			return because(f.id, f.text, Advice{Client: f.client, Operator: f.operator})
		}
	}
	if c := j.failed("characters"); c != nil {
		return because("characters", "it contains "+c.Got+", which no token has", Advice{Client: "send the token as the issuer gave it."})
	}
	return because("opaque", "it is opaque, and only its issuer can say what it is worth", Advice{
		Client:   "if the API wants JWTs, request the token for this API: some issuers give opaque tokens without an audience or resource.",
		Operator: opaqueAdvice,
		Go:       "introspect.New(introspect.Config{Issuer: " + shown(cmpOr(j.config.Issuer, "https://login.example.com")) + ", Auth: introspect.ClientSecretBasic(id, secret)})",
	})
}

// kindText says what the token is, by its form and its claims.
func (j *judge) kindText() string {
	if j.failed("form") == nil && j.failed("characters") == nil {
		return "a JWT"
	}
	for _, f := range formCauses {
		if f.is(j.token) {
			return f.kind
		}
	}
	return "an opaque token"
}

func isEncrypted(token string) bool {
	header, rest, _ := strings.Cut(token, ".")
	document, err := jose.DecodeBase64URL(header)
	return err == nil && strings.Count(rest, ".") == 3 && strings.HasPrefix(string(document), "{")
}

func isEncodedToken(token string) bool {
	text := decodeAny(token)
	return strings.HasPrefix(text, "eyJ") && strings.Count(text, ".") == 2
}

func isBasic(token string) bool {
	name, password, ok := strings.Cut(decodeAny(token), ":")
	return ok && name != "" && password != "" && isPrintable(name+password)
}

func isPrintable(s string) bool {
	return strings.Trim(s, token68+"!@#$%^&*()[]{};'<>,?|\"\\ =`") == ""
}

// decodeAny decodes either alphabet of base64, with or without padding.
func decodeAny(s string) string {
	s = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(s, "="))
	data, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return ""
	}
	return string(data)
}

// cleaned returns the token without what people and programs add to tokens by
// mistake, and names what was removed.
func cleaned(token string) (clean, removed string) {
	clean = token
	if name, rest, ok := strings.Cut(clean, " "); ok && (strings.EqualFold(name, "bearer") || strings.EqualFold(name, "dpop")) {
		clean, removed = strings.TrimSpace(rest), "the second scheme"
	}
	if len(clean) > 2 && (clean[0] == '"' || clean[0] == '\'') && clean[len(clean)-1] == clean[0] {
		clean, removed = clean[1:len(clean)-1], "the quotes"
	}
	if joined := strings.Join(strings.Fields(clean), ""); joined != clean && strings.HasPrefix(clean, "eyJ") {
		clean, removed = joined, "the white space"
	}
	if strings.HasPrefix(clean, "{") {
		if set, err := readClaims([]byte(clean)); err == nil && set.has("access_token") {
			clean, removed = set.text("access_token"), "the rest of the token response"
		} else if compact := compactOf(set); compact != "" {
			clean, removed = compact, "the JSON serialization"
		}
	}
	if isEncodedToken(clean) {
		clean, removed = decodeAny(clean), "the second base64"
	}
	if isToken68(clean) && clean != strings.TrimRight(clean, "=") && strings.Count(clean, ".") == 2 {
		clean, removed = strings.TrimRight(clean, "="), "the padding"
	}
	if found := slices.Compact(jwtsWithin(clean)); len(found) == 1 && found[0] != clean {
		clean, removed = found[0], "the text around it"
	}
	return clean, removed
}

var jwtText = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// jwtsWithin returns the JWTs in a text. What is a part of another kind of token is no
// JWT.
func jwtsWithin(text string) (found []string) {
	for _, at := range jwtText.FindAllStringIndex(text, -1) {
		before, after := text[:at[0]], strings.TrimSuffix(text[at[1]:], ".")
		if strings.TrimRight(before, token68) == before && strings.TrimLeft(after, token68+"=") == after {
			found = append(found, text[at[0]:at[1]])
		}
	}
	return found
}

// compactOf returns the compact serialization of a flattened JWS in JSON (RFC 7515,
// Section 7.2.2), or nothing.
func compactOf(set claimSet) string {
	part := func(name string) string {
		s, err := strictjson.String(set[name])
		if err != nil {
			return ""
		}
		return s
	}
	protected, payload, signature := part("protected"), part("payload"), part("signature")
	if protected == "" || payload == "" || signature == "" {
		return ""
	}
	return protected + "." + payload + "." + signature
}

func (j *judge) causeOfDocument(c *Check) cause {
	whole := Advice{Client: "send the token as the issuer gave it, in full and unchanged."}
	switch {
	case c.Name == "crit":
		return because("critical-extension", "its header demands an extension (crit) that the SDK does not support", Advice{Issuer: "issue access tokens without crit."})
	case c.Name == "header" && strings.Contains(c.Got, "JWE"):
		return because("encrypted-header", "its header is that of an encrypted token", Advice{Issuer: "sign this API's tokens without encryption."})
	case c.Name == "header" && strings.Contains(c.Got, "duplicate"):
		return because("duplicate-header", "a name stands in its header twice", Advice{Issuer: "send each header parameter once (RFC 7515, Section 4)."})
	case c.Name == "header":
		return because("malformed-header", "its header cannot be read: "+c.Got, whole)
	case c.Name == "encoding":
		return j.causeOfEncoding()
	case j.claims == nil && strings.Contains(c.Got, "duplicate"):
		return because("duplicate-claim", "a claim stands in it twice", Advice{Issuer: "send each claim once (RFC 7519, Section 4)."})
	case j.claims == nil:
		return because("malformed-claims", "its payload is not a JSON object: "+c.Got, whole)
	}
	if found, ok := j.otherKind(); ok {
		return found
	}
	return because("no-issuer", "it does not say who issued it (iss)", Advice{
		Client: "check that this is an access token of the issuer, and not a token that a program made itself.",
		Issuer: "put iss into access tokens.",
	})
}

func (j *judge) causeOfEncoding() cause {
	segments := strings.Split(j.token, ".")
	switch {
	case segments[2] == "":
		if strings.EqualFold(j.header.Algorithm, "none") {
			return because("unsigned", "it has no signature (alg none), so anybody could have written it", Advice{Issuer: "sign access tokens."})
		}
		return because("no-signature", "its signature is missing", Advice{Client: "send the whole token: the part after the second dot is missing."})
	case strings.Contains(segments[2], "~"):
		return because("sd-jwt", "this is a verifiable credential (SD-JWT), not an access token", Advice{Client: "send an access token of the issuer."})
	case strings.Contains(j.token, "="):
		return because("padding", "there are equals signs in it, and base64url in a JWT has none", Advice{Client: "encode the parts as base64url without padding, or send the token as the issuer gave it."})
	case strings.ContainsAny(j.token, "+/"):
		return because("standard-base64", "it has + or /, the alphabet of standard base64", Advice{Client: "encode the parts as base64url, or send the token as the issuer gave it."})
	}
	return because("altered", "a part of it is not base64url: the token was cut off or altered", Advice{
		Client: "send the token as the issuer gave it, in full and unchanged. A cookie, a header or a column may be too short for it.",
	})
}
