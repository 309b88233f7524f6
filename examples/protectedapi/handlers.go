package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// writeJSON writes an answer. HEAD gets the same fields as GET; the server
// leaves the body out.
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // never: v is ours
		status, body = http.StatusInternalServerError, []byte(`{"status":500}`)
	}
	body = append(body, '\n')
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody to tell when the client has gone
}

// failure is the body of an answer that is not a guard's.
type failure struct {
	Status      int    `json:"status"`
	Description string `json:"error_description"`
}

func fail(w http.ResponseWriter, status int, description string) {
	writeJSON(w, status, failure{status, description})
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusNotFound, "There is no such path.")
}

// notAllowed answers wrong methods for a path that has those in allow.
func notAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allow)
		fail(w, http.StatusMethodNotAllowed, "The path has no such method.")
	}
}

func message(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"message": text})
	}
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

func readyz(ready func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if ready() != nil { // why is in the log, and none of a client's business
			fail(w, http.StatusServiceUnavailable, "The keys of an issuer are out of reach.")
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	}
}

func me(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	writeJSON(w, http.StatusOK, struct {
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
	writeJSON(w, http.StatusOK, map[string]string{"greeting": "Hello, " + name + "!"})
}

func listOrders(w http.ResponseWriter, _ *http.Request) {
	type order struct {
		ID    string `json:"id"`
		Total string `json:"total"`
	}
	writeJSON(w, http.StatusOK, map[string][]order{"orders": {{"1", "12.50 EUR"}, {"2", "7.00 EUR"}}})
}

func showProfile(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	writeJSON(w, http.StatusOK, map[string]string{"id": id, "message": "The profile of " + id + "."})
}

// maxBody bounds what a client may send.
const maxBody = 1 << 20

// accept reads the whole body and does nothing with it: this API stores
// nothing.
func accept(what string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			fail(w, http.StatusRequestEntityTooLarge, "The body is too long.")
			return
		}
		if err != nil {
			fail(w, http.StatusBadRequest, "The body ended early.")
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"message": "The " + what + " is accepted."})
	}
}
