package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// held is a log handler that stops the first caller until release is closed. The
// verifier logs a malformed claim while it verifies a token.
type held struct {
	slog.Handler
	turn    chan struct{} // has room for the first caller
	release chan struct{}
}

func newHeld() *held {
	return &held{Handler: slog.DiscardHandler, turn: make(chan struct{}, 1), release: make(chan struct{})}
}

func (h *held) Enabled(context.Context, slog.Level) bool { return true }

func (h *held) Handle(context.Context, slog.Record) error {
	select {
	case h.turn <- struct{}{}:
		<-h.release
	default:
	}
	return nil
}

// C17: a proof that is under way while the configuration is replaced counts for the
// old configuration only. The call that makes it and a call that comes after
// Reconfigure are judged by the new one.
func TestReconfigureDuringAProof(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*jwks.Issuer, *farm)
		check  string
	}{
		{"another audience", func(i *jwks.Issuer, _ *farm) { i.Audience = []string{"other"} }, "aud"},
		{"another profile", func(i *jwks.Issuer, _ *farm) { i.Profile = jwks.Keycloak() }, "kind"},
		{"a profile with subjects", func(i *jwks.Issuer, _ *farm) { i.Profile.Subjects = []string{"bob"} }, "sub"},
		{"other keys", func(i *jwks.Issuer, f *farm) { i.Keys = jwks.KeysFromURL(f.url("b") + "/keys") }, "signature"},
	} {
		for _, resolved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, resolved %t", tt.name, resolved), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f, handler := newFarm(), newHeld()
					issuers := f.issuers("a")
					config := func() jwks.Config {
						c := jwks.Config{Client: f.client, Issuers: issuers, Logger: slog.New(handler)}
						if resolved {
							issuer := issuers[0]
							c.Issuers, c.Resolve = nil, func(context.Context, string) (jwks.Issuer, error) { return issuer, nil }
						}
						return c
					}
					v := newVerifier(t, config())
					accept(t, v, f.token("a", "0"))
					token := f.token("a", "1", `,"auth_time":"malformed"`)
					during := verifying(v, token)
					synctest.Wait()
					tt.change(&issuers[0], f)
					reconfigure(t, v, config())
					after := verifying(v, token)
					synctest.Wait()
					close(handler.release)
					for when, answer := range map[string]<-chan error{"during": during, "after": after} {
						err := <-answer
						if e, _ := errors.AsType[*bearer.Error](err); e == nil || e.Check != tt.check {
							t.Errorf("%s Reconfigure: %v, want %q", when, err, tt.check)
						}
					}
				})
			})
		}
	}
}

// verifying calls Verify in the background.
func verifying(v *jwks.Verifier, token string) <-chan error {
	answer := make(chan error, 1)
	go func() {
		_, err := v.Verify(context.Background(), token)
		answer <- err
	}()
	return answer
}
