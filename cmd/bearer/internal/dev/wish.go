package dev

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// The values of token_format.
const (
	formatJWT    = "jwt"
	formatOpaque = "opaque"
	formatLogout = "logout"
)

// wish is what a token request says about the access token. Besides scope and
// resource, these are parameters for development, which work with every grant:
// token_format (jwt, opaque or, with client credentials, logout for the logout token
// of sub and sid), profile, audience, roles, claim (name=value, the value in JSON or
// as text), valid_for (a duration, which may be negative) and client_certificate (in
// PEM; it binds the token as mutual TLS would, RFC 8705).
type wish struct {
	scope    string
	audience []string
	roles    []string // nil: the user's
	format   string
	shape    *bearertest.Shape
	life     time.Duration // 0: the default
	claims   map[string]any
}

func parseWish(form url.Values) (wish, *refusal) {
	w := wish{format: form.Get("token_format"), roles: form["roles"], claims: map[string]any{}}
	switch w.format {
	case "", formatJWT, formatOpaque:
	case formatLogout:
		if form.Get("grant_type") != clientGrant {
			return w, invalidRequest("token_format logout needs client credentials")
		}
	default:
		return w, invalidRequest("token_format must be jwt, opaque or logout")
	}
	if name := form.Get("profile"); name != "" {
		shape, err := ParseProfile(name)
		if err != nil {
			return w, invalidRequest("profile must be one of " + strings.Join(ProfileNames(), ", "))
		}
		w.shape = &shape
	}
	if text := form.Get("valid_for"); text != "" {
		var err error
		if w.life, err = parseLife(text); err != nil || w.life == 0 {
			return w, invalidRequest("valid_for must be seconds, or a duration such as 10m or -1m, and not zero")
		}
	}
	if sid := form.Get("sid"); sid != "" {
		w.claims["sid"] = sid
	}
	if certificate := form.Get("client_certificate"); certificate != "" {
		thumbprint, ok := thumbprintOf(certificate)
		if !ok {
			return w, invalidRequest("client_certificate must be a certificate in PEM")
		}
		w.bind("x5t#S256", thumbprint)
	}
	for _, text := range form["claim"] {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return w, invalidRequest("claim must be name=value")
		}
		w.claims[name] = claimValue(value)
	}
	return w, nil
}

// claimValue returns the value of a claim, which is in JSON or a text.
func claimValue(text string) (value any) {
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	return value
}

// bind adds a member to cnf (RFC 7800).
func (w wish) bind(member, value string) {
	cnf, _ := w.claims["cnf"].(map[string]any)
	if cnf == nil {
		cnf = map[string]any{}
	}
	cnf[member] = value
	w.claims["cnf"] = cnf
}

// narrow takes the scopes and the audience from the grant, or fewer if the request
// names fewer (RFC 6749, Section 6, and RFC 8707, Section 2.2).
func (w *wish) narrow(g *grant, form url.Values) *refusal {
	w.scope = g.scope
	if form.Has("scope") && form.Get("grant_type") != clientGrant {
		set, err := scope.Parse(form.Get("scope"))
		if err != nil {
			return badRequest("invalid_scope", "scope must be names with spaces between (RFC 6749, Section 3.3)")
		}
		for _, name := range strings.Fields(set.String()) {
			if !slices.Contains(strings.Fields(g.scope), name) {
				return badRequest("invalid_scope", "the grant does not have all of these scopes")
			}
		}
		if set.String() != "" {
			w.scope = set.String()
		}
	}
	if refused := checkResources(form["resource"]); refused != nil {
		return refused
	}
	w.audience = append(w.audience, g.resources...)
	if asked := form["resource"]; len(asked) > 0 {
		for _, resource := range asked {
			if len(g.resources) > 0 && !slices.Contains(g.resources, resource) {
				return badRequest("invalid_target", "the grant is not for this resource")
			}
		}
		w.audience = slices.Clone(asked)
	}
	w.audience = append(w.audience, form["audience"]...)
	return nil
}

// checkResources checks resource indicators (RFC 8707, Section 2).
func checkResources(resources []string) *refusal {
	for _, resource := range resources {
		u, err := url.Parse(resource)
		if err != nil || !u.IsAbs() || strings.Contains(resource, "#") {
			return badRequest("invalid_target", "resource must be an absolute URI without a fragment")
		}
	}
	return nil
}

// parseLife parses a duration, as Go writes it or in seconds.
func parseLife(text string) (time.Duration, error) {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second, nil
	}
	return time.ParseDuration(text)
}

// thumbprintOf returns the x5t#S256 of a certificate (RFC 8705, Section 3.1).
func thumbprintOf(text string) (thumbprint string, ok bool) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return "", false
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return "", false
	}
	sum := sha256.Sum256(block.Bytes)
	return base64.RawURLEncoding.EncodeToString(sum[:]), true
}
