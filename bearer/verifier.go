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
// The token is a token68 (RFC 9110, Section 11.2; but see
// [JWTVerifier]) of at most [Config.MaxTokenBytes]; it must not be kept, logged or
// put into an error.
//
// A verifier sets [Principal.Confirmation] for a bound token and does not check
// the binding. The guard checks it, or rejects the token.
//
// Verify must be safe for concurrent use, and must not change a principal after
// returning it.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Principal, error)
}

// JWTVerifier is a [Verifier] that accepts nothing but JWTs in compact
// serialization, as a jwks.Verifier: letters, digits, '-', '_' and dots. Of such
// a token, if it is the first verifier, the guard need not look at each character
// before it is asked. The answers are the same: a token that it does not accept
// and that is no token68 is malformed, and no other verifier is asked.
type JWTVerifier interface {
	Verifier
	OnlyJWTs()
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
			if malformed := checkCharacters(token); malformed != nil {
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
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
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
