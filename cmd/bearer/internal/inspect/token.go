package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
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
	var result fit
	var reason *bearer.Error
	for _, name := range order(guessed) {
		principal, err := verify(ctx, token, jwks.Issuer{
			URL: issuer, AllowNonHTTPSIdentifier: true, Audience: []string{nobody},
			Keys: jwks.KeysFromJWKS(keys), Profile: profileByName(name),
		})
		switch {
		case principal != nil && result.profile.Name == "":
			result = fit{Profile{Name: name, Sure: true, Reason: "the token's signature is good, and the token fits"}, principal.Audience()}
		case principal != nil:
			result.profile.Others = append(result.profile.Others, name)
		case reason == nil:
			errors.As(err, &reason)
		}
	}
	switch {
	case result.profile.Name != "":
		return result, nil
	case reason == nil:
		return fit{}, tokenFault("token-refused", "the token cannot be judged with the issuer's keys", "see what is said about the keys")
	}
	text := fmt.Sprintf("the token is refused by the check %s: want %s, got %s", reason.Check, finding.Clip(reason.Expected), finding.Clip(reason.Got))
	return fit{}, tokenFault("token-refused", text, "bearer explain says more; send an access token for an API, not an ID token")
}

// order returns the names of the profiles, the guessed one first.
func order(guessed string) []string {
	names := []string{guessed}
	for _, p := range profiles {
		if p.name != guessed {
			names = append(names, p.name)
		}
	}
	return names
}

// verify returns the principal of a token with a good signature, of the right kind.
func verify(ctx context.Context, token string, issuer jwks.Issuer) (*bearer.Principal, error) {
	verifier, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}})
	if err != nil {
		return nil, err
	}
	defer verifier.Close()
	principal, err := verifier.Verify(ctx, token)
	if refused, ok := errors.AsType[*bearer.Error](err); ok && refused.Principal != nil {
		principal = refused.Principal
	}
	return principal, err
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
