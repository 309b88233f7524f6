package console

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/devissuer"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
)

// issuer does at the development issuer what the page asks for. The issuer sends
// no CORS fields, so the page cannot ask it itself.
type issuer struct {
	dev *devissuer.Issuer

	mu      sync.Mutex
	stopped bool
}

// maxForm and maxAnswer bound what passes through, in bytes.
const (
	maxForm   = 64 << 10
	maxAnswer = 64 << 10
)

// patience is how long the issuer, which is in this process, may take to answer.
const patience = 10 * time.Second

// fromPage refuses requests that another site's page made a browser send (CSRF).
// A page can set the field Console-Request only within its own origin, because the
// console answers no preflight request.
func fromPage(next http.HandlerFunc) http.Handler {
	foreign := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reply.Fail(w, http.StatusForbidden, "Only the console's own page may call this path.")
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(foreign)
	return protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Console-Request") == "" {
			foreign(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.ParseForm() != nil {
			reply.Fail(w, http.StatusBadRequest, "The body must be a form.")
			return
		}
		next(w, r)
	}))
}

// token asks the token endpoint. The page chooses the parameters, as any client of
// a development issuer may, and adds its DPoP proof.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.forward(w, r, "/token", r.PostForm, func(request *http.Request) {
		for _, proof := range r.Header["Dpop"] {
			request.Header.Add("DPoP", proof)
		}
	})
}

// revoke revokes the token of the form, with the API's own credentials.
func (i *issuer) revoke(w http.ResponseWriter, r *http.Request) {
	i.forward(w, r, "/revoke", url.Values{"token": {r.PostForm.Get("token")}}, func(request *http.Request) {
		request.SetBasicAuth(url.QueryEscape(i.dev.Client.ID), url.QueryEscape(i.dev.Client.Secret))
	})
}

// run stops the issuer, or starts it again.
func (i *issuer) run(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch r.PostForm.Get("state") {
	case "stopped":
		i.dev.Stop()
		i.stopped = true
	case "running":
		if err := i.dev.Start(); err != nil {
			reply.Fail(w, http.StatusConflict, "The issuer does not start: another program may have taken its port. Restart this program.")
			return
		}
		i.stopped = false
	default:
		reply.Fail(w, http.StatusBadRequest, "The parameter state must be running or stopped.")
		return
	}
	reply.JSON(w, http.StatusOK, map[string]bool{"running": !i.stopped})
}

// running reports whether the issuer runs.
func (i *issuer) running() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.stopped
}

// forward posts a form to an endpoint of the issuer, and passes the answer on.
func (i *issuer) forward(w http.ResponseWriter, r *http.Request, path string, form url.Values, complete func(*http.Request)) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, i.dev.URL()+path, strings.NewReader(form.Encode()))
	if err != nil { // never: the issuer has a URL
		reply.Fail(w, http.StatusInternalServerError, "The request cannot be built.")
		return
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	complete(request)
	answer, err := i.dev.Issuer.Client().Do(request)
	if err != nil {
		reply.Fail(w, http.StatusServiceUnavailable, "The issuer does not answer.")
		return
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil || len(body) > maxAnswer {
		reply.Fail(w, http.StatusBadGateway, "The issuer's answer cannot be read.")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(body)
}
