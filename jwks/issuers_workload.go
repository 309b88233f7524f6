package jwks

// The profiles of issuers that attest workloads: a service account, a job, a pod.
// A workload is a client without a user: its subject is its client ID, and
// [bearer.Principal.IsClient] is true.

// Google returns the profile of the ID tokens that Google signs for service
// accounts, for an audience that the caller chooses. It refuses users' ID tokens:
// in a service account's, azp is equal to sub.
//
// Anybody with a Google account can get such a token for your audience. List the
// unique IDs of the service accounts that may call your API in [Profile.Subjects],
// or compare the claim email with [bearer.Claim].
func Google() Profile {
	return Profile{
		Types:       []string{"JWT"},
		ClientID:    []string{"azp"},
		Scope:       []string{},
		Roles:       []string{},
		Required:    []string{"sub", "iat"},
		ClientsOnly: true,
	}
}

// GitHubActions returns the profile of the ID tokens of GitHub's workflows. The
// subject says what ran: repo:OWNER@ID/REPOSITORY@ID:ref:refs/heads/main, or
// without the IDs if the repository is older than July 2026 and has not opted in.
//
// Any repository of GitHub can get such a token for your audience. List those that
// may call your API in [Profile.Subjects], or compare the claim repository_id or
// repository_owner_id with [bearer.Claim]. These stay the same when a name is given
// to somebody else.
func GitHubActions() Profile {
	return Profile{
		Types:    []string{"JWT"},
		ClientID: []string{"sub"},
		Scope:    []string{},
		Roles:    []string{},
		Required: []string{"sub", "iat", "jti", "repository", "repository_id"},
	}
}

// Kubernetes returns the profile of Kubernetes' service account tokens, as a
// projected volume or the TokenRequest API gives them. They have no typ. The
// subject is system:serviceaccount:NAMESPACE:NAME. The older tokens of secrets
// have neither aud nor exp, so they are refused.
//
// Each pod of the cluster can get such a token for your audience. List the
// namespaces or service accounts that may call your API in [Profile.Subjects].
func Kubernetes() Profile {
	return Profile{
		Types:    []string{"", "JWT"},
		ClientID: []string{"sub"},
		Subjects: []string{"system:serviceaccount:"},
		Scope:    []string{},
		Roles:    []string{},
		Required: []string{"sub", "iat", "kubernetes.io"},
	}
}

// SPIFFE returns the profile of JWT-SVIDs. The subject is the workload's SPIFFE
// ID: spiffe://TRUST-DOMAIN/PATH. JWT-SVID does not require iss, but this package
// does: set jwt_issuer in SPIRE.
//
// Each workload of the trust domain can get such a token for your audience. List
// the paths that may call your API in [Profile.Subjects].
func SPIFFE() Profile {
	return Profile{
		Types:    []string{"", "JWT", "JOSE"},
		ClientID: []string{"sub"},
		Subjects: []string{"spiffe://"},
		Scope:    []string{},
		Roles:    []string{},
		Required: []string{"sub"},
	}
}
