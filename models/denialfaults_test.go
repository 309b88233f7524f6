package models_test

import (
	"context"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

func denialFaults() []fault {
	return []fault{
		{"an entry becomes weaker", denials(func(l denylist.List) denylist.List { return weakerDenials{l} }), false, 6},
		{"an entry is lifted for all issuers", denials(func(l denylist.List) denylist.List { return liftingDenials{l} }), false, 6},
		{"a session is not looked up", denials(func(l denylist.List) denylist.List { return sessionlessDenials{l} }), false, 4},
		{"entries are lost", denials(func(l denylist.List) denylist.List { return &losingDenials{List: l} }), true, 2},
	}
}

// weakerDenials replaces an entry instead of merging it with the new one.
type weakerDenials struct{ denylist.List }

func (l weakerDenials) Deny(ctx context.Context, e denylist.Entry) error {
	if err := l.Lift(ctx, e); err != nil {
		return err
	}
	return l.List.Deny(ctx, e)
}

// liftingDenials lifts the entries of all issuers.
type liftingDenials struct{ denylist.List }

func (l liftingDenials) Lift(ctx context.Context, e denylist.Entry) error {
	for _, e.Issuer = range denialIssuers {
		if err := l.List.Lift(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// sessionlessDenials ignores a token's session.
type sessionlessDenials struct{ denylist.List }

func (l sessionlessDenials) Denied(ctx context.Context, p *bearer.Principal) (bool, error) {
	other := *p
	other.SessionID = ""
	return l.List.Denied(ctx, &other)
}

// losingDenials loses entries that are added at the same time.
type losingDenials struct {
	denylist.List
	calls atomic.Int32
}

func (l *losingDenials) Deny(ctx context.Context, e denylist.Entry) error {
	if alone(&l.calls) {
		return l.List.Deny(ctx, e)
	}
	return nil
}
