package bearertest

import (
	"crypto/rand"
	"strings"
)

// The forms of services.

// Identifiers of Entra ID.
const (
	entraTenant = "6babcaad-604b-40ac-a9d7-9fd97c0b779f"
	entraObject = "7f3f2f0e-2d0b-4a54-9a3c-5d7b6f4f7a10"
)

// entraObject returns the object ID: of a user, who has another sub at each
// client, or of a client, whose sub it is.
func (g grant) entraObject() string {
	if g.own {
		return g.sub("", entraObject)
	}
	return entraObject
}

var entraIDForm = form{
	typ: "JWT",
	access: func(g grant) members {
		object := g.entraObject()
		return members{
			"sub": g.sub(defaultSubject, object), "aud": oneOrMany(g.audience), "nbf": g.issued, "aio": "ATQA", "azp": g.client, "azpacr": "1",
			"name": g.ofUser("Alice"), "oid": object, "preferred_username": g.ofUser("alice@acme.example.com"), "rh": "0.A", "roles": list(g.roles),
			"scp": g.ofUser(g.scope()), "tid": entraTenant, "uti": rand.Text(), "ver": "2.0",
		}
	},
	others: map[Kind]func(grant) document{IDToken: entraIDToken("2.0")},
	types:  []string{"JWT"}, texts: []string{"sub", "azp"}, required: []string{"iat", "ver"},
}

var entraIDv1Form = form{
	typ: "JWT",
	access: func(g grant) members {
		object := g.entraObject()
		return members{
			"sub": g.sub(defaultSubject, object), "aud": oneOrMany(g.audience), "nbf": g.issued, "acr": g.ofUser("1"), "aio": "ATQA",
			"amr": g.ofUser([]string{"pwd", "mfa"}), "appid": g.client, "appidacr": "1", "idp": "https://sts.windows.net/" + entraTenant + "/",
			"idtyp": g.ofClient("app"), "name": g.ofUser("Alice"), "oid": object, "roles": list(g.roles), "scp": g.ofUser(g.scope()), "tid": entraTenant,
			"unique_name": g.ofUser("alice@acme.example.com"), "uti": rand.Text(), "ver": "1.0",
		}
	},
	others: map[Kind]func(grant) document{IDToken: entraIDToken("1.0")},
	types:  []string{"JWT"}, texts: []string{"sub", "appid"}, required: []string{"iat", "ver"},
}

func entraIDToken(version string) func(grant) document {
	return func(g grant) document {
		return g.idToken("JWT", members{
			"nbf": g.issued, "name": "Alice", "oid": entraObject, "preferred_username": "alice@acme.example.com",
			"tid": entraTenant, "ver": version, "roles": list(g.roles), "at_hash": nil, "auth_time": nil,
		})
	}
}

var azureADB2CForm = form{
	typ: "JWT",
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, entraObject), "aud": oneOrMany(g.audience), "nbf": g.issued, "azp": g.client, "tfp": "B2C_1_signupsignin",
			"scp": g.scope(), "ver": "1.0", "roles": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"nbf": g.issued, "ver": "1.0", "tfp": "B2C_1_signupsignin", "at_hash": nil})
		},
	},
	types: []string{"JWT"}, texts: []string{"sub", "azp"}, required: []string{"iat", "ver"},
}

var oktaForm = form{
	access: func(g grant) members {
		return members{
			"ver": 1, "jti": "AT." + rand.Text(), "aud": oneOrMany(g.audience), "cid": g.client, "uid": g.ofUser("00uix0nkwvhzSJ2k90h7"),
			"sub": g.sub(defaultSubject, g.client), "scp": list(g.scopes()), "auth_time": g.ofUser(g.issued), "groups": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken(nil, members{"ver": 1, "jti": "ID." + rand.Text(), "amr": []string{"pwd"}, "idp": "00o1", "name": "Alice"})
		},
	},
	types: []string{"", "JWT", "at+jwt"}, texts: []string{"sub", "cid", "jti"}, required: []string{"iat"},
}

var auth0Form = form{
	typ: "JWT",
	access: func(g grant) members {
		audience := g.audience
		if !g.own {
			audience = append(append([]string{}, audience...), g.iss+"/userinfo")
		}
		return members{
			"sub": g.sub(defaultSubject, g.client+"@clients"), "aud": oneOrMany(audience), "azp": g.client, "scope": g.scope(),
			"gty": g.ofClient("client-credentials"), "permissions": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{"sid": "s", "nickname": "alice", "auth_time": nil, "at_hash": nil})
		},
		LogoutToken: func(g grant) document { return g.logoutToken("logout+jwt", nil) },
	},
	types: []string{"JWT", "at+jwt"}, texts: []string{"sub", "azp"}, required: []string{"iat"},
}

var cognitoForm = form{
	access: func(g grant) members {
		return members{
			"sub": g.sub(defaultSubject, g.client), "client_id": g.client, "version": 2, "token_use": "access", "scope": g.scope(),
			"auth_time": g.issued, "jti": rand.Text(), "origin_jti": g.ofUser("o"), "username": g.ofUser(g.sub(defaultSubject, "")),
			"cognito:groups": g.ofUser(list(g.roles)),
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken(nil, members{"token_use": "id", "cognito:username": "alice", "jti": rand.Text(), "nonce": nil})
		},
	},
	types: []string{"", "JWT"}, texts: []string{"sub", "jti"}, required: []string{"iat"}, audience: "client_id", audienceIsClient: true,
	kind: "token_use", kinds: []any{nil, "id", "", 1},
}

var firebaseForm = form{
	typ: "JWT",
	access: func(g grant) members {
		user := g.sub(defaultSubject, "")
		return members{
			"sub": user, "user_id": user, "aud": oneOrMany(g.audience), "auth_time": g.issued, "email": "alice@example.com", "email_verified": true,
			"firebase": members{"identities": members{"email": []string{"alice@example.com"}}, "sign_in_provider": "password"}, "roles": list(g.roles),
		}
	},
	others: map[Kind]func(grant) document{
		SessionToken: func(g grant) document {
			return document{typ: "JWT", claims: members{
				"iss": "https://session.firebase.google.com/" + strings.Join(g.audience, ""), "sub": g.sub(defaultSubject, ""), "aud": oneOrMany(g.audience),
				"auth_time": g.issued, "firebase": members{"sign_in_provider": "password"},
			}}
		},
	},
	types: []string{"JWT"}, texts: []string{"sub"}, required: []string{"iat", "auth_time", "firebase"},
}
