package bearertest

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// Shape is the form of an issuer's tokens: where the issuer puts the client, the
// scopes and the roles, and what else its tokens have. An [Issuer] mints tokens of
// any shape, so that you can test your API with tokens like those of your own
// issuer. Only iss, and the keys, are the test issuer's.
//
// The names are those of the profiles of package jwks. To be accepted, a token of a
// shape needs the profile of the same name.
type Shape string

// The shapes. Those whose issuers give ID tokens to workloads, or put tokens into a
// header of their own, mint these in place of an access token.
const (
	RFC9068          Shape = "" // as the default profile requires it
	ADFS             Shape = "ADFS"
	Auth0            Shape = "Auth0"
	AzureADB2C       Shape = "AzureADB2C"
	CloudflareAccess Shape = "CloudflareAccess"
	Cognito          Shape = "Cognito"
	Duende           Shape = "Duende"
	EntraID          Shape = "EntraID"   // version 2
	EntraIDv1        Shape = "EntraIDv1" // of the profile EntraID
	Firebase         Shape = "Firebase"
	GitHubActions    Shape = "GitHubActions"
	Glewlwyd         Shape = "Glewlwyd"
	Google           Shape = "Google"
	GoogleIAP        Shape = "GoogleIAP"
	Hydra            Shape = "Hydra"
	Keycloak         Shape = "Keycloak"
	Kubernetes       Shape = "Kubernetes"
	Okta             Shape = "Okta"
	PingFederate     Shape = "PingFederate"
	SPIFFE           Shape = "SPIFFE"
	Spring           Shape = "Spring"
	Zitadel          Shape = "Zitadel"
)

// Shapes returns all shapes.
func Shapes() []Shape {
	all := make([]Shape, 0, len(forms))
	for s := range forms {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// Kind is the kind of a token, since an issuer signs more than access tokens.
type Kind string

// The kinds. Not every issuer makes every kind as a JWT: see [Shape.Kinds].
const (
	AccessToken  Kind = ""
	IDToken      Kind = "ID token"      // of a user, for a client (OpenID Connect Core)
	RefreshToken Kind = "refresh token" // if it is a JWT
	LogoutToken  Kind = "logout token"  // OpenID Connect Back-Channel Logout, or a security event of the session
	SessionToken Kind = "session token" // of the user's session at the issuer, in a cookie
)

// Kinds returns the kinds of tokens that issuers of the shape sign, the access token
// first. An API must refuse the others.
func (s Shape) Kinds() []Kind {
	kinds := []Kind{AccessToken}
	for kind := range forms[s].others {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// form says how to make the tokens of a shape, and what an API must check of them.
type form struct {
	algorithm        string // default: RS256
	audienceIsClient bool   // the audience is the client's ID
	typ              any    // of the access token; nil: the header has none
	access           func(grant) members
	others           map[Kind]func(grant) document

	// For hostile tokens. An access token is refused if its typ is not in types,
	// if it has not all of the claims in required and texts, of which texts must
	// be strings, if none of the claims in clients names the client, or if the
	// claim kind is one of kinds.
	types                    []string
	required, texts, clients []string
	audience                 string // the claim; default: aud
	kind                     string
	kinds                    []any
}

// forms are the forms by shape. They are not changed.
var forms = map[Shape]form{
	RFC9068:  rfc9068Form,
	Keycloak: keycloakForm, Zitadel: zitadelForm, Hydra: hydraForm, Duende: duendeForm, Spring: springForm,
	Glewlwyd: glewlwydForm, PingFederate: pingFederateForm, ADFS: adfsForm,
	EntraID: entraIDForm, EntraIDv1: entraIDv1Form, AzureADB2C: azureADB2CForm, Okta: oktaForm, Auth0: auth0Form,
	Cognito: cognitoForm, Firebase: firebaseForm,
	Google: googleForm, GitHubActions: gitHubActionsForm, Kubernetes: kubernetesForm, SPIFFE: spiffeForm,
	GoogleIAP: googleIAPForm, CloudflareAccess: cloudflareAccessForm,
}

// members are the members of a JSON object. Those that are nil are left out.
type members = map[string]any

// document is a token before it is signed, without what every token has: alg, kid,
// iss, iat and exp.
type document struct {
	typ    any // nil: the header has none
	claims members
	secret bool // HS512 with a key that only the issuer has
}

// grant is what a token says, whatever its shape.
type grant struct {
	iss             string
	subject, client string // subject may be empty, for the shape's default
	audience        []string
	scopeText       string
	roles           []string
	own             bool // the client got the token for itself
	issued          int64
}

// sub returns the subject: by default a user, or what own says for a client's own
// token.
func (g grant) sub(user, own string) string {
	if g.own {
		return cmp.Or(g.subject, own)
	}
	return cmp.Or(g.subject, user)
}

// ofUser returns value in the token of a user, and nothing in a client's own.
func (g grant) ofUser(value any) any {
	if g.own {
		return nil
	}
	return value
}

// ofClient returns value in a client's own token, and nothing in a user's.
func (g grant) ofClient(value any) any {
	if g.own {
		return value
	}
	return nil
}

// scope returns the scopes as a string, or nothing if there are none.
func (g grant) scope() any {
	if g.scopeText == "" {
		return nil
	}
	return g.scopeText
}

// scopes returns the scopes.
func (g grant) scopes() []string { return strings.Fields(g.scopeText) }

// list returns values as an array, or nothing if there are none.
func list(values []string) any {
	if len(values) == 0 {
		return nil
	}
	return values
}

// oneOrMany returns a single value as a string, and several as an array.
func oneOrMany(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// document returns the token of a kind, or panics if issuers of the shape sign no
// such token.
func (s Shape) document(kind Kind, g grant) document {
	f, ok := forms[s]
	if !ok {
		panic(fmt.Errorf("bearertest: unknown shape %q", string(s)))
	}
	if kind == AccessToken {
		return document{typ: f.typ, claims: f.access(g)}
	}
	other := f.others[kind]
	if other == nil {
		panic(fmt.Errorf("bearertest: issuers of shape %q sign no %q, but %q", string(s), string(kind), s.Kinds()))
	}
	g.own = false // only access tokens are a client's own
	return other(g)
}

// idToken returns an ID token (OpenID Connect Core, Section 2) with more claims.
func (g grant) idToken(typ any, more members) document {
	claims := members{
		"sub": g.sub(defaultSubject, g.client), "aud": g.client, "auth_time": g.issued, "nonce": rand.Text(), "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
	}
	return document{typ: typ, claims: merged(claims, more)}
}

// logoutToken returns a logout token (OpenID Connect Back-Channel Logout, Section
// 2.4) with more claims.
func (g grant) logoutToken(typ any, more members) document {
	claims := members{
		"sub": g.sub(defaultSubject, g.client), "aud": g.client, "jti": rand.Text(), "sid": "08a5019c-17e1-4977-8f42-65a12843ea02",
		"events": members{"http://schemas.openid.net/event/backchannel-logout": members{}},
	}
	return document{typ: typ, claims: merged(claims, more)}
}
