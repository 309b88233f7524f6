package wire

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// bom is a byte order mark in UTF-8.
var bom = []byte("\xef\xbb\xbf")

// Document returns the body of a response that must be a JSON document. The error
// says what the response is instead. mark reports whether the document begins with
// a byte order mark, which was removed (RFC 8259, Section 8.1).
func (r Response) Document() (body []byte, mark bool, err error) {
	switch {
	case r.Location != nil:
		return nil, false, fmt.Errorf("status %d, a redirect to %s", r.Status, finding.Quote(weburl.Shown(r.Location)))
	case r.Status != http.StatusOK:
		return nil, false, fmt.Errorf("status %d", r.Status)
	case r.Truncated:
		return nil, false, fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	body, mark = bytes.CutPrefix(r.Body, bom)
	if start := bytes.TrimSpace(body); len(start) == 0 {
		return nil, mark, fmt.Errorf("the answer is empty")
	} else if start[0] == '<' {
		return nil, mark, fmt.Errorf("the answer is HTML or XML, want JSON")
	}
	return body, mark, nil
}
