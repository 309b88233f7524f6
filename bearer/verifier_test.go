package bearer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// answering is a verifier that always returns this answer.
func answering(p *bearer.Principal, err error) bearer.Verifier {
	return bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, err })
}

// thirdPartyUnrecognized is a third-party error that is ErrUnrecognized by its Is method.
type thirdPartyUnrecognized struct{ error }

func (thirdPartyUnrecognized) Is(target error) bool { return target == bearer.ErrUnrecognized }

// Checklist C7, part 2.6: an outage never becomes 401 or 200.
func TestVerifierAnswers(t *testing.T) {
	var (
		good         = answering(&alice, nil)
		notMine      = answering(nil, bearer.ErrUnrecognized)
		notMineWhy   = answering(nil, bearer.Unrecognized("iss", "a configured issuer", "another"))
		bad          = answering(nil, bearer.Invalid("signature", "", ""))
		expired      = answering(nil, bearer.Expired("", ""))
		down         = answering(nil, bearer.Unavailable(errors.New("timeout"), 9*time.Second))
		unclassified = answering(nil, io.ErrUnexpectedEOF)
		nothing      = answering(nil, nil)
		typedNil     = answering(nil, (*bearer.Error)(nil))
		unreachable  = bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) {
			t.Error("asked, although a verifier before it decided")
			return &alice, nil
		})
	)
	type verifiers = []bearer.Verifier
	tests := []struct {
		name      string
		verifiers verifiers
		status    int
	}{
		{"good", verifiers{good, unreachable}, 200},
		{"bad is final", verifiers{bad, unreachable}, 401},
		{"expired is final", verifiers{expired, unreachable}, 401},
		{"all not mine", verifiers{notMine, notMineWhy}, 401},
		{"not mine, then good", verifiers{notMine, notMineWhy, good, unreachable}, 200},
		{"not mine, then bad", verifiers{notMine, bad, unreachable}, 401},
		{"down", verifiers{down}, 503},
		{"down, and another accepts", verifiers{down, good, unreachable}, 200},
		{"not mine, down, not mine", verifiers{notMine, down, notMine}, 503},
		{"down, then another's own bad one", verifiers{down, bad, unreachable}, 401},
		{"unclassified", verifiers{unclassified}, 503},
		{"unclassified, and another accepts", verifiers{unclassified, good}, 200},
		{"unclassified, all others not mine", verifiers{unclassified, notMine}, 503},
		{"neither principal nor error", verifiers{nothing}, 503},
		{"neither, and others not mine", verifiers{notMine, nothing, notMine}, 503},
		{"a nil *Error in an error", verifiers{typedNil}, 503},
		{"a nil *Error, and another accepts", verifiers{typedNil, good}, 200},
		{"a principal and an error", verifiers{answering(&alice, io.ErrUnexpectedEOF)}, 503},
		{"a principal and bad", verifiers{answering(&alice, bearer.Invalid("", "", ""))}, 401},
		{"a principal and not mine", verifiers{answering(&alice, bearer.ErrUnrecognized)}, 401},
		{"forbidden, which no verifier may say", verifiers{answering(nil, bearer.Forbid("no"))}, 503},
		{"an unknown code", verifiers{answering(nil, &bearer.Error{Code: "x"})}, 503},
		{"missing credentials, which no verifier may say", verifiers{answering(nil, &bearer.Error{Code: bearer.CodeMissingCredentials})}, 503},
		{"the zero Error", verifiers{answering(nil, &bearer.Error{})}, 503},

		{"wrapped bad", verifiers{answering(nil, fmt.Errorf("x: %w", bearer.Invalid("", "", ""))), unreachable}, 401},
		{"wrapped down", verifiers{answering(nil, fmt.Errorf("x: %w", bearer.Unavailable(io.EOF, 0)))}, 503},
		{"wrapped not mine", verifiers{answering(nil, fmt.Errorf("x: %w", bearer.ErrUnrecognized)), good}, 200},
		{"not mine with a cause", verifiers{answering(nil, fmt.Errorf("%w: %w", bearer.ErrUnrecognized, io.EOF))}, 401},
		{"not mine by method", verifiers{answering(nil, thirdPartyUnrecognized{io.EOF})}, 401},
		{"wrapped not mine, all", verifiers{answering(nil, fmt.Errorf("x: %w", bearer.Unrecognized("", "", "")))}, 401},
		{"down because of not mine", verifiers{answering(nil, bearer.Unavailable(bearer.ErrUnrecognized, 0))}, 503},
		{"bad because of not mine", verifiers{answering(nil, &bearer.Error{Code: bearer.CodeInvalidToken, Err: bearer.ErrUnrecognized}), unreachable}, 401},
		{"joined not mine and down", verifiers{answering(nil, errors.Join(bearer.ErrUnrecognized, bearer.Unavailable(io.EOF, 0)))}, 503},
		{"joined not mine with a reason and down", verifiers{answering(nil, errors.Join(bearer.Unrecognized("", "", ""), bearer.Unavailable(io.EOF, 0)))}, 503},
		{"joined bad and down", verifiers{answering(nil, errors.Join(bearer.Invalid("", "", ""), bearer.Unavailable(io.EOF, 0)))}, 503},
		{"joined not mine and bad", verifiers{answering(nil, errors.Join(bearer.ErrUnrecognized, bearer.Invalid("", "", ""))), unreachable}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(newRoute(t, bearer.Config{Verifiers: tt.verifiers}, bearer.RouteConfig{}), get("Bearer x"))
			if got.status != tt.status || got.handedOn != (tt.status == 200) {
				t.Errorf("got %d, want %d", got.status, tt.status)
			}
			if hasChallenge := got.challenge() != ""; hasChallenge != (tt.status == 401) {
				t.Errorf("%d with challenge %q", got.status, got.challenge())
			}
			if hasRetry := got.header.Get("Retry-After") != ""; hasRetry != (tt.status == 503) {
				t.Errorf("%d with Retry-After %q", got.status, got.header.Get("Retry-After"))
			}
		})
	}
}

