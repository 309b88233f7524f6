package reference

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// leeway is how far clocks may differ.
const leeway = 5 * time.Second

// errToken says that a token is invalid. Nobody learns why.
var errToken = errors.New("reference: the token is invalid")

// token is an access token that the issuer vouches for.
type token struct {
	scopes []string
	claims map[string]any
	jkt    string // RFC 9449, Section 6.1
	x5t    string // RFC 8705, Section 3.1
}

// judge verifies an access token, whatever its form.
func (s *server) judge(text string) (*token, error) {
	switch strings.Count(text, ".") {
	case 0:
		return s.introspect(text)
	case 2:
		return s.judgeJWT(text)
	}
	return nil, errToken
}

// judgeJWT validates a JWT as RFC 9068, Section 4 says.
func (s *server) judgeJWT(text string) (*token, error) {
	j, err := parse(text, s.algorithms)
	if err != nil {
		return nil, errToken
	}
	typ, _ := j.header["typ"].(string)
	if !strings.EqualFold(typ, "at+jwt") && !strings.EqualFold(typ, "application/at+jwt") {
		return nil, errToken
	}
	if err := s.keys.verify(j); errors.Is(err, errOutage) {
		return nil, errOutage
	} else if err != nil {
		return nil, errToken
	}
	// RFC 9068, Section 2.2 requires these claims.
	for _, name := range []string{"iss", "sub", "client_id", "jti"} {
		if value, ok := j.claims[name].(string); !ok || value == "" {
			return nil, errToken
		}
	}
	if _, ok := date(j.claims, "exp"); !ok {
		return nil, errToken
	}
	if _, ok := date(j.claims, "iat"); !ok {
		return nil, errToken
	}
	return s.judgeClaims(j.claims)
}

// judgeClaims checks what a JWT and an answer of introspection have in common. It
// requires the audience, and checks the other claims if they are present.
func (s *server) judgeClaims(claims map[string]any) (*token, error) {
	now := float64(time.Now().UnixNano()) / float64(time.Second)
	skew := leeway.Seconds()
	if has(claims, "iss") && claims["iss"] != s.Issuer || !s.isAudience(claims["aud"]) {
		return nil, errToken
	}
	for name, isBad := range map[string]func(float64) bool{
		"exp": func(t float64) bool { return now >= t+skew },
		"nbf": func(t float64) bool { return now < t-skew },
		"iat": func(t float64) bool { return now < t-skew },
	} {
		if t, ok := date(claims, name); has(claims, name) && (!ok || isBad(t)) {
			return nil, errToken
		}
	}
	t := &token{claims: claims}
	if granted, ok := claims["scope"].(string); ok {
		t.scopes = strings.Fields(granted)
	}
	return t, t.bind()
}

// isAudience reports whether aud, a string or an array of strings, names the API.
func (s *server) isAudience(aud any) bool {
	list, isList := aud.([]any)
	if !isList {
		return aud == s.Resource
	}
	for _, element := range list {
		if _, ok := element.(string); !ok {
			return false
		}
	}
	return slices.Contains(list, any(s.Resource))
}

// bind reads cnf (RFC 7800). A confirmation that cannot be checked is refused.
func (t *token) bind() error {
	if !has(t.claims, "cnf") {
		if kind, _ := t.claims["token_type"].(string); strings.EqualFold(kind, "DPoP") {
			return errToken
		}
		return nil
	}
	cnf, ok := t.claims["cnf"].(map[string]any)
	if !ok {
		return errToken
	}
	for name, hash := range map[string]*string{"jkt": &t.jkt, "x5t#S256": &t.x5t} {
		if !has(cnf, name) {
			continue
		}
		value, _ := text(cnf, name)
		if raw, err := base64url(value); err != nil || len(raw) != 32 {
			return errToken
		}
		*hash = value
	}
	if t.jkt == "" && t.x5t == "" {
		return errToken
	}
	return nil
}

// introspect asks the issuer about a token (RFC 7662).
func (s *server) introspect(text string) (*token, error) {
	if s.Introspection == "" {
		return nil, errToken
	}
	form := url.Values{"token": {text}, "token_type_hint": {"access_token"}}
	r, err := http.NewRequest(http.MethodPost, s.Introspection, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errOutage
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(s.ClientID), url.QueryEscape(s.ClientSecret)) // RFC 6749, Section 2.3.1
	document, err := ask(s.Client, r)
	if err != nil {
		return nil, err
	}
	answer, err := object(document)
	active, isBool := answer["active"].(bool)
	switch {
	case err != nil || !isBool:
		return nil, errOutage
	case !active:
		return nil, errToken
	}
	return s.judgeClaims(answer)
}
