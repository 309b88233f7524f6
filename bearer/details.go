package bearer

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/pointer"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// Details requires that the token carries authorization details of a type (RFC
// 9396), and that check accepts them:
//
//	bearer.Details("payment_initiation", func(r *http.Request, payments []payment) error { … })
//
// The details are in the claim authorization_details of a JWT (Section 9.1), or in
// the introspection response (Section 9.2). Details decodes each object whose type
// is exactly typ into a T, by the rules of [Principal.Claims], and calls check
// with all of them, at least one. Each object grants something by itself, so check
// looks for one that covers the request. It must also compare the common fields of
// Section 2.2 that the API uses, such as locations: a T without such a field
// ignores it.
//
// The error of check determines the answer as that of a [RequirementFunc] does.
// If the token has no details of the type, or if the claim or one of these objects
// is malformed, the answer is 403 without a challenge, and check is not called. RFC
// 9396 defines no error code for that: invalid_authorization_details is an error
// of the authorization server (Section 5).
//
// With [Both], the details are those of the first verifier.
func Details[T any](typ string, check func(r *http.Request, details []T) error) Requirement {
	return details[T]{typ, check}
}

// DetailsOf returns the authorization details of a type that the request's token
// carries (RFC 9396), each decoded into a T as [Details] does. It returns none,
// and no error, if the token has none. It returns an error if no guard admitted
// the request, if the request is anonymous, or if the claim or one of the objects
// is malformed.
func DetailsOf[T any](ctx context.Context, typ string) ([]T, error) {
	p, ok := FromContext(ctx)
	if !ok {
		return nil, errNoPrincipal
	}
	found, err := findDetails[T](&p, typ)
	if err != nil {
		return nil, fmt.Errorf("bearer: authorization_details: %w", err)
	}
	return found, nil
}

type details[T any] struct {
	typ   string
	check func(*http.Request, []T) error
}

func (q details[T]) Check(r *http.Request, p *Principal) error {
	refused := Forbid("")
	refused.Check, refused.Expected = "authorization_details", fmt.Sprintf("details of the type %.64q", q.typ)
	refused.Hint = "have the client request authorization details of this type, and the issuer put them into the access token or the introspection response"
	found, err := findDetails[T](p, q.typ)
	switch {
	case err != nil:
		refused.Got, refused.Err = "malformed details", err
		return refused
	case len(found) == 0:
		refused.Got = "none"
		return refused
	}
	return q.check(r, found)
}

func (q details[T]) validate() error {
	var errs []error
	if q.typ == "" {
		errs = append(errs, errors.New("Details without a type"))
	}
	if q.check == nil {
		errs = append(errs, errors.New("Details without a function"))
	}
	return errors.Join(errs...)
}

// findDetails returns the details of a type. One malformed object makes all of
// them malformed, since nobody knows what the issuer meant it to grant. The error
// quotes no value.
func findDetails[T any](p *Principal, typ string) ([]T, error) {
	claim, err := detailsAt.Find(p.claims)
	if err != nil || claim == nil {
		return nil, err
	}
	var found []T
	at := -1
	err = strictjson.Array(claim, func(object strictjson.Value) error {
		at++
		its, err := typeOfDetails(object)
		if err == nil && its == typ {
			var one T
			if json.Unmarshal(object, &one) != nil { // its error may quote a value
				err = fmt.Errorf("a value that does not fit into a %T", one)
			}
			found = append(found, one)
		}
		if err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

var (
	detailsAt = mustParse("/authorization_details")
	typeAt    = mustParse("/type")
)

func mustParse(text string) pointer.Pointer {
	p, err := pointer.Parse(text)
	if err != nil {
		panic(err)
	}
	return p
}

// typeOfDetails returns the type of an object, which it must have (RFC 9396,
// Section 2).
func typeOfDetails(object strictjson.Value) (string, error) {
	if object.Kind() != '{' {
		return "", strictjson.WrongKind(object, "an object")
	}
	value, err := typeAt.Find(string(object))
	switch {
	case err != nil:
		return "", err
	case value == nil:
		return "", errors.New("an object without a type")
	}
	return strictjson.String(value)
}
