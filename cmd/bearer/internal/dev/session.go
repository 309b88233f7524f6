package dev

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"time"
)

// The names of cookies.
const (
	sessionCookie = "bearer_dev_session"
	browserCookie = "bearer_dev_browser"
)

// form is a form of a page until it is posted, once and by the browser that got it.
type form struct {
	browser digest
	login   *authorization // nil: the form is of another page
	logout  *logout
}

// newForm returns the secret of a new form, and ties the form to the browser by a
// cookie, so that no other page can post it.
func (i *issuer) newForm(w http.ResponseWriter, r *http.Request, f form) (secret string) {
	browser := ""
	if c, err := r.Cookie(browserCookie); err == nil && len(c.Value) == len(randomText()) {
		browser = c.Value
	} else {
		browser = randomText()
		i.setCookie(w, browserCookie, browser, 0)
	}
	secret = randomText()
	f.browser = digestOf(browser)
	i.forms.put(digestOf(secret), f, formLife)
	return secret
}

// takeForm returns the form that a request posts, or a problem to tell the user.
func (i *issuer) takeForm(r *http.Request) (f form, problem string) {
	if r.Method != http.MethodPost || r.ParseForm() != nil || checkParameters(r.PostForm) != nil {
		return f, "Use the form of the page."
	}
	if i.server.origin.Check(r) != nil {
		return f, "Another site sent this form, so it was not accepted."
	}
	c, err := r.Cookie(browserCookie)
	if err != nil {
		return f, "The browser sent no cookie. Allow cookies for this address, and start again at the application."
	}
	f, ok := i.forms.take(digestOf(r.PostForm.Get("form")))
	if !ok || f.browser != digestOf(c.Value) {
		return form{}, "This page was used before, or is too old. Start again at the application."
	}
	return f, ""
}

func (i *issuer) setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: i.cookiePath(), MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// sessionOf returns the session of the browser, or nil.
func (i *issuer) sessionOf(r *http.Request) *session {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	s, ok := i.sessions.get(digestOf(c.Value))
	if !ok || !s.active() {
		return nil
	}
	return s
}

// newSession signs a user in. The old session of the browser, of another user or
// with a weaker sign-in, goes on for the clients that have tokens of it.
func (i *issuer) newSession(w http.ResponseWriter, u *User, acr string) *session {
	cookie := randomText()
	s := &session{id: rand.Text(), user: u, at: time.Now(), acr: acr, clients: map[string]bool{}}
	i.sessions.put(digestOf(cookie), s, sessionLife)
	i.setCookie(w, sessionCookie, cookie, int(sessionLife.Seconds()))
	return s
}

func (s *session) active() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ended
}

// use records that a client gets tokens in the session.
func (s *session) use(c *Client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients[c.ID] = true
}

// end ends the session, with all its tokens. It returns the IDs of its clients, or
// nothing if it ended before.
func (s *session) end() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return nil
	}
	s.ended = true
	return slices.Sorted(maps.Keys(s.clients))
}

// signIn takes the form of the login page.
func (i *issuer) signIn(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	f, problem := i.takeForm(r)
	if problem != "" || f.login == nil {
		i.page(w, http.StatusBadRequest, errorPage(problem))
		return
	}
	a := f.login
	note(r, a.client)
	u := i.server.user(r.PostForm.Get("user"))
	if u == nil {
		i.redirect(w, r, a, map[string][]string{"error": {"access_denied"}, "error_description": {"the user canceled"}})
		return
	}
	s := i.sessionOf(r)
	if !a.satisfied(s) || s.user.Name != u.Name {
		s = i.newSession(w, u, a.acr)
	}
	i.approve(w, r, a, s)
}
