package bearer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

func TestWaitReady(t *testing.T) {
	errDown := errors.New("issuer is down")
	tests := []struct {
		name     string
		ready    time.Duration // when the check passes; negative: never
		deadline time.Duration // zero: none
		want     time.Duration // how long WaitReady takes
		err      error
	}{
		{"at once", 0, 0, 0, nil},
		{"at once, and the context has ended", 0, -time.Second, 0, nil},
		{"later", 90 * time.Millisecond, 0, 100 * time.Millisecond, nil},
		{"before the deadline", 9 * time.Second, 10 * time.Second, 9 * time.Second, nil},
		{"never", -1, 10*time.Second + time.Millisecond, 10*time.Second + time.Millisecond, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, began := t.Context(), time.Now()
				if tt.deadline != 0 {
					limited, cancel := context.WithTimeout(ctx, tt.deadline)
					defer cancel()
					ctx = limited
				}
				err := bearer.WaitReady(ctx, func() error {
					if tt.ready >= 0 && time.Since(began) >= tt.ready {
						return nil
					}
					return errDown
				})
				if !errors.Is(err, tt.err) || tt.err != nil && !errors.Is(err, errDown) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if took := time.Since(began); took != tt.want {
					t.Errorf("took %v, want %v", took, tt.want)
				}
			})
		})
	}
}

// The cause of a canceled context is told.
func TestWaitReadyTellsTheCause(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("SIGTERM"))
	err := bearer.WaitReady(ctx, func() error { return errors.New("no keys") })
	if want := "bearer: not ready: SIGTERM: no keys"; err == nil || err.Error() != want {
		t.Errorf("%v; want %s", err, want)
	}
}

// Reports L16: one issuer of two is down.
func TestAnyReady(t *testing.T) {
	a, b := errors.New("a is down"), errors.New("b is down")
	for _, tt := range []struct {
		results []error
		want    string // empty: ready
	}{
		{[]error{nil}, ""},
		{[]error{a, nil}, ""},
		{[]error{nil, b}, ""},
		{[]error{a, b}, "a is down\nb is down"},
		{nil, "AnyReady without arguments"},
	} {
		err := bearer.AnyReady(tt.results...)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v: %v; want %q", tt.results, err, tt.want)
		}
	}
}
