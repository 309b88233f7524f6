package explain

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/jwks"
)

// ask asks the SDK's verifier and guard about the token.
func (j *judge) ask(ctx context.Context) error {
	token, issuer := j.token, j.issuer
	if !j.config.At.IsZero() && j.passed("signature") {
		var err error
		if token, issuer, err = j.movedCopy(); err != nil {
			return err
		}
	}
	verifier, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{issuer}, Leeway: j.config.Leeway, Client: j.client})
	if err != nil {
		return err
	}
	defer verifier.Close()
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{verifier}, ResourceMetadata: j.config.Metadata, InsecureAllowHTTP: j.config.InsecureAllowHTTP,
		RequestID: func(*http.Request) string { return "1" },
		OnRefusal: func(_ *http.Request, e bearer.Event) { j.refusal = e },
	})
	if err != nil {
		return err
	}
	var requirements []bearer.Requirement
	for _, role := range j.config.Roles {
		requirements = append(requirements, bearer.Role(role))
	}
	route, err := guard.Route(bearer.RouteConfig{Rule: j.rule(), Requirements: requirements})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, cmpOr(j.config.URL, "https://api.example.com/"), nil)
	if err != nil {
		return err
	}
	request.Header["Authorization"] = []string{"Bearer " + token}
	w := &writer{header: http.Header{}, status: http.StatusOK}
	route.Admit(w, request)
	j.report.Answer = &Answer{
		Status: w.status, Challenge: w.header["Www-Authenticate"], Retry: w.header.Get("Retry-After"),
		Body: strings.TrimSpace(w.body.String()), Hint: j.refusal.Hint,
	}
	return nil
}

// movedCopy returns a copy of the token whose times are moved by the distance of
// config.At from now, and the issuer that accepts the copy.
func (j *judge) movedCopy() (string, jwks.Issuer, error) {
	c, err := j.copyOf()
	if err != nil {
		return "", jwks.Issuer{}, err
	}
	c.typ, c.claims = j.header.Type, maps.Clone(j.claims)
	for _, name := range []string{"nbf", "iat", "exp", "auth_time"} {
		value := j.claims[name]
		if value == nil {
			continue
		}
		if at, err := claims.Date(value); err == nil {
			c.set(name, timeJSON(at.Add(time.Until(j.now)*-1)))
		}
	}
	token, err := c.sign()
	return token, c.issuer, err
}

// writer keeps an answer.
type writer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *writer) Header() http.Header            { return w.header }
func (w *writer) WriteHeader(status int)         { w.status = status }
func (w *writer) Write(body []byte) (int, error) { return w.body.Write(body) }
