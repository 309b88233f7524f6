package compliance

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// FAPI2 is the FAPI 2.0 Security Profile, of its requirements for resource
// servers those that a configuration decides. TLS 1.2 or newer (F8) is the
// server's own: http.Server.TLSConfig, or the proxy's.
var FAPI2 = Profile{"FAPI 2.0 Security Profile", []line{
	{Requirement{"F1", "access tokens come in the Authorization header alone (bearer.Config.FormBodyTokens is off)"}, noFormTokens},
	{Requirement{"F2", "access tokens in the query are ignored (bearer.Config.InsecureQueryTokens is off)"}, noQueryTokens},
	{Requirement{"F3", "validity, integrity, audience and expiry are verified at each request, with clocks a minute apart at most (Leeway)"}, exact},
	{Requirement{"F4", "what a token permits is judged at each request (bearer.Config.InsecurePassPreflights is off), and refused as RFC 6750, Section 3.1 says"}, noPreflights},
	{Requirement{"F5", "a token that is not bound to its sender is refused (bearer.Config.BoundTokensOnly)"}, boundOnly},
	{Requirement{"F6", "tokens, proofs and signed answers are of PS256, ES256 or EdDSA (jwks.Issuer.Algorithms, dpop.Config.Algorithms, introspect.Signed.Algorithms)"}, fapiAlgorithms},
	{Requirement{"F7", "no URL is of http beyond loopback (no InsecureAllowHTTP), and keys never come from where a token says"}, overTLS},
	{Requirement{"F9", "a DPoP proof is good once, for a minute at most (dpop.Config.MaxAge), and its iat a minute ahead at most (MaxAhead)"}, shortProofs},
	{Requirement{"F10", "a token that is not asked about lives for ten minutes at most (bearer.Config.MaxTokenAge), or else the issuer is asked about each (Settings.RevocationAsked), and an answer is believed for as long at most (introspect.Config.MaxAge and ServeStale)"}, revocation},
}}

const (
	maxProofAge = time.Minute
	maxTokenAge = 10 * time.Minute

	// maxSkew is how far clocks may differ at most. The profile has authorization
	// servers reject a JWT whose iat or nbf is more than 60 seconds ahead
	// (Section 5.3.2.1); the same bound serves here.
	maxSkew = time.Minute
)

// The two names of EdDSA are of one algorithm (RFC 9864).
var fapiAlgorithmNames = []string{"PS256", "ES256", "EdDSA", "Ed25519"}

func boundOnly(s Settings) []error {
	s.Guard.BoundTokensOnly = true
	if s.Proofs == nil && s.Guard.Proofs == nil && s.Guard.Certificates == nil {
		return []error{errors.New("neither dpop.Config nor bearer.Config.Certificates is there; want one, to check whose token it is")}
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
				errs = append(errs, fmt.Errorf("%s has %s; want PS256, ES256 and EdDSA alone", field, name))
			}
		}
	}
	if s.Tokens != nil {
		s.Tokens.Issuers = slices.Clone(s.Tokens.Issuers)
		for i := range s.Tokens.Issuers {
			narrow(fmt.Sprintf("jwks.Config.Issuers[%d].Algorithms", i), &s.Tokens.Issuers[i].Algorithms)
		}
	}
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
	refuse := func(field string, set bool) {
		if set {
			errs = append(errs, fmt.Errorf("%s.InsecureAllowHTTP is set; leave it out", field))
		}
	}
	if s.Tokens != nil {
		for i, issuer := range s.Tokens.Issuers {
			refuse(fmt.Sprintf("jwks.Config.Issuers[%d]", i), issuer.InsecureAllowHTTP)
		}
	}
	refuse("introspect.Config", s.Opaque != nil && s.Opaque.InsecureAllowHTTP)
	refuse("dpop.Config", s.Proofs != nil && s.Proofs.InsecureAllowHTTP)
	refuse("resource.Config", s.Metadata != nil && s.Metadata.InsecureAllowHTTP)
	refuse("bearer.Config", s.Guard.InsecureAllowHTTP)
	return errs
}

func exact(s Settings) (errs []error) {
	if s.Tokens != nil {
		errs = append(errs, atMost("jwks.Config.Leeway", s.Tokens.Leeway, maxSkew)...)
	}
	if s.Opaque != nil {
		errs = append(errs, atMost("introspect.Config.Leeway", s.Opaque.Leeway, maxSkew)...)
		errs = append(errs, audienceSent(s)...)
	}
	return errs
}

func atMost(field string, value, most time.Duration) []error {
	if value > most {
		return []error{fmt.Errorf("%s is %v; want %v at most", field, value, most)}
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
	if s.RevocationAsked {
		if s.Opaque == nil {
			return []error{errors.New("Settings.RevocationAsked without introspect.Config, by which the issuer is asked")}
		}
		return believed(s.Opaque.MaxAge, s.Opaque.ServeStale)
	}
	if s.Guard.MaxTokenAge == 0 {
		s.Guard.MaxTokenAge = maxTokenAge
	}
	if s.Guard.MaxTokenAge > maxTokenAge {
		return []error{fmt.Errorf("bearer.Config.MaxTokenAge is %v; want %v at most, or ask the issuer about each token and set Settings.RevocationAsked", s.Guard.MaxTokenAge, maxTokenAge)}
	}
	return nil
}

// believed bounds how long a revoked token lives on: for MaxAge, and for
// ServeStale more while the endpoint is out of reach.
func believed(maxAge, serveStale time.Duration) []error {
	errs := slices.Concat(
		atMost("introspect.Config.MaxAge", maxAge, maxTokenAge),
		atMost("introspect.Config.ServeStale", serveStale, maxTokenAge),
	)
	if maxAge == 0 {
		maxAge = time.Minute // introspect's default
	}
	if together := max(maxAge, 0) + max(serveStale, 0); len(errs) == 0 && together > maxTokenAge {
		errs = append(errs, fmt.Errorf("introspect.Config.MaxAge and ServeStale are %v together; want %v at most", together, maxTokenAge))
	}
	return errs
}
