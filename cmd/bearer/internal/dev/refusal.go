package dev

import (
	"net/http"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
)

// refusal is an error answer in JSON (RFC 6749, Section 5.2).
type refusal struct {
	status     int
	code, text string
}

func badRequest(code, text string) *refusal { return &refusal{http.StatusBadRequest, code, text} }

func invalidRequest(text string) *refusal { return badRequest("invalid_request", text) }

func invalidGrant(text string) *refusal { return badRequest("invalid_grant", text) }

func invalidClient(text string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_client", text}
}

func (f *refusal) write(w http.ResponseWriter, r *http.Request) {
	switch f.status {
	case http.StatusUnauthorized: // RFC 9110, Section 15.5.2
		w.Header().Set("WWW-Authenticate", `Basic realm="bearer dev"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	noteError(r, f.code)
	writeJSON(w, f.status, map[string]any{"error": f.code, "error_description": f.text})
}

// repeatable are the parameters that may occur more than once; others may not (RFC
// 6749, Sections 3.1 and 3.2).
var repeatable = map[string]bool{"resource": true, "audience": true, "roles": true, "claim": true}

// postedForm parses a form that was posted.
func postedForm(r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		return &refusal{http.StatusMethodNotAllowed, "invalid_request", "POST a form"}
	}
	if err := r.ParseForm(); err != nil || r.PostForm == nil || len(r.PostForm) == 0 {
		return invalidRequest("POST a form: Content-Type is application/x-www-form-urlencoded")
	}
	return checkParameters(r.PostForm)
}

func checkParameters(parameters map[string][]string) *refusal {
	for name, values := range parameters {
		if len(values) > 1 && !repeatable[name] {
			return invalidRequest("a parameter occurs twice")
		}
		for _, value := range values {
			if !utf8.ValidString(value) {
				return invalidRequest("a parameter is not in UTF-8")
			}
		}
	}
	return nil
}

// endpoint is the handler of an endpoint that takes a form and answers in JSON.
func endpoint(answer func(*http.Request) (any, *refusal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		refused := postedForm(r)
		var body any
		if refused == nil {
			body, refused = answer(r)
		}
		switch {
		case refused != nil:
			refused.write(w, r)
		case body == nil:
			w.WriteHeader(http.StatusOK)
		default:
			writeJSON(w, http.StatusOK, body)
		}
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}
