package conform

import (
	"strings"
	"unicode"
)

// prepare sets the placeholders that are the same in all cases.
func (r *run) prepare() error {
	jwks := map[string]string{}
	for _, k := range []struct{ name, alg string }{
		{"client", "ES256"}, {"other", "ES256"}, {"attacker", "ES256"}, {"weak", "RS256"}, {"client", "RS256"},
	} {
		jwk, err := r.keys.jwk(k.name, k.alg)
		if err != nil {
			return err
		}
		jwks[k.name+"/"+k.alg] = jwk
	}
	client, weak, attacker := jwks["client/ES256"], jwks["weak/RS256"], jwks["attacker/ES256"]
	issuer, base := r.Authority.URL(), r.target.base
	r.values = values{
		"issuer": issuer, "issuer-upper": strings.ToUpper(issuer), "audience": r.target.Audience,
		"scope": r.target.Scope, "scope-other-case": otherCase(r.target.Scope), "resource": r.target.resource(),
		"origin": base.Scheme + "://" + base.Host, "scheme": base.Scheme, "host": base.Host, "metadata": r.target.metadata(),
		"jkt": thumbprint(client), "jkt2": thumbprint(jwks["other/ES256"]), "jkt-rsa": thumbprint(jwks["client/RS256"]),
		"x5t": r.keys.certificateHash("client"), "x5t2": r.keys.certificateHash("other"),
		"certificate": stdBase64(r.keys.certificates["client"].Certificate[0]),
		"trap":        r.trap.url, "trap-keys": r.trap.keySet,
		"client-jwk": client, "client-jwk-rest": client[1:], "weak-jwk-rest": weak[1:], "attacker-jwk-rest": attacker[1:],
	}
	return nil
}

// activeAnswer is an introspection response for a good token, as an attacker's
// server gives it.
func (r *run) activeAnswer() string {
	return `{"active":true,"iss":` + quote(r.Authority.URL()) + `,"sub":"root","client_id":"app","aud":` + quote(r.target.Audience) +
		`,"scope":` + quote(r.target.Scope) + `}`
}

// otherCase returns a text with its letters in the other case, which is another
// scope. A scope without letters becomes another one by a letter.
func otherCase(text string) string {
	swapped := strings.Map(func(c rune) rune {
		if unicode.IsLower(c) {
			return unicode.ToUpper(c)
		}
		return unicode.ToLower(c)
	}, text)
	if swapped == text {
		return text + "X"
	}
	return swapped
}
