package explain

import (
	"fmt"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
)

// cause is the probable reason why an API refuses the token, and what to do.
type cause struct {
	id     string // stable, for programs
	text   string // completes "An API would answer 401: …"
	advice Advice
}

// because returns a cause. Each advice may be empty.
func because(id, text string, a Advice) cause { return cause{id, text, a} }

// causeOf returns the probable cause of a check that failed.
func (j *judge) causeOf(c *Check) cause {
	switch c.Name {
	case "length":
		return because("token-too-long", "the token is longer than an API accepts", Advice{
			Issuer:   "put less into the token: fewer groups, or only those that this API needs.",
			Operator: "raise bearer.Config.MaxTokenBytes, and the limit of the proxy in front of the API.",
		})
	case "characters", "form":
		return j.causeOfForm()
	case "header", "crit", "encoding", "claims":
		return j.causeOfDocument(c)
	case "issuer":
		return j.causeOfIssuer()
	case "algorithm":
		return j.causeOfAlgorithm()
	case "type", "kind":
		return j.causeOfKind(c)
	case "keys":
		return j.causeOfKeys()
	case "key", "signature":
		return j.causeOfSignature(c)
	case "claim types", "required claims":
		return j.causeOfClaims(c)
	case "audience":
		return j.causeOfAudience()
	case "not before", "issued", "expiry":
		return j.causeOfTime(c)
	case "binding":
		return j.causeOfBinding()
	case "scope", "role":
		return j.causeOfRoute(c)
	}
	return because("subject", "its subject is not one that the profile accepts", Advice{
		Operator: "if this caller may use the API, add the subject to Subjects in the profile.",
		Go:       `profile.Subjects = []string{` + fmt.Sprintf("%.120q", j.claims.text("sub")) + `}`,
	})
}

// otherKind returns the cause if the token is clearly another kind than an access
// token.
func (j *judge) otherKind() (cause, bool) {
	send := func(id, text, what string) (cause, bool) {
		return because(id, text, Advice{Client: "send the access token, not the " + what + "."}), true
	}
	typ := strings.ToLower(j.header.Type)
	c := j.claims
	switch {
	case typ == "dpop+jwt", c.has("htm") && c.has("htu"):
		return because("dpop-proof", "this is a DPoP proof, not an access token", Advice{
			Client: "send the proof in the field DPoP, and the access token in Authorization: DPoP.",
		}), true
	case typ == "logout+jwt", c.has("events"):
		return because("logout-token", "this is a logout token or another security event, not an access token", Advice{
			Client:   "do not send it as an access token.",
			Operator: "to receive sign-outs, use denylist.Receiver.",
		}), true
	case typ == "client-authentication+jwt", j.iss != "" && j.iss == c.text("sub") && !c.has("scope"):
		return because("client-assertion", "this is the assertion by which a client authenticates to its issuer, not an access token", Advice{
			Client: "send the assertion to the issuer's token endpoint, and the access token from its answer to the API.",
		}), true
	case typ == "token-introspection+jwt", c.has("token_introspection"):
		return send("introspection-response", "this is the issuer's answer to an introspection, not an access token", "answer about it")
	case typ == "oauth-authz-req+jwt":
		return send("authorization-request", "this is a signed authorization request, not an access token", "request object")
	case c.text("typ") == "Refresh", c.text("typ") == "Offline", c.text("type") == "refresh_token", c.text("token_use") == "refresh":
		return send("refresh-token", "this is a refresh token, which only the issuer accepts", "refresh token")
	case j.looksLikeIDToken():
		return because("id-token", "this is an ID token, which tells the client who the user is; an API needs an access token", Advice{
			Client: "send access_token from the token response, not id_token. If there is none, request a scope or the audience of this API.",
		}), true
	}
	return cause{}, false
}

// looksLikeIDToken reports whether the claims are those of an ID token.
func (j *judge) looksLikeIDToken() bool {
	c := j.claims
	switch {
	case c.text("typ") == "ID", c.text("token_use") == "id", c.text("type") == "id_token":
		return true
	case c.has("scope"), c.has("scp"), c.has("firebase"):
		return false
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "s_hash"} {
		if c.has(name) {
			return true
		}
	}
	return strings.HasPrefix(c.text("jti"), "ID.")
}

func (j *judge) causeOfKind(c *Check) cause {
	if found, ok := j.otherKind(); ok {
		return found
	}
	if j.isLikely && j.likely.Name != j.config.Profile.Name {
		return because("wrong-profile", "its form is that of "+j.likely.Issuer+", and the profile is "+j.config.Profile.Name, Advice{
			Operator: "set the profile of the issuer.",
			Go:       j.goIssuer(j.config.Issuer, j.config.Audience, j.likely),
		})
	}
	if c.Name == "type" {
		return because("type", "its header's typ is "+c.Got+", and the profile "+j.config.Profile.Name+" wants "+c.Expected, Advice{
			Client:   "check that this is the access token, and no other token of the issuer.",
			Operator: "if it is, set jwks.Issuer.Profile to the issuer's profile, or list the type in Types of a profile of your own.",
			Go:       "Profile: jwks.Profile{Types: []string{" + fmt.Sprintf("%.64q", j.header.Type) + "}},",
		})
	}
	return because("kind", "it is not an access token by the profile "+j.config.Profile.Name, Advice{
		Client:   "check that this is the access token, and no other token of the issuer.",
		Operator: "if it is, set jwks.Issuer.Profile to the issuer's profile.",
	})
}

func (j *judge) causeOfBinding() cause {
	cnf := j.principal.Confirmation
	switch {
	case cnf.JKT != "":
		return because("dpop-bound", "it is bound to a key, so it is not accepted under the scheme Bearer", Advice{
			Client:   "send Authorization: DPoP, and with each request a new proof in the field DPoP.",
			Operator: "set bearer.Config.Proofs, so that the API accepts proofs.",
			Go:       `Proofs: checker, // checker, err := dpop.New(dpop.Config{Origin: "https://api.example.com"})`,
			Command:  `bearer proof --key client.pem --url URL --token "$TOKEN"`,
		})
	case cnf.X5TS256 != "":
		return because("certificate-bound", "it is bound to a client certificate", Advice{
			Client:   "present the certificate that was used at the token endpoint: curl --cert client.pem --key client-key.pem.",
			Operator: "set bearer.Config.Certificates; behind a proxy that terminates TLS, also TrustedProxy and From.",
		})
	}
	return because("unknown-binding", "it is bound to a key by a method that the SDK does not know", Advice{
		Issuer: "bind tokens by DPoP (cnf.jkt) or by a certificate (cnf.x5t#S256), or do not bind them.",
	})
}

// goIssuer returns the Go lines of an issuer's configuration.
func (j *judge) goIssuer(url string, audience []string, p profile.Named) string {
	var b strings.Builder
	fmt.Fprintf(&b, "jwks.Issuer{\n\tURL:      %s,\n\tAudience: []string{%s},\n", shown(url), quoted(audience))
	if p.Name != profile.Default.Name {
		fmt.Fprintf(&b, "\tProfile:  %s,\n", p.Go)
	}
	if j.config.KeysURL != "" {
		fmt.Fprintf(&b, "\tKeys:     jwks.KeysFromURL(%q),\n", j.config.KeysURL)
	}
	return b.String() + "}"
}
