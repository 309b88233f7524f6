package introspect

import (
	"errors"
	"net/http"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

// hinted sets the hint of a refusal.
func hinted(e *bearer.Error) *bearer.Error {
	e.Hint = hintFor(e.Check)
	return e
}

func hintFor(check string) string {
	switch check {
	case "form":
		return "JWTs need a jwks.Verifier in bearer.Config.Verifiers, or Config.JWTs; Config.Accept says what opaque tokens look like"
	case "active":
		return "the token has expired, was revoked, or is another issuer's; some issuers answer a client only about its own tokens, so check which client Config.Auth names"
	case "iss":
		return "set Config.Issuer to the iss of the answers, with or without a trailing slash"
	case "aud":
		return "configure the issuer to put this API into the token's audience; or, if the token is meant for this API, add its aud to Config.Audience"
	case "token_type", "token_use":
		return "the client must send its access token"
	case "cnf":
		return "the issuer must send cnf.jkt for a token of type DPoP"
	case "exp":
		return "the client must get a new token; if it is new, compare the clocks, or raise Config.Leeway"
	case "iat", "nbf":
		return "compare this machine's clock with the issuer's, or raise Config.Leeway"
	}
	return ""
}

// hint returns what an operator can do about an error.
func hint(err error) string {
	credentials := (*credentialsError)(nil)
	malformed := (*claims.Error)(nil)
	transport := (*fetch.TransportError)(nil)
	metadata := (*discovery.Error)(nil)
	status := (*fetch.StatusError)(nil)
	switch {
	case err == errOpen:
		return "see the log record \"cannot introspect tokens\" for the reason"
	case err == errBusy:
		return "raise Config.MaxConcurrent, or set Config.Accept and bearer.FailureLimit against junk"
	case errors.Is(err, errOvertaken):
		return "the endpoint does not answer about this token, but does about others; bearer.FailureLimit stops a client that sends many such tokens"
	case errors.As(err, &malformed):
		return "this member of the issuer's answer is malformed: fix it at the issuer"
	case errors.As(err, &credentials):
		return "the endpoint rejects our credentials: check Config.Auth, and that this client may introspect"
	case errors.As(err, &transport):
		return "check that the endpoint can be reached from here: DNS, firewall, proxy, its certificate"
	case errors.As(err, &status) && status.Status == http.StatusTooManyRequests:
		return "the endpoint limits our rate: raise Config.MaxAge, share a cache, or ask for a higher limit"
	case errors.As(err, &metadata) && !(errors.As(err, &status) && status.Status >= 500):
		return metadata.Hint("Config.Endpoint")
	case !isIll(err):
		return "check that the URL is the issuer's introspection endpoint, and why the endpoint rejects the request"
	case errors.As(err, &status):
		return "check the issuer's health, and that the URL is its introspection endpoint"
	}
	return "check that the URL is the issuer's introspection endpoint"
}
