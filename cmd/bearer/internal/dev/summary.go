package dev

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Summary says what a server has, for people who use it.
type Summary struct {
	URL     string          `json:"url"`
	Issuers []IssuerSummary `json:"issuers"`
	Users   []UserSummary   `json:"users"`
	Clients []ClientSummary `json:"clients"`
}

// IssuerSummary is about one issuer. Go is the Go code with which an API trusts it,
// and Curl a command that gets a token.
type IssuerSummary struct {
	URL         string   `json:"url"`
	Path        string   `json:"path"`
	Profile     string   `json:"profile"`
	TokenFormat string   `json:"token_format"`
	Audience    []string `json:"audience"`
	Go          string   `json:"go"`
	Curl        string   `json:"curl"`
}

// UserSummary is about one user.
type UserSummary struct {
	Name  string   `json:"name"`
	Roles []string `json:"roles,omitempty"`
}

// ClientSummary is about one client. Its secret is in the configuration.
type ClientSummary struct {
	ID           string   `json:"client_id"`
	Public       bool     `json:"public"`
	AnyLoopback  bool     `json:"any_loopback_redirect,omitempty"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
}

// Summary returns the summary of the server.
func (s *Server) Summary() Summary {
	sum := Summary{URL: s.config.URL}
	for _, i := range s.issuers {
		format := formatJWT
		if i.config.Opaque {
			format = formatOpaque
		}
		sum.Issuers = append(sum.Issuers, IssuerSummary{
			URL: i.url, Path: i.shownPath(), Profile: profileName(i.config.Profile), TokenFormat: format,
			Audience: i.audience(), Go: i.code(),
			Curl: fmt.Sprintf("curl -d grant_type=client_credentials -d sub=%s -d scope=orders:read %s/token", url.QueryEscape(s.config.Users[0].Name), i.url),
		})
	}
	for _, u := range s.config.Users {
		sum.Users = append(sum.Users, UserSummary{u.Name, u.Roles})
	}
	for _, c := range s.config.Clients {
		sum.Clients = append(sum.Clients, ClientSummary{c.ID, c.Secret == "", c.AnyLoopback, c.RedirectURIs})
	}
	return sum
}

// audience returns what an API must find in aud.
func (i *issuer) audience() []string {
	if !audienceIsClient(i.config.Profile) {
		return i.config.Audience
	}
	var ids []string
	for _, c := range i.server.config.Clients {
		ids = append(ids, c.ID)
	}
	return ids
}

// code returns the Go code of a configuration that trusts the issuer.
func (i *issuer) code() string {
	quoted := make([]string, 0, 4)
	for _, name := range i.audience() {
		quoted = append(quoted, strconv.Quote(name))
	}
	audience := "[]string{" + strings.Join(quoted, ", ") + "}"
	if i.config.Opaque {
		id := "service"
		for _, c := range i.server.config.Clients {
			if c.Secret != "" {
				id = c.ID
				break
			}
		}
		return fmt.Sprintf("introspect.Config{\n\tIssuer:   %q,\n\tAuth:     introspect.ClientSecretBasic(%q, os.Getenv(\"CLIENT_SECRET\")),\n\tAudience: %s,\n}", i.url, id, audience)
	}
	profile := ""
	if code := profileCode(i.config.Profile); code != "" {
		profile = fmt.Sprintf("\tProfile:  %s,\n", code)
	}
	return fmt.Sprintf("jwks.Issuer{\n\tURL:      %q,\n\tAudience: %s,\n%s}", i.url, audience, profile)
}

// Line returns an entry as one line of the log.
func (e Entry) Line() string {
	parts := []string{e.Method, cmp.Or(e.Path, "(no such endpoint)")}
	if e.Status == 0 {
		parts = append(parts, "no answer")
	} else {
		parts = append(parts, strconv.Itoa(e.Status))
	}
	for _, f := range []struct{ name, value string }{{"client", e.Client}, {"user", e.User}, {"error", e.Error}} {
		if f.value != "" {
			parts = append(parts, f.name+"="+f.value)
		}
	}
	return strings.Join(parts, " ")
}
