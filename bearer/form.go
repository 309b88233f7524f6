package bearer

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	maxFormLen = 1 << 20 // bytes of a form in which the guard looks for a token

	parameter = "access_token"
)

// fromForm reads the token in a form body (RFC 6750, Section 2.2), and restores
// the body for the handler.
func fromForm(r *http.Request) (token string, ok bool, err *Error) {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default: // the body has no defined meaning
		return "", false, nil
	}
	if r.Body == nil || r.Body == http.NoBody {
		return "", false, nil
	}
	types := r.Header["Content-Type"]
	if len(types) != 1 {
		return "", false, nil
	}
	if mediaType, _, err := mime.ParseMediaType(types[0]); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return "", false, nil
	}
	body := r.Body
	data, readErr := io.ReadAll(io.LimitReader(body, maxFormLen+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), errorReader{readErr}, body), body}
	switch {
	case readErr != nil && r.Context().Err() != nil:
		return "", false, &Error{Code: CodeCanceled, Check: "form body", Err: readErr}
	case readErr != nil:
		return "", false, malformed("form body", "a readable body", "an error while reading")
	case len(data) > maxFormLen:
		return "", false, malformed("form body", "at most "+strconv.Itoa(maxFormLen)+" bytes", "more")
	}
	return fromValues(string(data), "form body")
}

// errorReader returns to the handler the error that ended the guard's read.
type errorReader struct{ err error }

func (e errorReader) Read([]byte) (int, error) {
	if e.err != nil {
		return 0, e.err
	}
	return 0, io.EOF
}

// fromValues reads the token in a form or a query (RFC 6750, Sections 2.2 and
// 2.3). It rejects an invalid encoding only if the values may contain a token.
func fromValues(encoded, where string) (token string, ok bool, err *Error) {
	values, parseErr := url.ParseQuery(encoded)
	tokens, ok := values[parameter]
	switch {
	case parseErr != nil && (ok || strings.Contains(encoded, parameter)):
		return "", false, malformed(where, "application/x-www-form-urlencoded", "another encoding")
	case !ok:
		return "", false, nil
	case len(tokens) > 1:
		return "", false, malformed(where, "one "+parameter, strconv.Itoa(len(tokens)))
	case strings.IndexFunc(encoded, func(r rune) bool { return r > 0x7f }) >= 0:
		return "", false, malformed(where, "ASCII", "other bytes")
	}
	return tokens[0], true, nil
}
