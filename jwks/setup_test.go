package jwks_test

import "github.com/bearerkit/bearerkit/jwks"

// docs/issuer-setup.md and docs/five-minutes.md contain the code of these
// functions. setup_run_test.go runs each against tokens of the true shape.

func keycloak() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://sso.example.com/realms/shop",
		Audience: []string{"orders-api"},
		Profile:  jwks.Keycloak(),
	}
}

func entraID() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.microsoftonline.com/6babcaad-604b-40ac-a9d7-9fd97c0b779f/v2.0",
		Audience: []string{"ef1da9d4-ff77-4c3e-a005-840c3f830745"}, // the API's application (client) ID
		Profile:  jwks.EntraID(),
	}
}

func entraIDv1() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://sts.windows.net/6babcaad-604b-40ac-a9d7-9fd97c0b779f/",
		Audience: []string{"api://ef1da9d4-ff77-4c3e-a005-840c3f830745"}, // the application ID URI
		Profile:  jwks.EntraID(),
	}
}

func auth0() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://acme.eu.auth0.com/", // with the slash
		Audience: []string{"https://api.example.com"},
		Profile:  jwks.Auth0(),
	}
}

func okta() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://acme.okta.com/oauth2/default",
		Audience: []string{"api://default"},
		Profile:  jwks.Okta(),
	}
}

func cognito() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example",
		Audience: []string{"1example23456789"}, // the IDs of the app clients
		Profile:  jwks.Cognito(),
	}
}

func azureADB2C() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://acme.b2clogin.com/6babcaad-604b-40ac-a9d7-9fd97c0b779f/v2.0/", // with the slash
		Keys:     jwks.KeysFromMetadata("https://acme.b2clogin.com/acme.onmicrosoft.com/B2C_1_signupsignin/v2.0/.well-known/openid-configuration"),
		Audience: []string{"ef1da9d4-ff77-4c3e-a005-840c3f830745"}, // the API's application ID
		Profile:  jwks.AzureADB2C(),
	}
}

func firebase() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://securetoken.google.com/shop-4711",
		Audience: []string{"shop-4711"}, // the project's ID
		Profile:  jwks.Firebase(),
	}
}

func zitadel() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://acme.zitadel.cloud",
		Audience: []string{"271930482914"}, // the project's ID
		Profile:  jwks.Zitadel(),
	}
}

func hydra() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.example.com", // urls.self.issuer
		Audience: []string{"https://api.example.com"},
		Profile:  jwks.Hydra(),
	}
}

func duende() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.example.com",
		Audience: []string{"orders-api"}, // the name of the ApiResource
		Profile:  jwks.Duende(),
	}
}

func spring() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.example.com",
		Audience: []string{"web", "worker"}, // the client IDs
		Profile:  jwks.Spring(),
	}
}

func glewlwyd() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.example.com/api/oidc",
		Audience: []string{"https://api.example.com"},
		Profile:  jwks.Glewlwyd(),
	}
}

func pingFederate() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://login.example.com",
		Keys:     jwks.KeysFromURL("https://login.example.com/ext/orders/jwks"), // of the access token manager
		Audience: []string{"https://api.example.com"},
		Profile:  jwks.PingFederate(),
	}
}

func adfs() jwks.Issuer {
	return jwks.Issuer{
		URL:                     "http://adfs.example.com/adfs/services/trust", // access_token_issuer in the metadata
		AllowNonHTTPSIdentifier: true,                                          // it is compared, nothing more
		Keys:                    jwks.KeysFromMetadata("https://adfs.example.com/adfs/.well-known/openid-configuration"),
		Audience:                []string{"https://api.example.com"},
		Profile:                 jwks.ADFS(),
	}
}

func google() jwks.Issuer {
	profile := jwks.Google()
	profile.Subjects = []string{"113774264463038321964"} // the unique IDs of the service accounts that may call
	return jwks.Issuer{
		URL:      "https://accounts.google.com",
		Audience: []string{"https://api.example.com"},
		Profile:  profile,
	}
}

func gitHubActions() jwks.Issuer {
	profile := jwks.GitHubActions()
	profile.Subjects = []string{"repo:acme@9919/shop@74:"} // any branch, tag and environment
	return jwks.Issuer{
		URL:      "https://token.actions.githubusercontent.com",
		Audience: []string{"https://api.example.com"},
		Profile:  profile,
	}
}

func kubernetes() jwks.Issuer {
	profile := jwks.Kubernetes()
	profile.Subjects = []string{"system:serviceaccount:shop:"} // the namespace shop
	return jwks.Issuer{
		URL:      "https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF",
		Audience: []string{"https://api.example.com"},
		Profile:  profile,
	}
}

func spiffe() jwks.Issuer {
	profile := jwks.SPIFFE()
	profile.Subjects = []string{"spiffe://acme.example.com/shop/"}
	return jwks.Issuer{
		URL:      "https://spire-oidc.example.com", // jwt_issuer
		Audience: []string{"https://api.example.com"},
		Profile:  profile,
	}
}

func googleIAP() jwks.Issuer {
	return jwks.Issuer{
		URL:        "https://cloud.google.com/iap",
		Keys:       jwks.KeysFromURL("https://www.gstatic.com/iap/verify/public_key-jwk"),
		Algorithms: []string{"ES256"},
		Audience:   []string{"/projects/4711/global/backendServices/42"},
		Profile:    jwks.GoogleIAP(),
	}
}

func cloudflareAccess() jwks.Issuer {
	return jwks.Issuer{
		URL:      "https://acme.cloudflareaccess.com",
		Keys:     jwks.KeysFromURL("https://acme.cloudflareaccess.com/cdn-cgi/access/certs"),
		Audience: []string{"32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"}, // the AUD tag
		Profile:  jwks.CloudflareAccess(),
	}
}
