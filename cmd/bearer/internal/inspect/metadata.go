package inspect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// endpoints are the members of the metadata that matter to an API and its clients,
// in the order in which they are shown.
var endpoints = []string{
	"jwks_uri", "introspection_endpoint", "revocation_endpoint", "authorization_endpoint", "token_endpoint",
	"device_authorization_endpoint", "pushed_authorization_request_endpoint", "registration_endpoint", "userinfo_endpoint",
	"end_session_endpoint",
}

// maxIssuer bounds an issuer's identifier, in bytes.
const maxIssuer = 2048

// Metadata is an authorization server's metadata (RFC 8414, Section 2), as far as it
// matters here.
type Metadata struct {
	Issuer            string
	AccessTokenIssuer string            // of AD FS; usually empty
	Endpoints         map[string]string // by the name of the member
	DPoPAlgorithms    []string
	MTLSBound         bool
	ResponseIssuer    bool // authorization_response_iss_parameter_supported (RFC 9207)
	Members           map[string]bool
}

// ParseMetadata reads a metadata document as strictly as bearerkit does.
func ParseMetadata(doc []byte) (Metadata, error) {
	m := Metadata{Endpoints: map[string]string{}, Members: map[string]bool{}}
	err := strictjson.Object(doc, func(raw []byte, value strictjson.Value) (err error) {
		name := string(raw)
		m.Members[name] = true
		switch {
		case name == "issuer":
			m.Issuer, err = strictjson.String(value)
		case name == "access_token_issuer":
			m.AccessTokenIssuer, _ = strictjson.String(value)
		case name == "dpop_signing_alg_values_supported":
			m.DPoPAlgorithms, _ = strictjson.Strings(value)
		case name == "tls_client_certificate_bound_access_tokens":
			m.MTLSBound, _ = strictjson.Bool(value)
		case name == "authorization_response_iss_parameter_supported":
			m.ResponseIssuer, _ = strictjson.Bool(value)
		case slices.Contains(endpoints, name):
			m.Endpoints[name], err = strictjson.String(value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	switch {
	case err != nil:
		return Metadata{}, fmt.Errorf("not a metadata document: %s", finding.Clip(err.Error()))
	case m.Issuer == "":
		return Metadata{}, fmt.Errorf("the document has no issuer")
	case len(m.Issuer) > maxIssuer:
		return Metadata{}, fmt.Errorf("the document's issuer is longer than %d bytes", maxIssuer)
	}
	return m, nil
}

// Candidates returns the URLs where the metadata of an issuer may be, in the order
// in which bearerkit tries them.
func Candidates(issuer *url.URL) []string {
	host := issuer.Scheme + "://" + issuer.Host
	path := strings.TrimSuffix(issuer.EscapedPath(), "/")
	return slices.Compact([]string{
		host + "/.well-known/oauth-authorization-server" + path, // RFC 8414, Section 3.1
		host + path + "/.well-known/openid-configuration",       // OpenID Connect Discovery 1.0, Section 4
		host + "/.well-known/openid-configuration" + path,       // RFC 8414, Section 5
	})
}

// Attempt is a URL where metadata was sought, and why there is none.
type Attempt struct {
	URL     string `json:"url"`
	Problem string `json:"problem"`

	unreachable string // what to do about a server that did not answer
	limited     bool   // the URL was not asked
}

// Discovery is the metadata that was found.
type Discovery struct {
	URL      string // where it is
	Metadata Metadata
	Response wire.Response
	Mark     bool // the document begins with a byte order mark
}

// Discover fetches metadata from the first of the URLs where it names the issuer
// want, or any issuer if want is empty. If none names it, Discover returns the first
// document. ok is false if there is no document at all.
func Discover(ctx context.Context, client *wire.Client, urls []string, want string) (d Discovery, attempts []Attempt, ok bool) {
	for _, at := range urls {
		response, err := client.Follow(ctx, wire.Request{URL: at})
		if err != nil {
			_, text, do := wire.Reason(err)
			attempts = append(attempts, Attempt{at, text, do, errors.Is(err, wire.ErrTooManyRequests)})
			break // the other URLs are on the same host
		}
		body, mark, err := response.Document()
		var m Metadata
		if err == nil {
			m, err = ParseMetadata(body)
		}
		switch {
		case err != nil:
			attempts = append(attempts, Attempt{URL: at, Problem: err.Error()})
			continue
		case want != "" && m.Issuer != want:
			attempts = append(attempts, Attempt{URL: at, Problem: "it is the metadata of " + finding.Quote(m.Issuer)})
			if !ok {
				d, ok = Discovery{at, m, response, mark}, true
			}
			continue
		}
		return Discovery{at, m, response, mark}, attempts, true
	}
	return d, attempts, ok
}

// NoMetadata is the finding about an issuer whose metadata was sought in vain.
func NoMetadata(attempts []Attempt) finding.Finding {
	last := attempts[len(attempts)-1]
	if last.limited {
		return wire.Limited()
	}
	if last.unreachable != "" {
		return finding.Finding{Code: Unreachable, Severity: finding.Fault,
			Text: "the issuer does not answer at " + finding.Quote(last.URL) + ": " + last.Problem, Do: last.unreachable}
	}
	problems := make([]string, len(attempts))
	for i, attempt := range attempts {
		problems[i] = finding.Clip(attempt.URL) + ": " + attempt.Problem
	}
	return finding.Finding{Code: "issuer-metadata", Severity: finding.Fault, Spec: "RFC 8414, Section 3",
		Text: "there is no metadata of the issuer; " + some(problems),
		Do:   "check the spelling of the issuer's URL, which is the iss of its tokens; if the issuer publishes no metadata, configure the URL of its keys"}
}

// Unreachable is the code of the finding about an issuer that does not answer.
const Unreachable = "issuer-unreachable"

// Check returns what is wrong with the document, whichever issuer was meant.
func (d Discovery) Check() []finding.Finding {
	found := slices.Clone(d.Response.Certificate)
	if d.Mark {
		found = append(found, ByteOrderMark("the metadata"))
	}
	if err := weburl.Unfilled(d.Metadata.Issuer); err != nil {
		found = append(found, finding.Finding{Code: "issuer-template", Severity: finding.Fault, Spec: "RFC 8414, Section 3.3",
			Text: "the issuer in the metadata is a template: " + finding.Quote(d.Metadata.Issuer),
			Do:   "use the URL of one tenant, with its ID; no token has the template as its iss"})
	}
	keys, hasKeys := d.Metadata.Endpoints["jwks_uri"]
	switch {
	case !hasKeys && d.Metadata.Endpoints["introspection_endpoint"] == "":
		found = append(found, finding.Finding{Code: "keys-missing", Severity: finding.Fault, Spec: "RFC 8414, Section 2",
			Text: "the metadata has neither jwks_uri nor introspection_endpoint", Do: "add jwks_uri to the issuer's metadata, or configure the URL of its keys"})
	case hasKeys && !Secure(keys):
		found = append(found, finding.Finding{Code: "keys-http", Severity: finding.Fault, Spec: "RFC 8414, Section 2",
			Text: "jwks_uri is not an https URL: " + finding.Quote(weburl.Redact(keys)), Do: "serve the keys by https: anybody on the path can replace them, and sign tokens"})
	}
	return found
}

// ByteOrderMark is the finding about a document that begins with a byte order mark.
func ByteOrderMark(document string) finding.Finding {
	return finding.Finding{Code: "json-bom", Severity: finding.Warning, Spec: "RFC 8259, Section 8.1",
		Text: document + " begins with a byte order mark, which many parsers refuse", Do: "save the document as UTF-8 without a byte order mark"}
}

// Secure reports whether a URL is an https URL, or an http URL of this machine.
func Secure(raw string) bool {
	u, err := url.Parse(raw)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && weburl.IsLoopback(u.Hostname()))
}

// Difference says in which respect two URLs differ that look alike, or is empty.
func Difference(a, b string) string {
	switch {
	case strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/"):
		return "they differ only in the last slash"
	case strings.EqualFold(a, b):
		return "they differ only in upper and lower case"
	case "s"+strings.TrimPrefix(a, "http") == strings.TrimPrefix(b, "http"), "s"+strings.TrimPrefix(b, "http") == strings.TrimPrefix(a, "http"):
		return "they differ only in http and https"
	}
	return ""
}
