package resource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

const (
	checkTimeout = 10 * time.Second

	// aForeignOrigin is a browser's, of a site that nobody has.
	aForeignOrigin = "https://client.example"
)

// Check fetches the document from its public URL, as a client does, and says
// everything that differs from what this program publishes, with the mend: an
// error for each finding, joined. A program calls it once it serves, or a
// deployment afterwards; nothing else calls it.
//
// It takes at most 10 s in all, or less by ctx, and reads at most 1 MiB of an
// answer. A nil client is http.DefaultClient; redirects are not followed and no
// cookies are sent.
func (m *Metadata) Check(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if client == nil {
		client = http.DefaultClient
	}
	once := *client
	once.Jar = nil
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	urls := []string{m.URL()}
	if m.atRoot && m.id.path != "" {
		urls = append(urls, m.id.origin+WellKnownPath)
	}
	var errs []error
	for _, u := range urls {
		findings := m.checkAt(ctx, &once, u)
		for _, finding := range findings {
			errs = append(errs, fmt.Errorf("resource: check %s: %w", u, finding))
		}
		if _, ok := errors.AsType[*noAnswerError](errors.Join(findings...)); ok {
			break // the host is out of reach, and would be again
		}
	}
	return errors.Join(errs...)
}

type noAnswerError struct{ err error }

func (e *noAnswerError) Error() string {
	return fmt.Sprintf("no answer: %v; want the host of Config.Resource reachable, with a certificate that is valid for it, and answering by that scheme", e.err)
}

func (e *noAnswerError) Unwrap() error { return e.err }

func (m *Metadata) checkAt(ctx context.Context, client *http.Client, from string) []error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return []error{err}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Origin", aForeignOrigin)
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		// url.Error repeats the URL.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return []error{&noAnswerError{err}}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return []error{wrongStatus(resp)}
	}
	findings := checkHeader(resp.Header)
	body, err := io.ReadAll(io.LimitReader(resp.Body, fetch.MaxBody+1))
	switch {
	case err != nil:
		return append(findings, fmt.Errorf("the answer breaks off: %w", err))
	case len(body) > fetch.MaxBody:
		return append(findings, fmt.Errorf("the answer is larger than %d bytes, so not this program's", fetch.MaxBody))
	}
	got, err := readDocument(body)
	if err != nil {
		return append(findings, fmt.Errorf("the answer is no metadata document: %w; want the path mounted ahead of pages and fallbacks", err))
	}
	return append(findings, m.compare(got)...)
}

func wrongStatus(resp *http.Response) error {
	mend := "see the logs of this program and of the proxies before it"
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return wrongRedirect(resp)
	case http.StatusUnauthorized, http.StatusForbidden:
		mend = "the document is open to all: let it pass guards, gateways and CORS middleware, without credentials and from any Origin"
	case http.StatusNotFound:
		mend = "mount the handler at this path, and let proxies forward the path as it is"
	case http.StatusMethodNotAllowed:
		mend = "let GET pass"
	}
	return fmt.Errorf("the status is %d %s, want 200: %s", resp.StatusCode, http.StatusText(resp.StatusCode), mend)
}

// wrongRedirect is about any redirect: a client need not follow it, and holds
// the resource against the URL that it asked (RFC 9728, Section 3.3).
func wrongRedirect(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return fmt.Errorf("the status is %d, a redirect to nowhere; want 200", resp.StatusCode)
	}
	from := resp.Request.URL
	mend := "take the path out of what redirects, such as a login"
	switch {
	case from.Scheme != to.Scheme:
		mend = fmt.Sprintf("let Config.Resource begin with %s if that is what clients use, or else no proxy redirect them", to.Scheme)
	case !strings.EqualFold(from.Host, to.Host):
		mend = fmt.Sprintf("let Config.Resource name the host %q if that is what clients use, or else no proxy redirect them", to.Host)
	case withoutSlash(from.EscapedPath()) == withoutSlash(to.EscapedPath()):
		mend = "register the handler with and without the slash at the end"
	}
	return fmt.Errorf("the status is %d, a redirect to %q; want 200: %s", resp.StatusCode, fetch.Redact(to.String()), mend)
}

