package discovery_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/discovery"
	"github.com/bearerkit/bearerkit/internal/fetch"
)

const (
	issuer  = "https://login.example.com"
	keysURL = issuer + "/keys"
	first   = issuer + "/.well-known/oauth-authorization-server"
	second  = issuer + "/.well-known/openid-configuration"
)

// server answers requests without a network: by URL, and 404 for any other URL.
type server struct {
	answers map[string]answer
	asked   []string // the URLs of all requests, in order
}

type answer struct {
	status   int
	location string
	body     string
	err      error
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	u := r.URL.String()
	s.asked = append(s.asked, u)
	a, ok := s.answers[u]
	switch {
	case !ok:
		a = answer{status: 404}
	case a.err != nil:
		return nil, a.err
	}
	header := http.Header{}
	if a.location != "" {
		header.Set("Location", a.location)
	}
	return &http.Response{
		StatusCode: a.status, Header: header, Request: r,
		ContentLength: int64(len(a.body)), Body: io.NopCloser(strings.NewReader(a.body)),
	}, nil
}

func (s *server) client() *fetch.Client {
	return fetch.New(&http.Client{Transport: s}, false)
}

// metadata is a document with an issuer and a jwks_uri.
func metadata(issuer, jwksURI string) answer {
	return answer{status: 200, body: fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, jwksURI)}
}

// Checklist T1: the well-known URLs, and their order.
func TestFindTriesTheWellKnownURLsInOrder(t *testing.T) {
	for _, tt := range []struct {
		issuer string
		want   []string
	}{
		{issuer, []string{first, second}},
		{issuer + "/", []string{first, second}},
		{issuer + "/realms/a", []string{
			issuer + "/.well-known/oauth-authorization-server/realms/a",
			issuer + "/realms/a/.well-known/openid-configuration",
			issuer + "/.well-known/openid-configuration/realms/a",
		}},
		{issuer + ":8443/a%2Fb/", []string{
			issuer + ":8443/.well-known/oauth-authorization-server/a%2Fb",
			issuer + ":8443/a%2Fb/.well-known/openid-configuration",
			issuer + ":8443/.well-known/openid-configuration/a%2Fb",
		}},
	} {
		for last := range tt.want {
			t.Run(fmt.Sprint(tt.issuer, " at URL ", last+1), func(t *testing.T) {
				s := &server{answers: map[string]answer{tt.want[last]: metadata(tt.issuer, keysURL)}}
				m, err := discovery.Find(t.Context(), s.client(), tt.issuer, discovery.JWKSURI)
				if err != nil || m.JWKSURI != keysURL {
					t.Errorf("got %+v, %v, want the jwks_uri %s", m, err, keysURL)
				}
				if want := tt.want[:last+1]; !slices.Equal(s.asked, want) {
					t.Errorf("requests of %q, want %q", s.asked, want)
				}
			})
		}
	}
}

