package cli

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// loginTimeout bounds how long a person may take to sign in.
const loginTimeout = 5 * time.Minute

// login lets a person sign in at the issuer in a browser, as an application does:
// authorization code with PKCE (RFC 7636), and a redirect to a port of this machine
// (RFC 8252, Section 7.3). It adds to form what the token request needs.
func (p *program) login(ctx context.Context, issuer string, form url.Values) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return failed(err)
	}
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	redirect := "http://" + listener.Addr().String() + "/callback"
	page := issuer + "/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": form["client_id"], "redirect_uri": {redirect}, "scope": form["scope"], "state": {state},
		"code_challenge_method": {"S256"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])},
	}.Encode()

	answers := make(chan url.Values, 1)
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	served := make(chan error, 1)
	server, stop := context.WithCancel(ctx)
	go func() { served <- serveUntil(server, listener, callback(state, answers)) }()
	defer func() { stop(); <-served }()
	if _, err := fmt.Fprintf(p.Err, "Open this page in a browser, and choose who to be:\n%s\n", page); err != nil {
		return failed(err)
	}
	var answer url.Values
	select {
	case answer = <-answers:
	case <-ctx.Done():
		return unknown(errors.New("nobody has signed in"))
	}
	if code := answer.Get("error"); code != "" {
		return failed(fmt.Errorf("the issuer refuses: %s", strings.TrimSuffix(code+": "+answer.Get("error_description"), ": ")))
	}
	form.Set("grant_type", "authorization_code")
	form.Set("code", answer.Get("code"))
	form.Set("code_verifier", verifier)
	form.Set("redirect_uri", redirect)
	return nil
}

// callback takes the issuer's answer from the browser. It ignores requests without
// the state, which may come from any page.
func callback(state string, answers chan<- url.Values) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != state {
			http.Error(w, "This page belongs to another sign-in.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		_, _ = fmt.Fprintln(w, "Done. Close this page, and go back to the terminal.")
		select {
		case answers <- r.Form:
		default: // the first answer counts
		}
	})
	return mux
}
