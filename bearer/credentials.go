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

// credentials is the access token of a request, and where the request carries it.
type credentials struct {
	token   string // empty: none
	scheme  scheme // set even if the token is malformed
	inForm  bool
	inQuery bool
}

// forgeable reports whether a foreign page can make a visitor's browser send the
// credentials by a form or a link. A page cannot set Authorization or DPoP
// without a CORS preflight.
func (c *credentials) forgeable() bool { return c.inForm || c.inQuery }

// scheme is an authentication scheme that the guard knows.
type scheme uint8

const (
	schemeNone   scheme = iota // no credentials, or another scheme
	schemeBearer               // RFC 6750, including the form body and the query
	schemeDPoP                 // RFC 9449, Section 7.1
	schemeBoth                 // ambiguous
)

// credentials reads the access token of a request by the methods that the Config
// enables (RFC 6750, Section 2). A request that uses more than one of them is
// malformed (Section 3.1).
func (g *Guard) credentials(r *http.Request) (credentials, *Error) {
	var c credentials
	found := 0
	token, scheme, err := g.fromHeader(r.Header["Authorization"])
	c.scheme = scheme
	if err != nil {
		return c, err
	}
	if scheme != schemeNone {
		c.token = token
		found++
	}
	if g.formBody {
		token, ok, err := fromForm(r)
		if ok || err != nil {
			c.scheme |= schemeBearer
		}
		if err != nil {
			return c, err
		}
		if ok {
			c.token, c.inForm = token, true
			found++
		}
	}
	if g.query {
		token, ok, err := fromValues(r.URL.RawQuery, "query")
		if ok || err != nil {
			c.scheme |= schemeBearer
		}
		if err != nil {
			return c, err
		}
		if ok {
			c.token, c.inQuery = token, true
			found++
		}
	}
	if found > 1 {
		return c, malformed("credentials", "a token in one place", strconv.Itoa(found)+" places")
	}
	if found == 1 {
		return c, g.checkLength(c.token)
	}
	return c, nil
}

// fromHeader reads the field lines of Authorization by the grammar of RFC 6750,
// Section 2.1, and RFC 9449, Section 7.1:
//
//	credentials = "Bearer" 1*SP b64token
//	credentials = "DPoP" 1*SP token68
//
// Credentials under another scheme carry no access token; neither do DPoP
// credentials if [Config.Proofs] is not set. Authorization has a single value, so
// two field lines are malformed, whatever they contain (RFC 9110, Section 5.3).
func (g *Guard) fromHeader(lines []string) (token string, s scheme, err *Error) {
	switch len(lines) {
	case 0:
		return "", schemeNone, nil
	case 1:
	default:
		return "", schemeBoth, malformed("Authorization", "one field line", strconv.Itoa(len(lines))+" lines")
	}
	line := lines[0]
	end := 0
	for end < len(line) && isTokenChar[line[end]] {
		end++
	}
	switch name := line[:end]; {
	case strings.EqualFold(name, "Bearer"):
		s = schemeBearer
	case strings.EqualFold(name, "DPoP") && g.proofs != nil:
		s = schemeDPoP
	default:
		return "", schemeNone, nil
	}
	token = strings.TrimLeft(line[end:], " ")
	switch {
	case token == "":
		return "", s, malformed("Authorization", "a token after the scheme", "none")
	case len(token) == len(line)-end:
		return "", s, malformed("Authorization", "a space after the scheme", "another character")
	}
	return token, s, nil
}

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

// checkLength checks the length of a token. It is the first check, so that no
// other check reads a megabyte.
func (g *Guard) checkLength(token string) *Error {
	switch {
	case len(token) > g.maxToken:
		return &Error{
			Code: CodeTokenTooLong, Check: "token length",
			Expected: "at most " + strconv.Itoa(g.maxToken) + " bytes (Config.MaxTokenBytes)", Got: strconv.Itoa(len(token)),
		}
	case token == "":
		return malformed("token", "a token68", "none")
	}
	return nil
}

// checkCharacters checks that a token is a token68.
func checkCharacters(token string) *Error {
	end := 0
	for len(token)-end >= 8 { // one at a time, a long token takes as long to check as to hash
		c := token[end : end+8]
		if !(isToken68Char[c[0]] && isToken68Char[c[1]] && isToken68Char[c[2]] && isToken68Char[c[3]] &&
			isToken68Char[c[4]] && isToken68Char[c[5]] && isToken68Char[c[6]] && isToken68Char[c[7]]) {
			break
		}
		end += 8
	}
	for end < len(token) && isToken68Char[token[end]] {
		end++
	}
	if end == 0 || strings.Trim(token[end:], "=") != "" {
		return malformed("token", "a token68", "other characters")
	}
	return nil
}

func malformed(check, expected, got string) *Error {
	return &Error{Code: CodeInvalidRequest, Check: check, Expected: expected, Got: got}
}

// isTokenChar marks the characters of tchar (RFC 9110, Section 5.6.2).
// isToken68Char marks those of token68 before its padding (Section 11.2).
var (
	isTokenChar   = charTable(alphanumeric + "!#$%&'*+-.^_`|~")
	isToken68Char = charTable(alphanumeric + "-._~+/")
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func charTable(chars string) (table [256]bool) {
	for i := range len(chars) {
		table[chars[i]] = true
	}
	return table
}
