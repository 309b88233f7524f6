package inspect

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// place is where the user's input says that metadata may be.
type place struct {
	urls  []string // in the order to try
	notes []string // what was changed in the input
}

var (
	wellKnown = regexp.MustCompile(`/\.well-known/(oauth-authorization-server|openid-configuration|openid_configuration|oauth-protected-resource|jwks\.json)`)
	tenantID  = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

	// endpointPath is where the path of an issuer ends in the URL of one of its
	// endpoints.
	endpointPath = regexp.MustCompile(`(/protocol/openid-connect(/.*)?|/oauth2/v2\.0/(authorize|token)|/v1/(authorize|token|keys|introspect))/?$`)

	portals = []string{"portal.azure.com", "entra.microsoft.com", "aad.portal.azure.com"}
)

// locate finds out what the user meant.
func locate(input string) (place, error) {
	var p place
	text := trimmed(input)
	if !strings.Contains(text, "://") {
		scheme := "https://"
		host, _, _ := strings.Cut(text, "/")
		name := host
		if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
			name = host[:i]
		}
		if weburl.IsLoopback(strings.Trim(name, "[]")) {
			scheme = "http://"
		}
		text = scheme + text
		p.note("the URL had no scheme; an issuer's URL begins with " + scheme)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "":
		return p, errors.New("the argument is not a URL; want the issuer's URL, such as https://sso.example.com/realms/shop")
	case u.Scheme != "https" && u.Scheme != "http":
		return p, fmt.Errorf("the scheme is %s, want https", finding.Quote(u.Scheme))
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return p, errors.New("the host has letters beyond ASCII; want its ASCII form, which begins with xn--")
	case u.User != nil:
		return p, errors.New("the URL has a user name or password; an issuer's URL has none")
	}
	if slices.Contains(portals, u.Hostname()) {
		return p.portal(text)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		u.RawQuery, u.Fragment, u.ForceQuery = "", "", false
		p.note("the query and the fragment were removed; an issuer's URL has none")
	}
	p.strip(u)
	p.urls = append(p.urls, Candidates(u)...)
	if isEntra(u.Hostname()) && strings.Count(strings.Trim(u.Path, "/"), "/") == 0 {
		version2 := u.JoinPath("v2.0")
		p.urls = append([]string{version2.String() + "/.well-known/openid-configuration"}, p.urls...)
	}
	p.urls = unique(p.urls)
	return p, nil
}

// trimmed returns the input without what people copy around a URL.
func trimmed(input string) string { return strings.Trim(strings.TrimSpace(input), `"'<>`) }

func (p *place) note(text string) { p.notes = append(p.notes, text) }

// strip removes from u what people copy together with an issuer's URL.
func (p *place) strip(u *url.URL) {
	if at := wellKnown.FindStringIndex(u.Path); at != nil {
		if kind := u.Path[at[0]:at[1]]; !strings.HasSuffix(kind, "jwks.json") && !strings.HasSuffix(kind, "protected-resource") {
			p.urls = append(p.urls, strings.TrimSuffix(u.String(), "/"))
		}
		u.Path, u.RawPath = u.Path[:at[0]]+u.Path[at[1]:], ""
		p.note("the URL is of a document of the issuer; the issuer's URL is without /.well-known/…")
	}
	if at := endpointPath.FindStringIndex(u.Path); at != nil {
		version := ""
		if strings.Contains(u.Path[at[0]:], "/oauth2/v2.0/") {
			version = "/v2.0" // Entra ID
		}
		u.Path, u.RawPath = u.Path[:at[0]]+version, ""
		p.note("the URL is of an endpoint of the issuer")
	}
	if trimmed := strings.TrimRight(u.Path, "/"); len(u.Path)-len(trimmed) > 1 {
		u.Path, u.RawPath = trimmed, ""
		p.note("the URL ended in several slashes")
	}
}

// portal finds the tenant in the address of a page in Microsoft's portals.
func (p place) portal(text string) (place, error) {
	id := tenantID.FindString(text)
	if at := strings.Index(strings.ToLower(text), "tenantid"); at >= 0 {
		id = tenantID.FindString(text[at:])
	}
	if id == "" {
		return p, errors.New("this is a page of Microsoft's portal, without a tenant's ID; want https://login.microsoftonline.com/TENANT-ID/v2.0, with the Directory (tenant) ID of the overview page")
	}
	p.note("this is a page of Microsoft's portal; the ID in it was taken as the tenant's")
	issuer := "https://login.microsoftonline.com/" + strings.ToLower(id) + "/v2.0"
	p.urls = []string{issuer + "/.well-known/openid-configuration"}
	return p, nil
}

func isEntra(host string) bool {
	return slices.Contains([]string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn", "login.windows.net"}, host)
}

func unique(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept
}
