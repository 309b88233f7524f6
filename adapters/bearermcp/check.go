package bearermcp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/bearer"
)

// checkGuard asks a guard for what it would answer. No verifier is asked, since
// no request has what could be a token.
func checkGuard(route *bearer.Route, metadata string, mistake func(format string, args ...any)) {
	bare := &http.Request{Method: http.MethodPost, URL: new(url.URL), Header: http.Header{}}
	for _, challenge := range route.Decide(bare).Challenges() {
		// A realm cannot hold this, as its quotes are escaped.
		if !strings.Contains(challenge, `resource_metadata="`+metadata+`"`) {
			mistake("Guard: its challenges do not name the metadata; want bearer.Config.ResourceMetadata %q", metadata)
			break
		}
	}
	const noToken = "access_token=%22"
	query := bare.Clone(bare.Context())
	query.URL.RawQuery = noToken
	form := bare.Clone(bare.Context())
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form.Body = bodyOf([]byte(noToken))
	if isMalformed(route.Decide(query).Err()) {
		mistake("Guard takes tokens in the query; want none of InsecureQueryTokens (MCP authorization, Token Requirements)")
	}
	if isMalformed(route.Decide(form).Err()) {
		mistake("Guard takes tokens in form bodies; want none of FormBodyTokens (MCP authorization, Token Requirements)")
	}
}

func isMalformed(err error) bool {
	e, ok := errors.AsType[*bearer.Error](err)
	return ok && e.Code == bearer.CodeInvalidRequest
}
