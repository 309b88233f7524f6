package client

import (
	"context"
	"crypto/subtle"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"
)

// attempt is one login that waits for the person.
type attempt struct {
	state       string
	issuer      string
	issRequired bool
	answers     chan url.Values // holds the first answer
}

// code returns the code of an authorization response (RFC 6749, Section 4.1.2).
func (a *attempt) code(answer url.Values) (string, error) {
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(answer[name]) > 1 {
			return "", &sourceError{remedy: SignIn, text: fmt.Sprintf("the authorization response has the parameter %s twice", name)}
		}
	}
	// RFC 9207, Section 2.4: first of all. Another server than the one that was asked
	// may have sent the answer, and the code would go to the wrong server.
	iss, named := answer["iss"]
	switch {
	case named && iss[0] != a.issuer:
		return "", &sourceError{remedy: SignIn, text: fmt.Sprintf("the authorization response is from the issuer %q, want %q", printable(iss[0], maxDescription), a.issuer)}
	case !named && a.issRequired:
		return "", &sourceError{remedy: SignIn, text: fmt.Sprintf("the authorization response has no iss, want %q", a.issuer)}
	}
	if code := answer.Get("error"); code != "" {
		refusal := tokenRefusal(0, code)
		refusal.text = fmt.Sprintf("the authorization server refuses the login: %q", printable(code, maxCode))
		if text := answer.Get("error_description"); text != "" {
			refusal.text += fmt.Sprintf(" (%q)", printable(text, maxDescription))
		}
		return "", refusal
	}
	if answer.Get("code") == "" {
		return "", &sourceError{remedy: SignIn, text: "the authorization response has no code"}
	}
	return answer.Get("code"), nil
}

// ServeHTTP takes the authorization response from the person's browser. A program
// whose [LoginConfig.RedirectURL] is an https URL serves the Login there. A web
// application has one Login for each of its users, and finds it by the session of the
// request. Requests that do not have the state of the current login are refused: any
// page can send them.
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer") // the URL has the code
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
		return
	}
	answer, err := url.ParseQuery(r.URL.RawQuery)
	a := l.pending.Load()
	if err != nil || a == nil || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(a.state)) != 1 {
		http.Error(w, "This page belongs to another login, or to none.", http.StatusBadRequest)
		return
	}
	text := "You have logged in. Close this page, and go back to the program.\n"
	if _, err := a.code(answer); err != nil {
		text = "The login failed. Close this page, and go back to the program.\n"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
	select {
	case a.answers <- answer:
	default: // the first answer counts
	}
}

const (
	// redirectTimeout bounds a request of the browser.
	redirectTimeout = 10 * time.Second

	// farewell is how long the browser gets to read the last page.
	farewell = time.Second
)

// listen serves the redirect URL, if the Login listens itself. It returns the URL
// with its port, and a function that ends the service.
func (l *Login) listen() (redirect string, stop func(), err error) {
	if !l.listens {
		return l.target.String(), func() {}, nil
	}
	listener, err := l.bind()
	if err != nil {
		return "", nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("the program cannot listen at %s", l.target.Host), err: err}
	}
	address := *l.target
	address.Host = net.JoinHostPort(l.target.Hostname(), portOf(listener.Addr()))
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != l.target.Path {
			http.NotFound(w, r)
			return
		}
		l.ServeHTTP(w, r)
	})
	server := &http.Server{
		Handler: mux, ReadTimeout: redirectTimeout, WriteTimeout: redirectTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	return address.String(), func() {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
		<-done
	}, nil
}

// bind listens at the port of the redirect URL. If that has none, it prefers the port
// of the last registration, since not all servers let the port vary (RFC 8252,
// Section 7.3).
func (l *Login) bind() (net.Listener, error) {
	port := l.target.Port()
	if port != "" {
		return net.Listen("tcp", net.JoinHostPort(l.target.Hostname(), port))
	}
	if l.registered != nil {
		if u, err := url.Parse(l.registered.redirect); err == nil && u.Port() != "" {
			if listener, err := net.Listen("tcp", net.JoinHostPort(l.target.Hostname(), u.Port())); err == nil {
				return listener, nil
			}
		}
	}
	return net.Listen("tcp", net.JoinHostPort(l.target.Hostname(), "0"))
}

func portOf(address net.Addr) string {
	_, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return port
}