func TestVerifiersAreAskedInOrderWithTheTokenAndContext(t *testing.T) {
	type key struct{}
	var asked []string
	named := func(name string) bearer.Verifier {
		return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
			asked = append(asked, fmt.Sprint(name, " ", token, " ", ctx.Value(key{})))
			return nil, bearer.ErrUnrecognized
		})
	}
	rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{named("a"), named("b"), named("c")}}, bearer.RouteConfig{})
	r := get("Bearer abc.def==")
	serve(rt, r.WithContext(context.WithValue(r.Context(), key{}, 7)))
	if got, want := strings.Join(asked, ","), "a abc.def== 7,b abc.def== 7,c abc.def== 7"; got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
}

func TestRetryAfterIsThatOfTheFirstOutage(t *testing.T) {
	rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{
		answering(nil, bearer.Unavailable(io.EOF, 9*time.Second)), answering(nil, bearer.Unavailable(io.EOF, time.Second)),
	}}, bearer.RouteConfig{})
	if got := serve(rt, get("Bearer x")).header.Get("Retry-After"); got != "9" {
		t.Errorf("got %s", got)
	}
}

// A disconnected client is not an outage, whatever error the verifier returns.
func TestDisconnectedClientIsCanceled(t *testing.T) {
	for name, err := range map[string]error{
		"the context's error":         context.Canceled,
		"wrapped":                     fmt.Errorf("fetching keys: %w", context.Canceled),
		"called an outage":            bearer.Unavailable(context.Canceled, 0),
		"another error":               io.ErrUnexpectedEOF,
		"neither principal nor error": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var log eventLog
			rt := newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, err)}}), bearer.RouteConfig{})
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			r := get("Bearer x").WithContext(ctx)
			if got := serve(rt, r); got.status == 401 || got.handedOn {
				t.Errorf("got %d", got.status)
			}
			record, event := log.only(t)
			if event.Code != bearer.CodeCanceled || record["level"] != "INFO" {
				t.Errorf("code %s at level %v", event.Code, record["level"])
			}
		})
	}
	t.Run("a deadline is an outage", func(t *testing.T) {
		var log eventLog
		rt := newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, context.DeadlineExceeded)}}), bearer.RouteConfig{})
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		serve(rt, get("Bearer x").WithContext(ctx))
		if _, event := log.only(t); event.Code != bearer.CodeUnavailable {
			t.Errorf("code %s", event.Code)
		}
	})
}

