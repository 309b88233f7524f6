package main

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// message returns a handler that answers with a text.
func message(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		reply.JSON(w, http.StatusOK, map[string]string{"message": text})
	}
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	reply.JSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func readyz(ready func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if ready() != nil { // the log says why; clients need not know
			reply.Fail(w, http.StatusServiceUnavailable, "The keys of an issuer are out of reach.")
			return
		}
		reply.JSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}

func me(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	reply.JSON(w, http.StatusOK, struct {
		Issuer    string   `json:"issuer"`
		Subject   string   `json:"subject"`
		ClientID  string   `json:"client_id"`
		Audience  []string `json:"audience"`
		Scopes    []string `json:"scopes"`
		ExpiresAt string   `json:"expires_at"`
		TokenType string   `json:"token_type"`
	}{
		Issuer:    p.Issuer,
		Subject:   p.Subject,
		ClientID:  p.ClientID,
		Audience:  append([]string{}, p.Audience()...), // [], never null
		Scopes:    append([]string{}, p.Scopes.Names()...),
		ExpiresAt: p.Expires.UTC().Format(time.RFC3339),
		TokenType: p.TokenType,
	})
}

func greeting(w http.ResponseWriter, r *http.Request) {
	name := "stranger"
	if p, known := bearer.FromContext(r.Context()); known {
		name = p.Subject
	}
	reply.JSON(w, http.StatusOK, map[string]string{"greeting": "Hello, " + name + "!"})
}

func listOrders(w http.ResponseWriter, _ *http.Request) {
	type order struct {
		ID    string `json:"id"`
		Total string `json:"total"`
	}
	reply.JSON(w, http.StatusOK, map[string][]order{"orders": {{"1", "12.50 EUR"}, {"2", "7.00 EUR"}}})
}

func showProfile(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	reply.JSON(w, http.StatusOK, map[string]string{"id": id, "message": "The profile of " + id + "."})
}

// maxBody bounds the body of a request.
const maxBody = 1 << 20

// accept returns a handler that reads the body and discards it: this API stores
// nothing.
func accept(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			failToRead(w, err, "The body ended early.")
			return
		}
		reply.JSON(w, http.StatusOK, map[string]string{"message": "The " + what + " is accepted."})
	}
}

// failToRead answers an error of reading a body: 413 if the body is too long,
// and 400 with a description otherwise.
func failToRead(w http.ResponseWriter, err error, description string) {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		reply.Fail(w, http.StatusRequestEntityTooLarge, "The body is too long.")
		return
	}
	reply.Fail(w, http.StatusBadRequest, description)
}

// denials serves /denials, which denies tokens by jti, subject or client.
type denials struct {
	list   denylist.List
	issuer string // the default of an entry's issuer
}

// defaultDenial is how long an entry without until lasts.
const defaultDenial = 24 * time.Hour

func (d denials) deny(w http.ResponseWriter, r *http.Request) {
	e, ok := d.read(w, r)
	switch {
	case ok && !e.Until.After(time.Now()):
		reply.Fail(w, http.StatusBadRequest, "The time until which to deny must be ahead.")
	case ok:
		d.answer(w, d.list.Deny(r.Context(), e), map[string]string{"message": "Denied.", "until": e.Until.UTC().Format(time.RFC3339)})
	}
}

func (d denials) lift(w http.ResponseWriter, r *http.Request) {
	if e, ok := d.read(w, r); ok {
		d.answer(w, d.list.Lift(r.Context(), e), map[string]string{"message": "No longer denied."})
	}
}

// read reads an entry. If the entry is wrong, read answers the request and
// returns false.
func (d denials) read(w http.ResponseWriter, r *http.Request) (denylist.Entry, bool) {
	var body struct {
		Issuer       string    `json:"iss"`
		TokenID      string    `json:"jti"`
		Subject      string    `json:"sub"`
		ClientID     string    `json:"client_id"`
		SessionID    string    `json:"sid"`
		IssuedBefore time.Time `json:"issued_before"`
		Until        time.Time `json:"until"`
	}
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &body, json.RejectUnknownMembers(true))
	if err != nil {
		failToRead(w, err, "The body must be a JSON object of one of jti, sub, client_id and sid, and, if you like, iss, issued_before and until.")
		return denylist.Entry{}, false
	}
	e := denylist.Entry{
		Issuer:  cmp.Or(body.Issuer, d.issuer),
		TokenID: body.TokenID, Subject: body.Subject, ClientID: body.ClientID, SessionID: body.SessionID,
		IssuedBefore: body.IssuedBefore, Until: body.Until,
	}
	if e.Until.IsZero() {
		e.Until = time.Now().Add(defaultDenial)
	}
	if _, err := e.Check(); err != nil {
		reply.Fail(w, http.StatusBadRequest, "The body must have exactly one of jti, sub, client_id and sid.")
		return denylist.Entry{}, false
	}
	return e, true
}

// answer answers a request that changes the list. An error is the server's fault.
func (d denials) answer(w http.ResponseWriter, err error, done map[string]string) {
	if err != nil {
		w.Header().Set("Retry-After", "5")
		reply.Fail(w, http.StatusServiceUnavailable, "The deny list cannot be changed at the moment.")
		return
	}
	reply.JSON(w, http.StatusOK, done)
}
