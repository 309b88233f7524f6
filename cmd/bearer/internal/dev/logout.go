package dev

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// noticeTimeout bounds the notice of a sign-out to a client.
const noticeTimeout = 3 * time.Second

// logout is a request to end a session (OpenID Connect RP-Initiated Logout 1.0).
type logout struct {
	client   *Client  // nil: unknown
	session  *session // of the ID token, or of the browser
	redirect string   // empty: none
	state    string
}

// endSession is the end session endpoint. Without an ID token of the session, the
// user must confirm.
func (i *issuer) endSession(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.ParseForm() != nil || checkParameters(r.Form) != nil || r.Method != http.MethodGet && r.Method != http.MethodPost {
		i.page(w, http.StatusBadRequest, errorPage("The request is malformed."))
		return
	}
	if r.PostForm.Has("form") { // of the page that confirms
		f, problem := i.takeForm(r)
		if problem != "" || f.logout == nil {
			i.page(w, http.StatusBadRequest, errorPage(problem))
			return
		}
		i.finishLogout(w, r, f.logout)
		return
	}
	l := &logout{state: r.Form.Get("state"), session: i.sessionOf(r)}
	hint, hinted := i.issued.get(digestOf(r.Form.Get("id_token_hint")))
	hinted = hinted && hint.id
	if hinted {
		l.client, l.session = hint.grant.client, hint.grant.session
	}
	if id := r.Form.Get("client_id"); id != "" {
		c := i.client(id)
		if c == nil || l.client != nil && l.client.ID != c.ID {
			i.page(w, http.StatusBadRequest, errorPage("The client_id is unknown, or the ID token is another client's."))
			return
		}
		l.client = c
	}
	note(r, l.client)
	if uri := r.Form.Get("post_logout_redirect_uri"); uri != "" {
		if l.client == nil || !l.client.returnsTo(uri) {
			i.page(w, http.StatusBadRequest, errorPage("The post_logout_redirect_uri is not one of the client's, or the request has neither id_token_hint nor client_id."))
			return
		}
		l.redirect = uri
	}
	if !hinted {
		i.page(w, http.StatusOK, page{
			Title: "Sign out?", Text: "This ends your session, and the tokens of it.", Action: i.config.Path + "/end_session",
			Form: i.newForm(w, r, form{logout: l}), Choices: []choice{{Text: "Sign out", First: true}}, redirect: l.redirect,
		})
		return
	}
	i.finishLogout(w, r, l)
}

// returnsTo reports whether a client may get the user back at a URI after a sign-out.
func (c *Client) returnsTo(uri string) bool {
	return c.AnyLoopback && isLoopbackHTTP(uri) ||
		slices.ContainsFunc(c.PostLogoutRedirectURIs, func(known string) bool { return sameRedirect(known, uri) })
}

func (i *issuer) finishLogout(w http.ResponseWriter, r *http.Request, l *logout) {
	if l.session != nil {
		noteUser(r, l.session.user)
		i.endAll(r.Context(), []*session{l.session})
	}
	i.setCookie(w, sessionCookie, "", -1)
	if l.redirect == "" {
		i.page(w, http.StatusOK, page{Title: "Signed out", Text: "You may close this page."})
		return
	}
	more := url.Values{}
	if l.state != "" {
		more.Set("state", l.state)
	}
	w.Header().Set("Location", withQuery(l.redirect, more))
	w.WriteHeader(http.StatusSeeOther)
}

// endAll ends sessions and tells their clients by back-channel logout (OpenID Connect
// Back-Channel Logout 1.0, Section 2.5). It returns how many clients accepted the
// notice, and how many did not.
func (i *issuer) endAll(ctx context.Context, sessions []*session) (accepted, failed int) {
	type notice struct{ uri, token string }
	var notices []notice
	for _, s := range sessions {
		for _, id := range s.end() {
			if c := i.client(id); c != nil && c.BackchannelLogoutURI != "" {
				notices = append(notices, notice{c.BackchannelLogoutURI, i.kit.LogoutToken(c.ID, subject(i.config.Profile, s.user), s.id)})
			}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, noticeTimeout)
	defer cancel()
	results := make([]error, len(notices))
	var sent sync.WaitGroup
	atOnce := make(chan struct{}, 8)
	for n, one := range notices {
		sent.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			results[n] = postLogout(ctx, one.uri, one.token)
		})
	}
	sent.Wait()
	for _, err := range results {
		if err != nil {
			failed++
		} else {
			accepted++
		}
	}
	return accepted, failed
}

// noticeClient follows no redirect and uses no proxy, since a logout token is for the
// client alone. It keeps no connection.
var noticeClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func postLogout(ctx context.Context, uri, token string) error {
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, uri, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := noticeClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}