// A token for one resource of a program does not open another.
func TestRouteNarrowsTheAudience(t *testing.T) {
	tests := []struct {
		name     string
		audience []string
		narrowed string
		status   int
	}{
		{"any audience without narrowing", nil, "", 200},
		{"the one", []string{"https://api.example.com"}, "https://api.example.com", 200},
		{"one of several", []string{"x", "https://api.example.com"}, "https://api.example.com", 200},
		{"none", nil, "https://api.example.com", 401},
		{"an empty one", []string{""}, "https://api.example.com", 401},
		{"another", []string{"https://api.example.org"}, "https://api.example.com", 401},
		{"with a slash", []string{"https://api.example.com/"}, "https://api.example.com", 401},
		{"in another case", []string{"https://API.example.com"}, "https://api.example.com", 401},
		{"a longer one", []string{"https://api.example.com.evil.example"}, "https://api.example.com", 401},
		{"joined by a space", []string{"x https://api.example.com"}, "https://api.example.com", 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := alice.WithAudience(tt.audience...)
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}},
				bearer.RouteConfig{Rule: scope.None, Audience: tt.narrowed})
			if got := serve(rt, get("Bearer x")); got.status != tt.status {
				t.Errorf("got %d, want %d", got.status, tt.status)
			}
		})
	}
}

// Checklist C10: a bound token is rejected if the guard checks no binding.
func TestBoundTokensAreRefused(t *testing.T) {
	for name, confirmation := range map[string]bearer.Confirmation{
		"jkt": {JKT: "x"}, "x5t#S256": {X5TS256: "x"}, "both": {JKT: "x", X5TS256: "y"}, "an unknown member": {Other: true},
	} {
		p := alice
		p.Confirmation = confirmation
		for _, optional := range []bool{false, true} {
			rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(&p, nil)}}, bearer.RouteConfig{Optional: optional})
			if got := serve(rt, get("Bearer x")); got.status != 401 || got.handedOn {
				t.Errorf("%s: got %d", name, got.status)
			}
		}
	}
}

// An Error takes part in chains of errors, and a nil *Error does not panic.
func TestErrorChains(t *testing.T) {
	cause := errors.New("cause")
	e := bearer.Unavailable(cause, 0)
	if !errors.Is(e, cause) || errors.Is(e, bearer.ErrUnrecognized) {
		t.Errorf("%v is not its cause", e)
	}
	unknown := bearer.Unrecognized("form", "a", "b")
	if !errors.Is(unknown, bearer.ErrUnrecognized) || errors.Is(unknown, cause) || errors.Is(bearer.Invalid("a", "b", "c"), bearer.ErrUnrecognized) {
		t.Errorf("%v is not ErrUnrecognized", unknown)
	}
	var none *bearer.Error
	if none.Error() == "" || none.Unwrap() != nil || none.Is(bearer.ErrUnrecognized) {
		t.Errorf("%q, %v", none.Error(), none.Unwrap())
	}
}

