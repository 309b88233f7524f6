package client

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Refusals answers the requests to your API that cannot be served because another
// API, which it calls by a [Relay] or an [Exchange], refused the call. Use
// [NewRefusals] to build one. It is safe for concurrent use.
type Refusals struct {
	route  *bearer.Route
	scopes scope.Set
}

// NewRefusals returns the answers of an API with this guard. The scopes are those
// that clients of your API may request: a challenge names no others, whatever the
// called API requires. An empty set is allowed.
func NewRefusals(guard *bearer.Guard, scopes scope.Set) (*Refusals, error) {
	if guard == nil {
		return nil, errors.New("client: NewRefusals without a guard")
	}
	route, err := guard.Route(bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.RequirementFunc(causeIn)}})
	if err != nil {
		return nil, err
	}
	return &Refusals{route, scopes}, nil
}

// causeKey is the key of the refusal in the context of the request that the guard
// answers.
type causeKey struct{}

func causeIn(r *http.Request, _ *bearer.Principal) error {
	err, _ := r.Context().Value(causeKey{}).(error)
	return err
}

// Answer answers r, the request that a guard admitted, for the error of a call. The
// guard writes what the client of your API can act on, with its challenge, and logs
// the cause:
//
//   - 401 invalid_token, if the token of r is no longer good enough for an exchange,
//     or if the called API refuses that very token;
//   - 401 insufficient_user_authentication, with the acr_values and max_age that the
//     called API requires;
//   - 403 insufficient_scope, if the called API requires scopes of [NewRefusals] that
//     the token of r lacks, and 403 without a challenge if it requires others.
//
// An outage of the called API or of the authorization server, and a 429, is 503 with
// Retry-After. All else is 502: the client of your API cannot help. Neither says more
// to the client.
func (a *Refusals) Answer(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
	case refused.Remedy == Unavailable || refused.Remedy == Wait:
		seconds := max(1, int64((refused.RetryAfter+time.Second-1)/time.Second))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		answerPlainly(w, http.StatusServiceUnavailable, "A service that this one depends on is unavailable. Try again later.")
		return
	default:
		cause := a.cause(r, refused)
		if cause == nil {
			break
		}
		// The guard writes the answer, unless r has another token by now.
		if _, admitted := a.route.Admit(w, r.WithContext(context.WithValue(r.Context(), causeKey{}, cause))); !admitted {
			return
		}
	}
	answerPlainly(w, http.StatusBadGateway, "A service that this one depends on refused the call.")
}

func answerPlainly(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// cause returns the error for the guard, or nil if the client of the API cannot help.
func (a *Refusals) cause(r *http.Request, refused *Error) error {
	p, known := bearer.FromContext(r.Context())
	switch refused.Remedy {
	case SignIn:
		// Without a cause, the API has refused two tokens that were exchanged for a good
		// one. With ErrNoSubject and a principal, the program lost the context.
		if refused.Status != 0 && refused.Err == nil || known && errors.Is(refused.Err, ErrNoSubject) {
			return nil
		}
		e := bearer.Invalid("called API", "a token for the called API", "none")
		e.Err = refused
		return e
	case StepUpLogin:
		if refused.StepUp != nil {
			need := bearer.StepUp{ACR: refused.StepUp.ACRValues, MaxAge: max(refused.StepUp.MaxAge, 0)}
			if refused.StepUp.MaxAge == 0 {
				need.MaxAge = time.Second // bearer.StepUp has no max_age of 0
			}
			return withCause(need.Check(r, &bearer.Principal{}), refused)
		}
	case AskForScope:
		if missing := refused.Scope.Intersection(a.scopes); !p.Scopes.Contains(missing) {
			return withCause(bearer.Scope(scope.All(missing.Names()...)).Check(r, &bearer.Principal{}), refused)
		}
	default:
		return nil
	}
	return withCause(bearer.Forbid(""), refused)
}

// withCause adds the cause to a requirement's error, for the log.
func withCause(err error, cause *Error) error {
	e, ok := errors.AsType[*bearer.Error](err)
	if !ok { // such as a malformed acr_values
		e = bearer.Forbid("")
	}
	e.Check, e.Err = "called API", cause
	return e
}