func checkHeader(h http.Header) []error {
	var findings []error
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || kind != "application/json" {
		findings = append(findings, fmt.Errorf("the Content-Type is %q, want application/json: let what answers before this program pass its headers on", clipped(h.Get("Content-Type"))))
	}
	if origins := h.Values("Access-Control-Allow-Origin"); len(origins) != 1 || origins[0] != "*" && origins[0] != aForeignOrigin {
		findings = append(findings, fmt.Errorf("Access-Control-Allow-Origin is %q, want * once, so that browsers may read it: let CORS middleware and proxies leave this path alone", clipped(strings.Join(origins, ", "))))
	}
	return findings
}

// compare says what members of got are not those of the document.
func (m *Metadata) compare(got map[string]strictjson.Value) []error {
	want, err := readDocument(m.document)
	if err != nil {
		return []error{err}
	}
	var findings []error
	if finding := m.compareResource(got["resource"]); finding != nil {
		findings = append(findings, finding)
	}
	names := maps.Clone(want)
	maps.Copy(names, got)
	var missing, foreign, changed []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch ours, theirs := want[name], got[name]; {
		case name == "resource" || bytes.Equal(ours, theirs):
		case theirs == nil:
			missing = append(missing, name)
		case ours == nil:
			foreign = append(foreign, name)
		default:
			changed = append(changed, name)
		}
	}
	for _, list := range []struct {
		what  string
		names []string
	}{
		{"lacks", missing}, {"has in addition", foreign}, {"differs in", changed},
	} {
		if len(list.names) > 0 {
			findings = append(findings, fmt.Errorf("the document %s %q: another program, or this one by another configuration, answers; deploy or route it anew", list.what, clippedAll(list.names)))
		}
	}
	return findings
}

// compareResource compares by code points (RFC 9728, Sections 3.3 and 6), and
// reads URLs only to say what is wrong.
func (m *Metadata) compareResource(value strictjson.Value) error {
	if value == nil {
		return fmt.Errorf(`the document has no member "resource", want %q`, m.id.text)
	}
	text, err := strictjson.String(value)
	if err != nil {
		return fmt.Errorf(`the member "resource" is %w, want %q`, err, m.id.text)
	}
	if text == m.id.text {
		return nil
	}
	return fmt.Errorf(`the member "resource" is %q, want %q, so clients refuse the document: %s; let Config.Resource be the URL that clients use, here and in what answers there`,
		clipped(text), m.id.text, differenceOf(text, m.id.text))
}

func differenceOf(got, want string) string {
	g, err := url.Parse(got)
	w, errWant := url.Parse(want)
	if err != nil || errWant != nil {
		return "it is no URL"
	}
	var differences []string
	if g.Scheme != w.Scheme {
		differences = append(differences, "the scheme")
	}
	if g.Hostname() != w.Hostname() {
		differences = append(differences, "the host")
	}
	if g.Port() != w.Port() {
		differences = append(differences, "the port")
	}
	switch gotPath, wantPath := g.EscapedPath(), w.EscapedPath(); {
	case gotPath == wantPath:
	case withoutSlash(gotPath) == withoutSlash(wantPath):
		differences = append(differences, "the slash at the end")
	default:
		differences = append(differences, "the path")
	}
	if len(differences) == 0 {
		differences = append(differences, "the spelling")
	}
	return "it differs in " + strings.Join(differences, ", ")
}

func clipped(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// clippedAll bounds what a foreign document can put into an error.
func clippedAll(names []string) []string {
	const most = 20
	names = names[:min(len(names), most)]
	for i := range names {
		names[i] = clipped(names[i])
	}
	return names
}
