package introspect_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/introspect"
)

// An introspection that Close ends says nothing about the endpoint.
func TestOnRequestAfterClose(t *testing.T) {
	calls := 0
	inBubble(t, func(c *introspect.Config) {
		c.OnRequest = func(context.Context, introspect.Request) { calls++ }
	}, func(t *testing.T, issuer *bearertest.Issuer, v *introspect.Verifier) {
		if _, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{})); err != nil || calls != 1 {
			t.Fatalf("%v, %d calls", err, calls)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		ended := make(chan error)
		go func() {
			_, err := v.Verify(t.Context(), issuer.MintOpaque(bearertest.Token{}))
			ended <- err
		}()
		elapse(time.Second)
		v.Close()
		if err := <-ended; err == nil || calls != 1 {
			t.Errorf("%v, %d calls; want one", err, calls)
		}
	})
}

// A configuration prints whether the hook is set.
func TestConfigPrintsOnRequest(t *testing.T) {
	for set, hook := range map[bool]func(context.Context, introspect.Request){true: func(context.Context, introspect.Request) {}, false: nil} {
		if text := fmt.Sprint(introspect.Config{OnRequest: hook}); strings.Contains(text, "OnRequest") != set {
			t.Errorf("set %t: %s", set, text)
		}
	}
}
