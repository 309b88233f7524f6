package main

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/denylist"
)

// denyList returns the list of denied tokens: that of all instances in Redis, or
// one of this instance.
func (a *api) denyList(leeway time.Duration) (denylist.List, error) {
	if a.shared != nil {
		return a.shared.Denials(), nil
	}
	return denylist.NewMemory(denylist.MemoryConfig{Leeway: orNone(leeway)})
}

// denials answers /denials, where tokens are denied by their jti, their subject
// or their client.
type denials struct {
	list   denylist.List
	issuer string // of whom an entry speaks that names none
}

// longestDenial is how long an entry lasts that does not say.
const longestDenial = 24 * time.Hour

// read reads an entry, or answers what is wrong with it.
func (d denials) read(w http.ResponseWriter, r *http.Request) (denylist.Entry, bool) {
	var body struct {
		Issuer       string    `json:"iss"`
		TokenID      string    `json:"jti"`
		Subject      string    `json:"sub"`
		ClientID     string    `json:"client_id"`
		IssuedBefore time.Time `json:"issued_before"`
		Until        time.Time `json:"until"`
	}
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &body, json.RejectUnknownMembers(true)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			fail(w, http.StatusRequestEntityTooLarge, "The body is too long.")
		} else {
			fail(w, http.StatusBadRequest, "The body must be a JSON object of one of jti, sub and client_id, and, if you like, iss, issued_before and until.")
		}
		return denylist.Entry{}, false
	}
	e := denylist.Entry{
		Issuer:  cmp.Or(body.Issuer, d.issuer),
		TokenID: body.TokenID, Subject: body.Subject, ClientID: body.ClientID,
		IssuedBefore: body.IssuedBefore, Until: body.Until,
	}
	if e.Until.IsZero() {
		e.Until = time.Now().Add(longestDenial)
	}
	if _, err := e.Check(); err != nil {
		fail(w, http.StatusBadRequest, "The body must have exactly one of jti, sub and client_id.")
		return denylist.Entry{}, false
	}
	return e, true
}

func (d denials) deny(w http.ResponseWriter, r *http.Request) {
	e, ok := d.read(w, r)
	switch {
	case ok && !e.Until.After(time.Now()):
		fail(w, http.StatusBadRequest, "The time until which to deny must be ahead.") // nothing would be denied
	case ok:
		d.answer(w, d.list.Deny(r.Context(), e), map[string]string{"message": "Denied.", "until": e.Until.UTC().Format(time.RFC3339)})
	}
}

func (d denials) lift(w http.ResponseWriter, r *http.Request) {
	if e, ok := d.read(w, r); ok {
		d.answer(w, d.list.Lift(r.Context(), e), map[string]string{"message": "No longer denied."})
	}
}

// answer answers a change. What failed is nobody's fault who asked for it.
func (d denials) answer(w http.ResponseWriter, err error, done map[string]string) {
	if err != nil {
		w.Header().Set("Retry-After", "5")
		fail(w, http.StatusServiceUnavailable, "The deny list cannot be changed at the moment.")
		return
	}
	writeJSON(w, http.StatusOK, done)
}
