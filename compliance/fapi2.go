package compliance

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/jwks"
)

// FAPI2 has the requirements of the FAPI 2.0 Security Profile for resource
// servers that depend on configuration. TLS 1.2 or newer (F8) is configured
// elsewhere: in http.Server.TLSConfig or in the proxy.
var FAPI2 = Profile{"FAPI 2.0 Security Profile", []line{
	{Requirement{"F1", "access tokens are accepted only in the Authorization header (bearer.Config.Sources)"}, onlyAuthorization},
	{Requirement{"F2", "access tokens in the query are ignored (bearer.Config.Sources)"}, notInQuery},
	{Requirement{"F3", "validity, integrity, audience and expiry are verified for each request, and clocks may differ by at most a minute (Leeway)"}, exact},
	{Requirement{"F4", "each request is checked for sufficient authorization (bearer.Config.InsecurePassPreflights is off) and refused as RFC 6750, Section 3.1 says"}, off(passPreflights)},
	{Requirement{"F5", "tokens that are not sender-constrained are rejected (bearer.Config.BoundTokensOnly)"}, boundOnly},
	{Requirement{"F6", "tokens, proofs and signed answers are signed with PS256, ES256 or EdDSA (jwks.Issuer.Algorithms, dpop.Config.Algorithms, introspect.Signed.Algorithms)"}, fapiAlgorithms},
	{Requirement{"F7", "plain HTTP is used only with loopback hosts (InsecureAllowHTTP is off), and keys are never fetched from a URL in a token"}, overTLS},
	{Requirement{"F9", "a DPoP proof is accepted once, for at most a minute (dpop.Config.MaxAge), and its iat is at most a minute ahead (dpop.Config.MaxAhead)"}, shortProofs},
	{Requirement{"F10", "revocation takes effect within ten minutes: a token is accepted for at most ten minutes (bearer.Config.MaxTokenAge), or every token is introspected (Settings.EveryTokenIntrospected) and answers are cached for at most ten minutes (introspect.Config.MaxAge and ServeStale)"}, revocation},
}}

const (
	maxProofAge = time.Minute
	maxTokenAge = 10 * time.Minute

	// maxSkew is how far clocks may differ. The profile requires authorization
	// servers to reject a JWT whose iat or nbf is more than 60 seconds ahead
	// (Section 5.3.2.1). The same bound is used here.
	maxSkew = time.Minute

	// defaultAnswerAge is the default of introspect.Config.MaxAge.
	defaultAnswerAge = time.Minute
)

// fapiAlgorithmNames has both names of EdDSA with Ed25519 (RFC 9864).
var fapiAlgorithmNames = []string{"PS256", "ES256", "EdDSA", "Ed25519"}

func boundOnly(s Settings) []error {
	s.Guard.BoundTokensOnly = true
	if s.Proofs == nil && s.Guard.Proofs == nil && s.Guard.Certificates == nil {
		return []error{errors.New("neither dpop.Config nor bearer.Config.Certificates is set; want one of them, to check that the sender owns the token")}
	}
	return nil
}

func fapiAlgorithms(s Settings) (errs []error) {
	narrow := func(field string, names *[]string) {
		if len(*names) == 0 {
			*names = slices.Clone(fapiAlgorithmNames)
		}
		for _, name := range *names {
			if !slices.Contains(fapiAlgorithmNames, name) {
				errs = append(errs, fmt.Errorf("%s has %s; want only PS256, ES256 and EdDSA", field, name))
			}
		}
	}
	editIssuers(s, func(field string, issuer *jwks.Issuer) { narrow(field+".Algorithms", &issuer.Algorithms) })
	if s.Opaque != nil && s.Opaque.Signed != nil {
		signed := *s.Opaque.Signed
		narrow("introspect.Config.Signed.Algorithms", &signed.Algorithms)
		s.Opaque.Signed = &signed
	}
	if s.Proofs != nil {
		narrow("dpop.Config.Algorithms", &s.Proofs.Algorithms)
	}
	if s.Guard.Proofs != nil {
		built := s.Guard.Proofs.Algorithms()
		narrow("bearer.Config.Proofs", &built)
	}
	return errs
}

func overTLS(s Settings) (errs []error) {
	if s.Tokens != nil {
		for i, issuer := range s.Tokens.Issuers {
			if issuer.InsecureAllowHTTP {
				errs = append(errs, fmt.Errorf("jwks.Config.Issuers[%d].InsecureAllowHTTP is set; leave it false", i))
			}
		}
	}
	return append(errs, off(allowHTTP...)(s)...)
}

func exact(s Settings) (errs []error) {
	if s.Tokens != nil {
		errs = append(errs, atMost("jwks.Config.Leeway", s.Tokens.Leeway, maxSkew)...)
	}
	if s.Opaque != nil {
		errs = append(errs, atMost("introspect.Config.Leeway", s.Opaque.Leeway, maxSkew)...)
	}
	return append(errs, off(audienceNotSent)(s)...)
}

func atMost(field string, value, most time.Duration) []error {
	if value > most {
		return []error{fmt.Errorf("%s is %v; want at most %v", field, value, most)}
	}
	return nil
}

func shortProofs(s Settings) []error {
	if s.Proofs == nil {
		return nil
	}
	if s.Proofs.MaxAge == 0 {
		s.Proofs.MaxAge = maxProofAge
	}
	return slices.Concat(
		atMost("dpop.Config.MaxAge", s.Proofs.MaxAge, maxProofAge),
		atMost("dpop.Config.MaxAhead", s.Proofs.MaxAhead, maxSkew),
	)
}

func revocation(s Settings) []error {
	if s.EveryTokenIntrospected {
		if s.Opaque == nil {
			return []error{errors.New("Settings.EveryTokenIntrospected is set without introspect.Config; want the configuration of the introspection")}
		}
		return answerAge(s.Opaque.MaxAge, s.Opaque.ServeStale)
	}
	if s.Guard.MaxTokenAge == 0 {
		s.Guard.MaxTokenAge = maxTokenAge
	}
	if s.Guard.MaxTokenAge > maxTokenAge {
		return []error{fmt.Errorf("bearer.Config.MaxTokenAge is %v; want at most %v, or ask the issuer about each token and set Settings.EveryTokenIntrospected", s.Guard.MaxTokenAge, maxTokenAge)}
	}
	return nil
}

// answerAge limits how long a revoked token is still accepted: for MaxAge, and
// for ServeStale in addition while the endpoint is unreachable.
func answerAge(maxAge, serveStale time.Duration) []error {
	errs := slices.Concat(
		atMost("introspect.Config.MaxAge", maxAge, maxTokenAge),
		atMost("introspect.Config.ServeStale", serveStale, maxTokenAge),
	)
	if maxAge == 0 {
		maxAge = defaultAnswerAge
	}
	if together := max(maxAge, 0) + max(serveStale, 0); len(errs) == 0 && together > maxTokenAge {
		errs = append(errs, fmt.Errorf("introspect.Config.MaxAge and ServeStale add up to %v; want at most %v", together, maxTokenAge))
	}
	return errs
}