// Among joined errors of a policy, the first answers, unless another is an outage.
func TestJoinedErrorsOfAPolicy(t *testing.T) {
	forbidden, concealed := bearer.Forbid(""), &bearer.Error{Code: bearer.CodeNotFound}
	down := bearer.Unavailable(errors.New("down"), 0)
	for _, tt := range []struct {
		err  error
		want int
	}{
		{errors.Join(forbidden, concealed), 403},
		{errors.Join(concealed, forbidden), 404},
		{errors.Join(errors.New("unclassified"), concealed, forbidden), 404},
		{errors.Join(concealed, down, forbidden), 503},
	} {
		rt := newRoute(t, bearer.Config{}, bearer.RouteConfig{Requirements: []bearer.Requirement{refusing(tt.err)}})
		if got := serve(rt, get("Bearer good")); got.status != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got.status, tt.want)
		}
	}
}

// The log has the check of the first verifier that recognized the form of an
// unrecognized token, or else of the first that names a check.
func TestCheckOfAnUnrecognizedToken(t *testing.T) {
	form, otherForm := bearer.Unrecognized("form", "a", "1"), bearer.Unrecognized("form", "a", "2")
	iss, kid := bearer.Unrecognized("iss", "a", "3"), bearer.Unrecognized("kid", "a", "4")
	for _, tt := range []struct {
		name       string
		errs       []error
		check, got string
	}{
		{"nobody names a check", []error{bearer.ErrUnrecognized, bearer.ErrUnrecognized}, "verifier", "an unrecognized token"},
		{"one names it", []error{bearer.ErrUnrecognized, iss, bearer.ErrUnrecognized}, "iss", "3"},
		{"the first counts", []error{iss, kid}, "iss", "3"},
		{"the first form counts", []error{form, otherForm}, "form", "1"},
		{"before a form", []error{iss, form}, "iss", "3"},
		{"after a form", []error{form, kid, iss}, "kid", "4"},
	} {
		var log eventLog
		c := log.config(bearer.Config{})
		for _, err := range tt.errs {
			c.Verifiers = append(c.Verifiers, answering(nil, err))
		}
		if got := serve(newRoute(t, c, bearer.RouteConfig{}), get("Bearer Zx9")); got.status != 401 {
			t.Errorf("%s: %d", tt.name, got.status)
		}
		if _, e := log.only(t); e.Check != tt.check || e.Got != tt.got {
			t.Errorf("%s: %q, got %q", tt.name, e.Check, e.Got)
		}
	}
}

// C7: an outage keeps its check, and is told before what other verifiers said.
func TestCheckOfAnOutage(t *testing.T) {
	named := bearer.Unavailable(errors.New("down"), 0)
	named.Check = "keys"
	for want, errs := range map[string][]error{
		"keys":     {named, bearer.Unavailable(errors.New("down"), 0), bearer.ErrUnrecognized},
		"verifier": {bearer.ErrUnrecognized, bearer.Unavailable(errors.New("down"), 0), named},
	} {
		var log eventLog
		c := log.config(bearer.Config{})
		for _, err := range errs {
			c.Verifiers = append(c.Verifiers, answering(nil, err))
		}
		if got := serve(newRoute(t, c, bearer.RouteConfig{}), get("Bearer token")); got.status != 503 {
			t.Errorf("%s: %d", want, got.status)
		}
		if _, e := log.only(t); e.Check != want {
			t.Errorf("the check is %q, want %q", e.Check, want)
		}
	}
}

// A request whose time is up is an outage, and only one whose client has gone is
// canceled.
func TestVerifierAfterTheTimeIsUp(t *testing.T) {
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer stop()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for want, ctx := range map[bearer.Code]context.Context{bearer.CodeUnavailable: late, bearer.CodeCanceled: gone} {
		rt := newRoute(t, bearer.Config{Verifiers: []bearer.Verifier{answering(nil, ctx.Err())}}, bearer.RouteConfig{})
		if e, ok := errors.AsType[*bearer.Error](rt.Decide(get("Bearer token").WithContext(ctx)).Err()); !ok || e.Code != want {
			t.Errorf("%v: %v, want %s", ctx.Err(), e, want)
		}
	}
}
