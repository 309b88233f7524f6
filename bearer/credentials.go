package bearer

import (
	"net/http"
	"strconv"
	"strings"
)

// credentials is the access token of a request, and where the request carries it.
type credentials struct {
	token  string       // empty: none
	scheme scheme       // set even if the token is malformed
	source *TokenSource // nil: none
}

// forgeable reports whether a foreign page can make a visitor's browser send the
// credentials: by a form, a link, a WebSocket, or a cookie of the API or of its
// proxy. A page cannot set Authorization or DPoP without a CORS preflight.
func (c *credentials) forgeable() bool {
	return c.source != nil && c.source.kind != sourceAuthorization
}

// scheme is an authentication scheme that the guard knows.
type scheme uint8

const (
	schemeNone   scheme = iota // no credentials, or another scheme
	schemeBearer               // RFC 6750, including the form body and the query
	schemeDPoP                 // RFC 9449, Section 7.1
	schemeBoth                 // ambiguous
)

// credentials reads the access token of a request from the sources in the Config
// (RFC 6750, Section 2). A request with tokens in more than one of them is
// malformed (Section 3.1).
func (g *Guard) credentials(r *http.Request) (credentials, *Error) {
	var c credentials
	found := 0
	for i := range g.sources {
		s := &g.sources[i]
		token, scheme, err := g.read(s, r)
		c.scheme |= scheme
		if scheme != schemeNone {
			c.source = s
		}
		if err != nil {
			return c, err
		}
		if scheme != schemeNone {
			c.token = token
			found++
		}
	}
	if found > 1 {
		return c, malformed("credentials", "a token in one place", strconv.Itoa(found)+" places")
	}
	if found == 0 {
		return c, nil
	}
	if c.source.kind.isAmbient() {
		if err := g.checkOrigin(r); err != nil {
			return c, err
		}
	}
	return c, g.checkLength(c.token)
}

// read reads the token in a source. The scheme is schemeNone without credentials.
func (g *Guard) read(s *TokenSource, r *http.Request) (token string, _ scheme, err *Error) {
	var ok bool
	switch s.kind {
	case sourceAuthorization:
		return g.fromAuthorization(r.Header["Authorization"])
	case sourceField:
		token, ok, err = s.fromField(r.Header)
	case sourceForm:
		token, ok, err = fromForm(r)
	case sourceQuery:
		token, ok, err = fromValues(r.URL.RawQuery, "query")
	case sourceProtocol, sourceProtocolBase64:
		token, ok, err = s.fromProtocol(r)
	case sourceCookie, sourceAnyCookie:
		token, ok, err = s.fromCookie(r.Header)
	}
	if !ok && err == nil {
		return "", schemeNone, nil
	}
	return token, schemeBearer, err
}

// fromAuthorization reads the field lines of Authorization by the grammar of RFC 6750,
// Section 2.1, and RFC 9449, Section 7.1:
//
//	credentials = "Bearer" 1*SP b64token
//	credentials = "DPoP" 1*SP token68
//
// Credentials under another scheme carry no access token; neither do DPoP
// credentials if [Config.Proofs] is not set. Authorization has a single value, so
// two field lines are malformed, whatever they contain (RFC 9110, Section 5.3).
func (g *Guard) fromAuthorization(lines []string) (token string, s scheme, err *Error) {
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

// fromField reads a field whose value is the token alone. An empty field has none,
// as an empty Authorization field has none.
func (s *TokenSource) fromField(h http.Header) (token string, ok bool, err *Error) {
	switch lines := h[s.name]; len(lines) {
	case 0:
		return "", false, nil
	case 1:
		return lines[0], lines[0] != "", nil
	default:
		return "", true, malformed(s.name, "one field line", strconv.Itoa(len(lines))+" lines")
	}
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

// checkToken68 checks that a token is a token68.
func checkToken68(token string) *Error {
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
