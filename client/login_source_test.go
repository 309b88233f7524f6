package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/client"
	"github.com/bearerkit/bearerkit/scope"
)

// source makes a Login and returns it with the want of a first request.
func (w *world) source(c client.LoginConfig) (*client.Login, client.Want) {
	w.t.Helper()
	login, err := client.NewLogin(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.login = login
	challenges, err := client.ParseChallenges([]string{w.challenge})
	if err != nil {
		w.t.Fatal(err)
	}
	return login, client.Want{Resource: theAPI, Scope: scope.Of("orders:read"), Challenge: challenges[0]}
}

// A token is returned again while it is good, and refreshed when it expires.
func TestLoginKeepsItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		login, want := w.source(w.config())
		for i, wanted := range []string{"token-1", "token-1", "token-2"} {
			token, err := login.Token(t.Context(), want)
			if err != nil || token.AccessToken != wanted || token.RefreshToken != "" {
				t.Fatalf("call %d: %+v, %v", i, token, err)
			}
			if i == 1 {
				<-time.After(10 * time.Minute)
			}
		}
	})
}

// An outage of the token endpoint is not the end of a session: the person is not
// asked, and the next request refreshes.
func TestRefreshDuringAnOutage(t *testing.T) {
	for name, outage := range map[string]http.HandlerFunc{
		"down":          respond(503, ""),
		"says so":       respond(400, `{"error":"temporarily_unavailable"}`),
		"a failure":     respond(400, `{"error":"server_error"}`),
		"too often":     respond(400, `{"error":"slow_down"}`),
		"rate limit":    respond(429, `{"error":"too_many_requests"}`),
		"hangs":         hang,
		"not a token":   respond(200, "<html>"),
		"a proxy's 403": respond(403, "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				login, want := w.source(w.config())
				if _, err := login.Token(t.Context(), want); err != nil {
					t.Fatal(err)
				}
				before := w.hosts["login.example.com"]
				w.serve("login.example.com", "POST /token", outage)
				want.Refused = "token-1"
				if token, err := login.Token(t.Context(), want); token != nil || err == nil {
					t.Errorf("%v, %v", token, err)
				}
				w.hosts["login.example.com"] = before
				if token, err := login.Token(t.Context(), want); err != nil || token.AccessToken != "token-2" || len(w.pages) != 1 {
					t.Errorf("after the outage: %v, %v, %d logins", token, err, len(w.pages))
				}
			})
		})
	}
}

// A server that does not rotate keeps its refresh token. One that returns the refused
// token again is of no use.
func TestRefreshWithoutRotation(t *testing.T) {
	w := newWorld(t)
	login, want := w.source(w.config())
	w.token = func(form url.Values, m map[string]any) {
		if form.Get("grant_type") == "refresh_token" {
			w.refresh = form.Get("refresh_token")
			delete(m, "refresh_token")
		}
	}
	for i := range 3 {
		token, err := login.Token(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 && w.forms[i].Get("refresh_token") != "refresh-1" {
			t.Errorf("refresh %d sends %v", i, w.forms[i])
		}
		want.Refused = token.AccessToken
	}
	w.token = func(form url.Values, m map[string]any) {
		if form.Get("grant_type") == "refresh_token" {
			m["access_token"] = want.Refused
		}
	}
	if token, err := login.Token(t.Context(), want); err != nil || token.AccessToken == want.Refused || len(w.pages) != 2 {
		t.Errorf("%v, %v, after %d logins", token, err, len(w.pages))
	}
}

// RFC 9470, Section 4, in all forms of a step-up. The scopes stay.
func TestStepUpParameters(t *testing.T) {
	for _, tt := range []struct {
		need     client.StepUp
		acr, age string
		has      [2]bool
	}{
		{client.StepUp{ACRValues: []string{"gold", "silver"}, MaxAge: -1}, "gold silver", "", [2]bool{true, false}},
		{client.StepUp{MaxAge: 90 * time.Second}, "", "90", [2]bool{false, true}},
		{client.StepUp{}, "", "0", [2]bool{false, true}},
	} {
		w := newWorld(t)
		login, want := w.source(w.config())
		if _, err := login.Token(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		want.Scope, want.StepUp = scope.Set{}, &tt.need
		if _, err := login.Token(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		page := w.pages[1]
		if page.Get("acr_values") != tt.acr || page.Get("max_age") != tt.age || page.Has("acr_values") != tt.has[0] || page.Has("max_age") != tt.has[1] || page.Get("scope") != "orders:read" {
			t.Errorf("%+v: %v", tt.need, page)
		}
	}
}

// OmitResource is for servers that refuse the parameter (RFC 8707).
func TestOmitResource(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.OmitResource = true
	login, want := w.source(c)
	for range 2 {
		token, err := login.Token(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		want.Refused = token.AccessToken
	}
	for _, sent := range append(w.forms, w.pages...) {
		if sent.Has("resource") {
			t.Errorf("sent %v", sent)
		}
	}
}

// While a person is asked, other callers wait. They share a failure, and a caller that
// gives up gets its own error.
func TestWaitingForALogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.config()
		opened := 0
		c.Open = func(context.Context, string) error { opened++; return nil }
		login, want := w.source(c)
		errs := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := login.Token(t.Context(), want)
				errs <- err
			}()
		}
		synctest.Wait()
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := login.Token(hurried, want); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller that gives up: %v", err)
		}
		for range 2 {
			if err := <-errs; err == nil || !strings.Contains(err.Error(), "nobody logged in") {
				t.Errorf("error %v", err)
			}
		}
		if opened != 1 {
			t.Errorf("the person was asked %d times", opened)
		}
		// A later caller asks again. It gives up while the person is there.
		impatient, leave := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		time.AfterFunc(time.Second, func() { leave(gone) })
		if _, err := login.Token(impatient, want); !errors.Is(err, gone) || opened != 2 {
			t.Errorf("%v, asked %d times", err, opened)
		}
	})
}

// What the program's own functions and settings do wrong.
func TestLoginFailsToStart(t *testing.T) {
	w := newWorld(t)
	c := w.config()
	c.Open = func(context.Context, string) error { return fmt.Errorf("no browser") }
	login, want := w.source(c)
	if _, err := login.Token(t.Context(), want); err == nil || !strings.Contains(err.Error(), "cannot be opened") {
		t.Errorf("without a browser: %v", err)
	}
	w = newWorld(t)
	w.metadata["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"}
	c = w.config()
	c.ClientID, c.ClientSecret, c.InsecureAnyIssuer = "app", "secret", true
	login, want = w.source(c)
	if _, err := login.Token(t.Context(), want); err == nil || !strings.Contains(err.Error(), "private_key_jwt") || len(w.pages) > 0 {
		t.Errorf("without a method: %v", err)
	}
}

// Timeout is the person's time.
func TestTimeout(t *testing.T) {
	for timeout, took := range map[time.Duration]time.Duration{0: 5 * time.Minute, -1: 5 * time.Minute, time.Hour: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.config()
			c.Open, c.Timeout = func(context.Context, string) error { return nil }, timeout
			login, want := w.source(c)
			began := time.Now()
			if _, err := login.Token(t.Context(), want); err == nil || time.Since(began) != took {
				t.Errorf("Timeout %v: %v after %v", timeout, err, time.Since(began))
			}
		})
	}
}
