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

	// foreignOrigin is the Origin of requests, to check that any site may read
	// the document.
	foreignOrigin = "https://client.example"
)

// Check fetches the document from its public URL, as a client does, and
// compares it with what this program publishes. The error joins one error for
// each difference, each with advice on how to fix it. Call it when the program
// is reachable at its public URL, for example after a deployment.
//
// Check takes at most 10 s, or less if ctx ends earlier, and reads at most 1
// MiB of a response. A nil client means http.DefaultClient. Check follows no
// redirects and sends no cookies.
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
			break // the second URL has the same host
		}
	}
	return errors.Join(errs...)
}

type noAnswerError struct{ err error }

func (e *noAnswerError) Error() string {
	return fmt.Sprintf("no answer: %v; make sure that the host of Config.Resource is reachable by that scheme and has a valid certificate", e.err)
}

func (e *noAnswerError) Unwrap() error { return e.err }

func (m *Metadata) checkAt(ctx context.Context, client *http.Client, from string) []error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return []error{err}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Origin", foreignOrigin)
	req.Close = true
	resp, err := client.Do(req)
	if err != nil {
		// url.Error repeats the URL, which the caller adds.
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
		return append(findings, fmt.Errorf("the answer is incomplete: %w", err))
	case len(body) > fetch.MaxBody:
		return append(findings, fmt.Errorf("the answer has more than %d bytes, so it is not from this program", fetch.MaxBody))
	}
	got, err := readDocument(body)
	if err != nil {
		return append(findings, fmt.Errorf("the answer is not a metadata document: %w; register the handler before pages and fallbacks", err))
	}
	return append(findings, m.compare(got)...)
}

func wrongStatus(resp *http.Response) error {
	advice := "see the logs of this program and of the proxies in front of it"
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return wrongRedirect(resp)
	case http.StatusUnauthorized, http.StatusForbidden:
		advice = "the document is public: let requests through guards, gateways and CORS middleware without credentials and from any Origin"
	case http.StatusNotFound:
		advice = "register the handler at this path, and configure proxies not to change the path"
	case http.StatusMethodNotAllowed:
		advice = "allow GET"
	}
	return fmt.Errorf("the status is %d %s, want 200: %s", resp.StatusCode, http.StatusText(resp.StatusCode), advice)
}

// wrongRedirect returns the error for a redirect. A client need not follow it,
// and compares the resource with the URL that it asked first (RFC 9728, Section
// 3.3).
func wrongRedirect(resp *http.Response) error {
	to, err := resp.Location()
	if err != nil {
		return fmt.Errorf("the status is %d, a redirect without a usable Location; want 200", resp.StatusCode)
	}
	from := resp.Request.URL
	advice := "exclude the path from the rule that redirects, such as a login"
	switch {
	case from.Scheme != to.Scheme:
		advice = fmt.Sprintf("if clients use %s, set Config.Resource to a URL with that scheme; otherwise stop the proxy from redirecting", to.Scheme)
	case !strings.EqualFold(from.Host, to.Host):
		advice = fmt.Sprintf("if clients use the host %q, set Config.Resource to a URL with that host; otherwise stop the proxy from redirecting", to.Host)
	case withoutSlash(from.EscapedPath()) == withoutSlash(to.EscapedPath()):
		advice = "register the handler with and without the trailing slash"
	}
	return fmt.Errorf("the status is %d, a redirect to %q; want 200: %s", resp.StatusCode, fetch.Redact(to.String()), advice)
}

func checkHeader(h http.Header) []error {
	var findings []error
	if kind, _, err := mime.ParseMediaType(h.Get("Content-Type")); err != nil || kind != "application/json" {
		findings = append(findings, fmt.Errorf("the Content-Type is %q, want application/json: configure proxies in front of this program not to change headers", clipped(h.Get("Content-Type"))))
	}
	if origins := h.Values("Access-Control-Allow-Origin"); len(origins) != 1 || origins[0] != "*" && origins[0] != foreignOrigin {
		findings = append(findings, fmt.Errorf("Access-Control-Allow-Origin is %q, want * once, so that browsers may read the document: exclude this path from CORS middleware and proxy rules", clipped(strings.Join(origins, ", "))))
	}
	return findings
}

// compare returns an error for each way in which got differs from the document.
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
			findings = append(findings, fmt.Errorf("the document %s %q: the answer comes from another program or an old configuration; check deployment and routing", list.what, clippedAll(list.names)))
		}
	}
	return findings
}

// compareResource compares by code points (RFC 9728, Sections 3.3 and 6). It
// parses the URLs only to describe the difference.
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
	return fmt.Errorf(`the member "resource" is %q, want %q, so clients reject the document: %s; set Config.Resource to the URL that clients use, in every program that serves it`,
		clipped(text), m.id.text, differenceOf(text, m.id.text))
}

func differenceOf(got, want string) string {
	g, err := url.Parse(got)
	w, errWant := url.Parse(want)
	if err != nil || errWant != nil {
		return "it is not a URL"
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
		differences = append(differences, "the trailing slash")
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

// clippedAll limits how much of a foreign document gets into an error.
func clippedAll(names []string) []string {
	const most = 20
	names = names[:min(len(names), most)]
	for i := range names {
		names[i] = clipped(names[i])
	}
	return names
}
