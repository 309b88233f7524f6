package denylist_test

import (
	"context"
	"errors"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// neverChanged is a list that no test may change.
type neverChanged struct{ t testing.TB }

func (n neverChanged) Denied(context.Context, *bearer.Principal) (bool, error) { return false, nil }

func (n neverChanged) Deny(_ context.Context, e denylist.Entry) error {
	n.t.Errorf("Deny(%+v)", e)
	return nil
}

func (n neverChanged) Lift(_ context.Context, e denylist.Entry) error {
	n.t.Errorf("Lift(%+v)", e)
	return nil
}

var errList = errors.New("the list is out of reach")

// failing is a list whose calls fail: those of Denied while lookups is set, and
// those of Deny from the number after on.
type failing struct {
	denylist.List
	lookups bool
	after   int  // negative: never
	once    bool // only the first call of those
	calls   int
	denied  []denylist.Entry // by Deny
}

func (f *failing) Denied(ctx context.Context, p *bearer.Principal) (bool, error) {
	if f.lookups {
		return false, errList
	}
	return f.List.Denied(ctx, p)
}

func (f *failing) Deny(ctx context.Context, e denylist.Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.calls++; f.after >= 0 && f.calls > f.after && (!f.once || f.calls == f.after+1) {
		return errList
	}
	f.denied = append(f.denied, e)
	return f.List.Deny(ctx, e)
}
