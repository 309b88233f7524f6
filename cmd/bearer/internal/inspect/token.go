package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/jwks"
)

// nobody is an audience that no token has, so that a verifier refuses every token
// by its audience at the latest.
const nobody = "urn:bearer:issuer:nobody"

// fit is what a token shows about its issuer.
type fit struct {
	profile  Profile
	audience []string // of the token, whose signature was verified
}

// try verifies token with the issuer's keys under each profile. Its times and its
// audience do not count. The finding says why no profile fits. Nothing in it
// contains the token.
func try(ctx context.Context, token, issuer string, keys []byte, guessed string) (fit, *finding.Finding) {
	if problem := readable(token, issuer); problem != nil {
		return fit{}, problem
	}
	var fits []candidate
	var reason *bearer.Error
	for _, p := range allProfiles() {
		principal, err := verify(ctx, token, jwks.Issuer{
			URL: issuer, AllowNonHTTPSIdentifier: true, Audience: []string{nobody},
			Keys: jwks.KeysFromJWKS(keys), Profile: p.Profile,
		})
		if principal != nil {
			fits = append(fits, candidate{p.Name, principal})
		} else if reason == nil || p.Name == guessed {
			errors.As(err, &reason)
		}
	}
	switch {
	case len(fits) > 0:
		return choose(fits, guessed), nil
	case reason == nil:
		return fit{}, tokenFault("token-refused", "the token cannot be judged with the issuer's keys", "see what is said about the keys")
	}
	text := fmt.Sprintf("the token is refused by the check %s: want %s, got %s", reason.Check, finding.Clip(reason.Expected), finding.Clip(reason.Got))
	return fit{}, tokenFault("token-refused", text, "bearer explain says more; send an access token for an API, not an ID token")
}

// allProfiles returns the profiles in the order of profileNames.
func allProfiles() (all []profile.Named) {
	for _, name := range profileNames {
		p, _ := profile.Find(name) // a test finds all
		all = append(all, p)
	}
	return all
}

// candidate is a profile that a token fits.
type candidate struct {
	name      string
	principal *bearer.Principal
}

// worth is how much the profile finds in the token. A wrong profile that accepts a
// token finds no more in it than the right one.
func (c candidate) worth() int { return c.principal.Scopes.Len() + len(c.principal.Roles()) }

// choose chooses among the profiles that a token fits: the one that the issuer's
// metadata points to, or the one that finds most.
func choose(fits []candidate, guessed string) fit {
	slices.SortStableFunc(fits, func(a, b candidate) int {
		if marked := guessed != profile.Default.Name; marked && (a.name == guessed) != (b.name == guessed) {
			if a.name == guessed {
				return -1
			}
			return 1
		}
		return b.worth() - a.worth()
	})
	best := fits[0]
	found := Profile{Name: best.name, Reason: "the token's signature is good, and the token fits"}
	for _, other := range fits[1:] {
		found.Others = append(found.Others, other.name)
	}
	found.Sure = best.name == guessed || len(fits) == 1 || best.worth() > fits[1].worth()
	return fit{found, best.principal.Audience()}
}

// verify returns the principal of a token that is refused only by its audience, the
// check after the signature and the kind, and before the times.
func verify(ctx context.Context, token string, issuer jwks.Issuer) (*bearer.Principal, error) {
	verifier, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}})
	if err != nil {
		return nil, err
	}
	defer verifier.Close()
	audience := cmp.Or(issuer.Profile.Audience, "aud")
	_, err = verifier.Verify(ctx, token)
	if refused, ok := errors.AsType[*bearer.Error](err); ok && refused.Principal != nil && refused.Check == audience {
		return refused.Principal, nil
	}
	return nil, err
}

// readable returns why a token says nothing about the issuer.
func readable(token, issuer string) *finding.Finding {
	jws, err := jose.Parse(token)
	if malformed, ok := errors.AsType[*jose.MalformedError](err); ok {
		return tokenFault("token-malformed", "the token is a malformed JWT: its "+malformed.Part+" cannot be read", "copy the whole token")
	} else if err != nil {
		return tokenFault("token-opaque", "the token is not a signed JWT, so it shows no profile", "an opaque token needs introspection, not keys: see docs/opaque-tokens.md")
	}
	iss := ""
	err = strictjson.Object(jws.Payload, func(name []byte, value strictjson.Value) (err error) {
		if string(name) == "iss" {
			iss, err = strictjson.String(value)
		}
		return err
	})
	if err != nil {
		return tokenFault("token-malformed", "the token's claims cannot be read", "copy the whole token")
	}
	if iss != issuer {
		text := fmt.Sprintf("the token names another issuer (unverified): %s, want %s", finding.Quote(iss), finding.Quote(issuer))
		if difference := Difference(iss, issuer); difference != "" {
			text += "; " + difference
		}
		return tokenFault("token-issuer", text, "examine the issuer that the token names, or get a token from this one")
	}
	return nil
}

func tokenFault(code, text, do string) *finding.Finding {
	return &finding.Finding{Code: code, Severity: finding.Fault, Text: text, Do: do, Spec: "RFC 9068, Section 4"}
}

// clipped bounds an audience for the Go lines, and drops values that are no audience.
func clipped(audience []string) []string {
	const most = 3
	audience = slices.DeleteFunc(slices.Clone(audience), func(value string) bool { return value == "" || len(value) > 200 })
	return audience[:min(len(audience), most)]
}
