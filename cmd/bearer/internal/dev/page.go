package dev

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(pageStyle) },
}).Parse(pageText))

// page is a page for the user. It works without JavaScript.
type page struct {
	Title, Text string
	Problem     bool
	Facts       []fact

	Action   string // empty: no form
	Form     string // its secret
	AsksCode bool
	UserCode string
	Choices  []choice
	Cancel   string

	Issuer   string
	redirect string // where the form may send the browser
}

// fact is a line of a page: a text, which may be a link to itself, or a list of
// names.
type fact struct {
	Name, Value string
	Link        bool
	Chips       []string
}

type choice struct {
	Name, Text, Detail string
	Face               string // a letter that the eye finds quickly
	First              bool
}

func errorPage(problem string) page {
	return page{Title: "This did not work", Text: cmp.Or(problem, "Start again at the application."), Problem: true}
}

// page writes a page.
func (i *issuer) page(w http.ResponseWriter, status int, p page) {
	p.Issuer = i.url
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", contentPolicy(p.redirect))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}

// styleHash allows the style of the page, and no other.
var styleHash = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// contentPolicy returns the Content-Security-Policy of a page. Browsers apply
// form-action to the redirects that follow a form, too, so it has the client's
// redirect URI, and all ports of this machine, where the client may redirect again.
func contentPolicy(redirect string) string {
	forms := "'self'"
	if u, err := url.Parse(redirect); err == nil && u.Scheme != "" {
		forms += " http://localhost:* http://127.0.0.1:* https://localhost:* https://127.0.0.1:*"
		switch {
		case u.Scheme == "https" && !strings.ContainsAny(u.Host, " ;,'\""):
			forms += " https://" + u.Host
		case u.Scheme != "http":
			forms += " " + u.Scheme + ":"
		}
	}
	return "default-src 'none'; style-src " + styleHash + "; form-action " + forms + "; base-uri 'none'; frame-ancestors 'none'"
}

// signInPage is the page where the user decides who to be.
func (i *issuer) signInPage(secret string, a *authorization, s *session) page {
	p := page{
		Title: "Sign in to " + a.client.name(), Action: i.config.Path + "/sign-in", Form: secret, Cancel: "Cancel",
		Choices: i.choices(s), redirect: a.redirectURI,
	}
	p.Facts = append(p.Facts, fact{Name: "Client", Value: a.client.ID})
	if scopes := strings.Fields(a.scope); len(scopes) > 0 {
		p.Facts = append(p.Facts, fact{Name: "Scopes", Chips: scopes})
	} else {
		p.Facts = append(p.Facts, fact{Name: "Scopes", Value: "none"})
	}
	if len(a.resources) > 0 {
		p.Facts = append(p.Facts, fact{Name: "For", Value: strings.Join(a.resources, ", ")})
	}
	if a.acr != "" {
		p.Facts = append(p.Facts, fact{Name: "Strength", Value: a.acr})
	}
	if a.hasMaxAge {
		p.Facts = append(p.Facts, fact{Name: "Sign-in not older than", Value: a.maxAge.String()})
	}
	back, _, _ := strings.Cut(a.redirectURI, "?")
	p.Facts = append(p.Facts, fact{Name: "Returns to", Value: back})
	return p
}

// choices are the users.
func (i *issuer) choices(s *session) (choices []choice) {
	for n, u := range i.server.config.Users {
		c := choice{Name: u.Name, Text: "Continue as " + u.Name, First: n == 0}
		for _, letter := range u.Name {
			c.Face = string(letter)
			break
		}
		var details []string
		if len(u.Roles) > 0 {
			details = append(details, "roles: "+strings.Join(u.Roles, ", "))
		}
		if s != nil && s.user.Name == u.Name {
			details = append(details, fmt.Sprintf("signed in %s ago", time.Since(s.at).Round(time.Second)))
		}
		c.Detail = strings.Join(details, "; ")
		choices = append(choices, c)
	}
	return choices
}
