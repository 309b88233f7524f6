package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/inspect"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
	"github.com/bearerkit/bearerkit/internal/strictjson"
	"github.com/bearerkit/bearerkit/internal/weburl"
	"github.com/bearerkit/bearerkit/resource"
)

const (
	titleResource = "protected resource metadata"
	insertedSpec  = "RFC 9728, Section 3.1"
)

// resourceMetadata finds the metadata where the challenge says it is, or else where
// it is for the API's URL, and checks it.
func (d *doctor) resourceMetadata(ctx context.Context) {
	step := d.step("resource-metadata", titleResource)
	origin := d.target.Scheme + "://" + d.target.Host
	inserted := origin + resource.WellKnownPath + strings.TrimSuffix(d.target.EscapedPath(), "/")
	if d.announced == "" {
		d.seek(ctx, step, inserted, origin+resource.WellKnownPath)
		return
	}
	at, err := url.Parse(d.announced)
	switch {
	case err != nil || at.Host == "":
		step.fault("metadata-url", "resource_metadata is not a URL: "+finding.Quote(d.announced), "put the whole URL there, such as "+inserted, "RFC 9728, Section 5.1")
		return
	case !inspect.Secure(d.announced) && !wire.SameOrigin(at, d.target): // else plain-http says it
		step.fault("metadata-http", "resource_metadata is not an https URL: "+finding.Quote(weburl.Redact(d.announced)), "name the https URL: behind a proxy, configure the API's public URL", "RFC 9728, Section 3")
		return
	}
	covers := d.covers(at)
	if !covers {
		step.fault("metadata-path", "resource_metadata is "+finding.Quote(weburl.Redact(d.announced))+", which does not belong to this URL", "serve the metadata where the well-known path is inserted between host and path: "+inserted, insertedSpec)
	}
	answer, err := d.fetchDocument(ctx, d.announced)
	if err != nil {
		step.failed(err)
		return
	}
	d.read(step, answer, covers)
}

// covers reports whether the metadata at a URL is that of a resource to which the
// probed URL belongs.
func (d *doctor) covers(at *url.URL) bool {
	path, ok := strings.CutPrefix(at.EscapedPath(), resource.WellKnownPath)
	return ok && wire.SameOrigin(at, d.target) && below(d.target.EscapedPath(), path)
}

// below reports whether path is prefix, or below it.
func below(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/"))
}

// seek looks for metadata that no challenge announces, which is optional.
func (d *doctor) seek(ctx context.Context, step *Step, urls ...string) {
	for _, at := range urls {
		answer, err := d.fetchDocument(ctx, at)
		if err != nil {
			step.failed(err)
			return
		}
		if answer.Status != http.StatusOK || !strings.Contains(answer.Header.Get("Content-Type"), "json") {
			continue
		}
		if d.challenged {
			step.warn("metadata-unannounced", "the challenge does not name the metadata", "add resource_metadata=\""+at+"\" to the challenge", "RFC 9728, Section 5.1")
		}
		d.read(step, answer, true)
		return
	}
	step.skip("the API publishes none, which is allowed")
}

func (d *doctor) fetchDocument(ctx context.Context, at string) (wire.Response, error) {
	header := http.Header{"Accept": {"application/json"}}
	if d.Origin != "" {
		header.Set("Origin", d.Origin)
	}
	return d.Client.Follow(ctx, wire.Request{URL: at, Header: header})
}

// read reads the document. located reports whether its place is right.
func (d *doctor) read(step *Step, answer wire.Response, located bool) {
	at := weburl.Shown(answer.URL)
	body, mark, err := answer.Document()
	if err != nil {
		step.fault("metadata-unavailable", "no metadata at "+finding.Quote(at)+": "+err.Error(), "serve the metadata there, without a token and as JSON", "RFC 9728, Section 3.2")
		return
	}
	if mark {
		step.add(inspect.ByteOrderMark("the metadata"))
	}
	var name string
	err = strictjson.Object(body, func(member []byte, value strictjson.Value) (err error) {
		switch string(member) {
		case "resource":
			name, err = strictjson.String(value)
		case "authorization_servers":
			d.issuers, err = strictjson.Strings(value)
		}
		return err
	})
	if err != nil {
		step.fault("metadata-malformed", "the metadata at "+finding.Quote(at)+" cannot be read: "+finding.Clip(err.Error()), "serve a JSON object as RFC 9728 describes it", "RFC 9728, Section 3.2")
		return
	}
	step.Found = fmt.Sprintf("%s names %d authorization servers", finding.Clip(at), len(d.issuers))
	if len(d.issuers) == 1 {
		step.Found = finding.Clip(at) + " names the authorization server " + finding.Clip(d.issuers[0])
	}
	if kind := answer.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		step.warn("metadata-type", "the Content-Type of the metadata is "+finding.Quote(kind)+", want application/json", "set the Content-Type", "RFC 9728, Section 3.2")
	}
	if d.Origin != "" && !allows(answer.Header, d.Origin) {
		step.warn("metadata-cors", "pages of "+d.Origin+" cannot read the metadata", "send "+allowed+": * with it: the document is public", "RFC 9728, Section 3")
	}
	d.checkResource(step, answer.URL, name, located)
}

// checkResource compares the resource in the document with the one that its place
// implies (RFC 9728, Section 3.3).
func (d *doctor) checkResource(step *Step, at *url.URL, name string, located bool) {
	want := at.Scheme + "://" + at.Host + strings.TrimPrefix(at.EscapedPath(), resource.WellKnownPath)
	matches := name == want || name == want+"/" && strings.TrimPrefix(at.EscapedPath(), resource.WellKnownPath) == ""
	if !located { // then the place implies nothing
		u, err := url.Parse(name)
		want = d.target.Scheme + "://" + d.target.Host + d.target.EscapedPath()
		matches = err == nil && wire.SameOrigin(u, d.target) && below(d.target.EscapedPath(), u.EscapedPath())
	}
	if matches {
		return
	}
	text := "the resource in the metadata is " + finding.Quote(name) + ", want " + finding.Quote(want)
	if difference := inspect.Difference(name, want); difference != "" {
		text += ": " + difference
	}
	step.fault("resource-mismatch", text, "set the API's public URL in its configuration; clients refuse other metadata", "RFC 9728, Section 3.3")
}
