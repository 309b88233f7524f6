package bearertest

import "crypto/rand"

// The forms of issuers that attest workloads, and of proxies in front of the API.

var googleForm = form{
	typ: "JWT",
	access: func(g grant) members {
		account := g.sub("113774264463038321964", "113774264463038321964")
		return members{
			"sub": account, "azp": account, "aud": oneOrMany(g.audience), "email": "worker@acme.iam.gserviceaccount.com", "email_verified": true,
		}
	},
	others: map[Kind]func(grant) document{
		IDToken: func(g grant) document {
			return g.idToken("JWT", members{
				"azp": g.client, "aud": oneOrMany(g.audience), "email": "alice@example.com", "email_verified": true, "hd": "example.com",
				"auth_time": nil, "nonce": nil, "at_hash": nil, // as Google's library for Android gets it
			})
		},
		LogoutToken: func(g grant) document {
			return document{typ: "secevent+jwt", claims: members{
				"aud": oneOrMany(g.audience), "jti": rand.Text(),
				"events": members{"https://schemas.openid.net/secevent/risc/event-type/sessions-revoked": members{
					"subject": members{"subject_type": "iss-sub", "iss": g.iss, "sub": g.sub(defaultSubject, "")},
				}},
			}}
		},
	},
	types: []string{"JWT"}, texts: []string{"sub", "azp"}, required: []string{"iat"},
}

var gitHubActionsForm = form{
	typ: "JWT",
	access: func(g grant) members {
		return members{
			"sub": g.sub("repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main"), "aud": oneOrMany(g.audience),
			"jti": rand.Text(), "nbf": g.issued, "ref": "refs/heads/main", "ref_type": "branch", "sha": "0f3c3c1f7a5d4c0a8c3f2a4a0c1f7a5d4c0a8c3f",
			"repository": "acme/shop", "repository_id": "74", "repository_owner": "acme", "repository_owner_id": "65", "repository_visibility": "private",
			"actor": "alice", "actor_id": "12", "workflow": "deploy", "event_name": "push", "run_id": "30", "run_number": "10", "run_attempt": "1",
			"job_workflow_ref": "acme/shop/.github/workflows/deploy.yml@refs/heads/main", "runner_environment": "github-hosted",
		}
	},
	types: []string{"JWT"}, texts: []string{"sub", "jti"}, required: []string{"iat", "repository", "repository_id"},
}

var kubernetesForm = form{
	access: func(g grant) members {
		return members{
			"sub": g.sub("system:serviceaccount:shop:web", "system:serviceaccount:shop:web"), "aud": g.audience, "jti": rand.Text(), "nbf": g.issued,
			"kubernetes.io": members{
				"namespace": "shop", "serviceaccount": members{"name": "web", "uid": "8b4f9c1e-2b8a-4e57-9f0e-3d2a1c0b9f8e"},
				"pod":  members{"name": "web-5c9f", "uid": "5f2d1c0b-9a8b-4c7d-8e6f-1a2b3c4d5e6f"},
				"node": members{"name": "node-1", "uid": "1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"}, "warnafter": g.issued + 3607,
			},
		}
	},
	types: []string{"", "JWT"}, texts: []string{"sub"}, required: []string{"iat", "kubernetes.io"},
}

var spiffeForm = form{
	algorithm: "ES256", typ: "JWT",
	access: func(g grant) members {
		return members{"sub": g.sub("spiffe://acme.example.com/shop/web", "spiffe://acme.example.com/shop/web"), "aud": g.audience}
	},
	types: []string{"", "JWT", "JOSE"}, texts: []string{"sub"},
}

var googleIAPForm = form{
	algorithm: "ES256", typ: "JWT",
	access: func(g grant) members {
		return members{
			"sub": g.sub("accounts.google.com:"+defaultSubject, "accounts.google.com:113774264463038321964"), "aud": oneOrMany(g.audience), "azp": oneOrMany(g.audience),
			"email": "alice@example.com", "hd": g.ofUser("example.com"), "identity_source": "GOOGLE", "google": members{"access_levels": []string{}},
		}
	},
	types: []string{"JWT"}, texts: []string{"sub"}, required: []string{"iat"},
}

var cloudflareAccessForm = form{
	typ: "JWT",
	access: func(g grant) members {
		claims := members{
			"sub": g.ofUser(g.sub(defaultSubject, "")), "aud": g.audience, "email": g.ofUser("alice@example.com"), "nbf": g.issued, "type": "app",
			"identity_nonce": g.ofUser("6ei69kawdKzMIAPF"), "country": g.ofUser("US"), "common_name": g.ofClient(g.client),
		}
		if g.own {
			claims["sub"] = ""
		}
		return claims
	},
	others: map[Kind]func(grant) document{
		SessionToken: func(g grant) document {
			return document{typ: "JWT", claims: members{
				"sub": g.sub(defaultSubject, ""), "aud": g.audience, "email": "alice@example.com", "type": "org", "identity_nonce": "6ei69kawdKzMIAPF",
			}}
		},
	},
	types: []string{"", "JWT"}, required: []string{"iat"},
	kind: "type", kinds: []any{nil, "org", "", 1},
}
