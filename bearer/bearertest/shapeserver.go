package bearertest

import (
	"crypto/rand"
	"strings"
	"time"
)

// The forms of servers that companies run themselves.

var rfc9068Form = form{
	algorithm: defaultAlgorithm, typ: "at+jwt",
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, g.client), "client_id": g.client, "aud": g.audience, "jti": rand.Text(),
			"scope": g.scope(), "roles": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken:     func(g grant) document { return g.idToken("JWT", nil) },
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", nil) },
	},
	types: []string{"at+jwt"}, texts: []string{"sub", "client_id", "jti"}, required: []string{"iat"},
}

var keycloakForm = form{
	typ: "JWT",
	access: func(g grant) members {
		name := g.sub(defaultSubject, "service-account-"+g.client)
		claims := members{
			"jti": "onrtac:" + rand.Text(), "aud": oneOrMany(g.audience), "sub": g.sub(defaultSubject, "3cc1b0c5-5d2c-4c0b-8b0e-6d1f6e2f1c55"),
			"typ": "Bearer", "azp": g.client, "sid": g.ofUser("08a5019c-17e1-4977-8f42-65a12843ea02"),
			"auth_time": g.ofUser(g.issued), "acr": "1", "allowed-origins": []string{"https://app.example.com"},
			"scope": g.scope(), "email_verified": false, "preferred_username": name,
			"client_id": g.ofClient(g.client), "clientHost": g.ofClient("192.0.2.1"), "clientAddress": g.ofClient("192.0.2.1"),
			"resource_access": members{"account": members{"roles": []string{"manage-account", "view-profile"}}},
		}
		if len(g.roles) > 0 {
			claims["realm_access"] = members{"roles": g.roles}
		}
		return claims
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"typ": "ID", "azp": g.client, "jti": rand.Text(), "acr": "1", "sid": "08a5019c-17e1-4977-8f42-65a12843ea02"})
		},
		RefreshToken: func(g grant) document {
			return document{typ: "JWT", secret: true, claims: members{
				"jti": rand.Text(), "aud": g.iss, "sub": g.sub(defaultSubject, g.client), "typ": "Refresh", "azp": g.client, "scope": g.scope(),
			}}
		},
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", members{"typ": "Logout"}) },
	},
	types: []string{"JWT", "at+jwt"}, texts: []string{"jti"}, required: []string{"iat"}, clients: []string{"azp", "client_id"},
	kind: "typ", kinds: []any{nil, "ID", "Refresh", "Offline", "Logout", "bearer", "", 1},
}

var zitadelForm = form{
	typ: "JWT",
	access: func(g grant) members {
		claims := members{
			"sub": g.sub(defaultSubject, "312909075212468632"), "client_id": g.client, "aud": append([]string{g.client}, g.audience...),
			"nbf": g.issued, "jti": "V2_" + rand.Text(),
		}
		if len(g.roles) > 0 {
			roles := members{}
			for _, role := range g.roles {
				roles[role] = members{"271930482913": "acme.example.com"}
			}
			claims["urn:zitadel:iam:org:project:roles"] = roles
		}
		return claims
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"aud": []string{g.client}, "azp": g.client, "client_id": g.client, "amr": []string{"pwd"}, "sid": "V1_1"})
		},
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", nil) },
	},
	types: []string{"JWT"}, texts: []string{"sub", "jti"}, required: []string{"iat"}, clients: []string{"client_id", "azp"},
}

var hydraForm = form{
	typ: "JWT",
	access: func(g grant) members {
		extra := members{}
		if len(g.roles) > 0 {
			extra["roles"] = g.roles
		}
		return members{
			"sub": g.sub(defaultSubject, g.client), "client_id": g.client, "aud": g.audience, "nbf": g.issued, "jti": rand.Text(),
			"scp": append([]string{}, g.scopes()...), "ext": extra,
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"aud": []string{g.client}, "amr": []string{"password"}, "rat": g.issued, "jti": rand.Text(), "sid": "s"})
		},
		LogoutToken: func(g grant) document { return g.logoutToken("JWT", members{"aud": []string{g.client}, "sub": nil}) },
	},
	types: []string{"JWT", "at+jwt"}, texts: []string{"sub", "client_id", "jti"}, required: []string{"iat"},
}

var duendeForm = form{
	typ: "at+jwt",
	access: func(g grant) members {
		claims := members{
			"nbf": g.issued, "aud": oneOrMany(g.audience), "scope": list(g.scopes()), "client_id": g.client, "jti": rand.Text(),
			"amr": g.ofUser([]string{"pwd"}), "sub": g.ofUser(g.sub(defaultSubject, "")), "auth_time": g.ofUser(g.issued), "idp": g.ofUser("local"),
			"sid": g.ofUser("0E2F1C5A"),
		}
		if len(g.roles) > 0 {
			claims["role"] = oneOrMany(g.roles)
		}
		return claims
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"nbf": g.issued, "amr": []string{"pwd"}, "idp": "local", "sid": "0E2F1C5A"})
		},
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", nil) },
	},
	types: []string{"at+jwt"}, texts: []string{"client_id", "jti"}, required: []string{"iat"},
}

var springForm = form{
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, g.client), "aud": g.client, "nbf": g.issued, "jti": rand.Text(),
			"scope": list(g.scopes()), "roles": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken(nil, members{"azp": g.client, "jti": rand.Text(), "sid": "s", "at_hash": nil})
		},
	},
	audienceIsClient: true, types: []string{"", "JWT", "at+jwt"}, texts: []string{"sub", "jti"}, required: []string{"iat", "nbf"},
}

// commaList returns the values as Glewlwyd writes those of a user's property: as
// one string.
func commaList(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return strings.Join(values, ",")
}

var glewlwydForm = form{
	typ: "at+jwt",
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, g.client), "client_id": g.client, "aud": oneOrMany(g.audience), "nbf": g.issued, "jti": rand.Text(),
			"type": "access_token", "scope": g.scope(),
			"roles": g.ofUser(commaList(g.roles)),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken:     func(g grant) document { return g.idToken("JWT", members{"azp": g.client, "amr": []string{"password"}}) },
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", nil) },
	},
	types: []string{"at+jwt"}, texts: []string{"sub", "client_id", "jti"}, required: []string{"iat"},
	kind: "type", kinds: []any{nil, "refresh_token", "id_token", "", 1},
}

var pingFederateForm = form{
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, g.client), "client_id": g.client, "aud": oneOrMany(g.audience), "jti": rand.Text(),
			"scope": g.scope(), "roles": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken(nil, members{"jti": rand.Text(), "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "pi.sri": "s"})
		},
	},
	types: []string{"", "JWT", "at+jwt"}, texts: []string{"sub", "client_id"},
}

var adfsForm = form{
	typ: "JWT",
	access: func(g grant) members {
		claims := members{
			"sub": g.ofUser(g.sub(defaultSubject, "")), "aud": oneOrMany(g.audience), "nbf": g.issued, "apptype": "Confidential", "appid": g.client,
			"authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
			"auth_time":  time.Unix(g.issued, 0).UTC().Format("2006-01-02T15:04:05.000Z"), "ver": "1.0", "scp": g.scope(),
		}
		if len(g.roles) > 0 {
			claims["role"] = oneOrMany(g.roles)
		}
		return claims
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"unique_name": `ACME\alice`, "upn": "alice@acme.example.com", "sid": "S-1-5-21-1"})
		},
	},
	types: []string{"JWT"}, texts: []string{"appid"}, required: []string{"iat", "ver"},
}