// A bad document at one URL does not end the search. A host that is down does.
func TestFindMovesOn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first answer
		found bool
	}{
		{"not found", answer{status: 404}, true},
		{"status 500", answer{status: 500}, true},
		{"a single-page application", answer{status: 200, body: "<!doctype html>"}, true},
		{"another issuer", metadata("https://other.example.com", "https://other.example.com/keys"), true},
		{"no jwks_uri", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q}`, issuer)}, true},
		{"jwks_uri by http", metadata(issuer, "http://login.example.com/keys"), true},
		{"jwks_uri by http on loopback", metadata(issuer, "http://127.0.0.1/keys"), true},
		{"jwks_uri is a file", metadata(issuer, "file:///etc/passwd"), true},
		{"a redirect to another origin", answer{status: 302, location: "https://evil.example.com/"}, true},
		{"too large", answer{status: 200, body: metadata(issuer, keysURL).body + strings.Repeat(" ", 1<<20)}, true},
		{"connection refused", answer{err: errors.New("connection refused")}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answers: map[string]answer{first: tt.first, second: metadata(issuer, keysURL)}}
			m, err := discovery.Find(t.Context(), s.client(), issuer, discovery.JWKSURI)
			if (err == nil) != tt.found {
				t.Errorf("got %+v, %v, want found %t", m, err, tt.found)
			}
			want := []string{first}
			if tt.found {
				want = append(want, second)
			}
			if !slices.Equal(s.asked, want) {
				t.Errorf("requests of %q, want %q", s.asked, want)
			}
		})
	}
}

func TestFindNamesEachURLAndItsFault(t *testing.T) {
	s := &server{answers: map[string]answer{first: metadata("https://other.example.com", keysURL)}}
	_, err := discovery.Find(t.Context(), s.client(), issuer, discovery.JWKSURI)
	if _, ok := errors.AsType[*discovery.Error](err); !ok {
		t.Fatalf("error %v, want a *discovery.Error", err)
	}
	for _, want := range []string{
		first + `: its issuer is "https://other.example.com", want "https://login.example.com"`,
		second + ": the response status is 404",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s in it", err, want)
		}
	}
}

// Checklist C11, T4: an issuer whose URL is not allowed causes no request.
func TestFindRejectsBadIssuers(t *testing.T) {
	for _, tt := range []struct{ issuer, fault string }{
		{"http://login.example.com", "https"},
		{"https://login.example.com?tenant=a", "query"},
		{"https://login.example.com#a", "fragment"},
		{"https://user:secret@login.example.com", "userinfo"},
		{"login.example.com", "not absolute"},
		{"", "not absolute"},
	} {
		t.Run(tt.issuer, func(t *testing.T) {
			s := &server{}
			_, err := discovery.Find(t.Context(), s.client(), tt.issuer, discovery.JWKSURI)
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("error %v, want one about %q", err, tt.fault)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v shows the userinfo", err)
			}
			if len(s.asked) > 0 {
				t.Errorf("requests of %q, want none", s.asked)
			}
		})
	}
}

func TestFindAtAcceptsEitherNameOfTheIssuer(t *testing.T) {
	const place = "https://config.example.com/metadata"
	document := func(issuer, accessTokenIssuer string) answer {
		return answer{status: 200, body: fmt.Sprintf(
			`{"issuer":%q,"access_token_issuer":%q,"jwks_uri":%q}`, issuer, accessTokenIssuer, keysURL)}
	}
	for _, tt := range []struct {
		name   string
		answer answer
		fault  string // part of the error; empty: no error
	}{
		{"issuer", document(issuer, "urn:other"), ""},
		{"access_token_issuer", document("urn:other", issuer), ""},
		{"neither", document("urn:one", "urn:two"), `its issuer is "urn:one" and its access_token_issuer is "urn:two", want "https://login.example.com"`},
		{"another issuer", metadata("urn:one", keysURL), `its issuer is "urn:one", want "https://login.example.com"`},
		{"no jwks_uri", answer{status: 200, body: fmt.Sprintf(`{"issuer":%q}`, issuer)}, "no jwks_uri"},
		{"status 503", answer{status: 503}, "503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answers: map[string]answer{place: tt.answer}}
			m, err := discovery.FindAt(t.Context(), s.client(), place, issuer, discovery.JWKSURI)
			switch {
			case tt.fault == "" && (err != nil || m.JWKSURI != keysURL):
				t.Errorf("got %+v, %v, want the jwks_uri %s", m, err, keysURL)
			case tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault) || !strings.Contains(err.Error(), place)):
				t.Errorf("error %v, want one with %s and %q", err, place, tt.fault)
			}
		})
	}
}

func TestHintNamesTheSettingToUseInstead(t *testing.T) {
	_, err := discovery.Find(t.Context(), (&server{}).client(), issuer, discovery.JWKSURI)
	e, ok := errors.AsType[*discovery.Error](err)
	if !ok {
		t.Fatalf("error %v, want a *discovery.Error", err)
	}
	if hint := e.Hint("the URL of its key set"); !strings.Contains(hint, "the issuer's URL") || !strings.Contains(hint, "the URL of its key set") {
		t.Errorf("the hint is %q", hint)
	}
}
