package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/jwks"
)

// docs/issuers.md contains the code from here to reloadOnSIGHUP.

// entraTenants returns a Config.Resolve for Entra ID tenants. isCustomer looks up
// a tenant ID, for example in a database.
func entraTenants(isCustomer func(ctx context.Context, tenant string) (bool, error)) func(context.Context, string) (jwks.Issuer, error) {
	return func(ctx context.Context, iss string) (jwks.Issuer, error) {
		rest, ours := strings.CutPrefix(iss, "https://login.microsoftonline.com/")
		tenant, v2 := strings.CutSuffix(rest, "/v2.0")
		if !ours || !v2 {
			return jwks.Issuer{}, bearer.ErrUnrecognized // 401
		}
		known, err := isCustomer(ctx, tenant)
		if err != nil {
			return jwks.Issuer{}, err // 503
		}
		if !known {
			return jwks.Issuer{}, bearer.ErrUnrecognized
		}
		return jwks.Issuer{URL: iss, Audience: []string{"APPLICATION-ID"}, Profile: jwks.EntraID()}, nil
	}
}

// loadIssuers returns a configuration with the issuers in a file, one URL in each
// line.
func loadIssuers(path string) (jwks.Config, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return jwks.Config{}, err
	}
	var c jwks.Config
	for _, url := range strings.Fields(string(content)) {
		c.Issuers = append(c.Issuers, jwks.Issuer{URL: url, Audience: []string{"orders-api"}})
	}
	return c, nil
}

// reloadOnSIGHUP replaces the issuers of tokens when the program gets SIGHUP. After
// a mistake in the file, the old issuers stay.
func reloadOnSIGHUP(ctx context.Context, tokens *jwks.Verifier, path string, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
		}
		c, err := loadIssuers(path)
		if err == nil {
			err = tokens.Reconfigure(c)
		}
		if err != nil {
			log.Error("the issuers were not replaced", "error", err)
		}
	}
}

func TestEntraTenants(t *testing.T) {
	down := errors.New("the table is down")
	resolve := entraTenants(func(_ context.Context, tenant string) (bool, error) {
		switch tenant {
		case "8d5f":
			return true, nil
		case "down":
			return false, down
		}
		return false, nil
	})
	for _, tt := range []struct {
		iss  string
		want error
	}{
		{"https://login.microsoftonline.com/8d5f/v2.0", nil},
		{"https://login.microsoftonline.com/down/v2.0", down},
		{"https://login.microsoftonline.com/other/v2.0", bearer.ErrUnrecognized},
		{"https://login.microsoftonline.com/8d5f", bearer.ErrUnrecognized},
		{"https://login.microsoftonline.com/8d5f/../other/v2.0", bearer.ErrUnrecognized},
		{"https://evil.example/8d5f/v2.0", bearer.ErrUnrecognized},
	} {
		issuer, err := resolve(t.Context(), tt.iss)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.iss, err, tt.want)
		}
		if err == nil {
			newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{issuer}, Client: newFarm().client})
		}
	}
}

func TestReloadOnSIGHUP(t *testing.T) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // or the first signal may end the test
	defer signal.Stop(hangup)
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "issuers")
	write := func(urls ...string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Join(urls, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("http://127.0.0.1:1/a")
	c, err := loadIssuers(path)
	if err != nil {
		t.Fatal(err)
	}
	v := newVerifier(t, c)
	var log lockedBuffer
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	wait.Go(func() { reloadOnSIGHUP(ctx, v, path, slog.New(slog.NewTextHandler(&log, nil))) })
	defer wait.Wait()
	defer cancel()
	reload := func(done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); !done(); elapse(10 * time.Millisecond) {
			if err := self.Signal(syscall.SIGHUP); err != nil {
				t.Skip(err)
			}
			if time.Now().After(deadline) {
				t.Fatal("not reloaded")
			}
		}
	}
	urls := func() (list []string) {
		for _, i := range v.Stats().Issuers {
			list = append(list, i.URL)
		}
		return list
	}
	write("http://127.0.0.1:1/b", "http://127.0.0.1:1/c")
	reload(func() bool { return fmt.Sprint(urls()) == "[http://127.0.0.1:1/b http://127.0.0.1:1/c]" })
	write("ftp://127.0.0.1")
	reload(func() bool { return strings.Contains(log.String(), "were not replaced") })
	if len(urls()) != 2 {
		t.Errorf("%v after a mistake", urls())
	}
}
