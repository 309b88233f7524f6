package bearer

import (
	"context"
	"errors"
)

// Verifier judges an access token. It returns one of:
//
//   - a principal: the token is good;
//   - an error that is [ErrUnrecognized]: not mine, so the guard asks the next
//     verifier;
//   - an [Error] of [CodeInvalidToken]: mine and bad, which is final;
//   - any other error: cannot tell. The guard asks the other verifiers and
//     answers 503 if none accepts the token.
//
// Neither a principal nor an error also means "cannot tell".
//
// The token is a token68 (RFC 9110, Section 11.2) of at most
// [Config.MaxTokenBytes]. A verifier must not keep it, log it or put it into an
// error.
//
// A verifier sets [Principal.Confirmation] for a bound token and does not check
// the binding. The guard checks it, or rejects the token.
//
// Verify must be safe for concurrent use, and must not change a principal after
// returning it.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Principal, error)
}

// acceptsOnlyJWTs reports whether v, the first verifier, accepts only JWTs in
// compact serialization, as a jwks.Verifier does: letters, digits, '-', '_' and
// dots. The guard then checks the characters of a token only after v has rejected
// it. The answers stay the same: a rejected token that is not a token68 is
// malformed, and no other verifier sees it.
//
// v says so by a method OnlyJWTs. It is not part of the package's API.
func acceptsOnlyJWTs(v Verifier) bool {
	if b, ok := v.(both); ok {
		return acceptsOnlyJWTs(b.first)
	}
	_, ok := v.(interface{ OnlyJWTs() })
	return ok
}

// VerifierFunc is a function as a [Verifier].
type VerifierFunc func(ctx context.Context, token string) (*Principal, error)

// Verify calls f.
func (f VerifierFunc) Verify(ctx context.Context, token string) (*Principal, error) {
	return f(ctx, token)
}

var errNoAnswer = errors.New("the verifier returned neither a principal nor an error")

// verify asks the verifiers in order.
func (g *Guard) verify(ctx context.Context, token string) (*Principal, *Error) {
	var unavailable, unrecognized *Error
	for i, v := range g.verifiers {
		p, err := v.Verify(ctx, token)
		if err == nil && p != nil {
			return p, nil
		}
		if i == 0 && g.onlyJWTs {
			if malformed := checkToken68(token); malformed != nil {
				return nil, malformed
			}
		}
		if err == nil {
			err = errNoAnswer
		}
		e := classifyAmong(err, CodeUnavailable, CodeUnavailable, CodeInvalidToken, codeUnrecognized)
		if e.Code == codeUnrecognized {
			// Keep the reason of the first verifier that recognized the token's
			// form.
			if e.Check != "" && (unrecognized == nil || unrecognized.Check == formCheck && e.Check != formCheck) {
				unrecognized = e
			}
			continue
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, &Error{Code: CodeCanceled, Check: "request", Err: err}
		}
		if e.Code == CodeInvalidToken {
			return nil, e
		}
		if unavailable == nil {
			unavailable = e
		}
	}
	if unavailable != nil {
		if unavailable.Check == "" {
			withCheck := *unavailable
			withCheck.Check = "verifier"
			unavailable = &withCheck
		}
		return nil, unavailable
	}
	if unrecognized == nil {
		return nil, Invalid("verifier", "a token that a verifier recognizes", "an unrecognized token")
	}
	e := *unrecognized
	e.Code = CodeInvalidToken
	return nil, &e
}

// formCheck is the check of a verifier that rejects a token by its form alone,
// such as a JWT verifier that gets an opaque token.
const formCheck = "form"
