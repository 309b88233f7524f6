package probe

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/wire"
)

const (
	corsSpec   = "Fetch Standard, Section 3.3"
	noOrigin   = "name the origin of your pages by --origin to check what browsers need"
	allowed    = "Access-Control-Allow-Origin"
	corsAdvice = "wrap the guard in CORS middleware that allows the origin, so that refusals have the fields too"
)

// allows reports whether pages of the origin may read an answer.
func allows(header http.Header, origin string) bool {
	values := header.Values(allowed)
	return len(values) == 1 && (values[0] == "*" || values[0] == origin)
}

// cors checks whether a page may read the API's refusal.
func (d *doctor) cors() {
	step := d.step("cors", "refusal read by a browser's page")
	if d.Origin == "" {
		step.skip(noOrigin)
		return
	}
	header := d.first.Header
	switch values := header.Values(allowed); {
	case len(values) == 0:
		step.fault("cors-missing", "the answer has no "+allowed+", so pages of "+d.Origin+" see a network error instead of the status", corsAdvice, corsSpec)
		return
	case len(values) > 1:
		step.fault("cors-twice", "the answer has "+allowed+" several times, which browsers refuse", "let either the API or the proxy add CORS fields, not both", corsSpec)
		return
	case !allows(header, d.Origin):
		step.fault("cors-origin", "the answer allows the origin "+finding.Quote(values[0])+", not "+d.Origin, corsAdvice, corsSpec)
		return
	}
	step.Found = "pages of " + d.Origin + " can read it"
	exposed := list(header, "Access-Control-Expose-Headers")
	credentials := header.Get("Access-Control-Allow-Credentials") == "true"
	if header.Get("WWW-Authenticate") != "" && !exposed["www-authenticate"] && (credentials || !exposed["*"]) {
		step.fault("cors-exposed", "pages cannot read the challenge", "add WWW-Authenticate and Retry-After to Access-Control-Expose-Headers", corsSpec)
	}
}

// list returns the values of a comma-separated field in lower case.
func list(header http.Header, name string) map[string]bool {
	values := map[string]bool{}
	for _, value := range strings.Split(strings.Join(header.Values(name), ","), ",") {
		values[strings.ToLower(strings.TrimSpace(value))] = true
	}
	return values
}

// preflight checks the request that a browser sends before the real one.
func (d *doctor) preflight(ctx context.Context) {
	step := d.step("preflight", "preflight request")
	if d.Origin == "" {
		step.skip(noOrigin)
		return
	}
	answer, err := d.Client.Do(ctx, wire.Request{Method: http.MethodOptions, URL: d.target.String(), Header: http.Header{
		"Origin":                         {d.Origin},
		"Access-Control-Request-Method":  {d.Method},
		"Access-Control-Request-Headers": {"authorization"},
	}})
	if err != nil {
		step.failed(err)
		return
	}
	step.Found = fmt.Sprintf("status %d", answer.Status)
	if d.first.Header.Get(allowed) == "" && answer.Header.Get(allowed) == "" {
		step.skip("the API has no CORS for this origin")
		return
	}
	headers, methods := list(answer.Header, "Access-Control-Allow-Headers"), list(answer.Header, "Access-Control-Allow-Methods")
	simple := d.Method == http.MethodGet || d.Method == http.MethodHead || d.Method == http.MethodPost
	switch {
	case answer.Status/100 != 2:
		step.fault("preflight-status", fmt.Sprintf("the preflight is answered %d, so browsers send no request: want 204", answer.Status), "put CORS middleware outside the guard: a preflight has no token", corsSpec)
	case !allows(answer.Header, d.Origin):
		step.fault("preflight-origin", "the preflight does not allow the origin "+d.Origin, corsAdvice, corsSpec)
	case !headers["authorization"]:
		step.fault("preflight-headers", "the preflight does not allow the field Authorization (an asterisk does not include it)", "add Authorization to Access-Control-Allow-Headers", corsSpec)
	case !simple && !methods[strings.ToLower(d.Method)] && !methods["*"]:
		step.fault("preflight-method", "the preflight does not allow the method "+d.Method, "add it to Access-Control-Allow-Methods", corsSpec)
	}
}
