package conform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Verdict is the outcome of a case.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Advice  Verdict = "advice"  // a recommendation is not followed
	Fail    Verdict = "fail"    // a requirement is broken
	Known   Verdict = "known"   // a failure that the caller listed
	Skipped Verdict = "skipped" // the API does not support what the case needs
	Unknown Verdict = "unknown" // the API did not recover from an earlier fault
)

// Result is the outcome of a case.
type Result struct {
	Case     Case
	Verdict  Verdict
	Problems []string // what must not be
	Advice   []string // what should not be
	Because  string   // of known, skipped and unknown
	Request  string   // of the step that decided, without signatures
	Answer   string
	Step     int // its number
	Took     time.Duration
}

// signatures matches the last segment of a JWT.
var signatures = regexp.MustCompile(`(eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.)[A-Za-z0-9_-]{6,}`)

// show returns a request and its answer as reports show them: without what makes a
// token usable, and without what the caller's header lines or the API's cookies keep
// secret.
func (r *run) show(sent *compiled, a *Answer) (request, answer string) {
	shown := []string{string(sent.exchange.text), a.text()}
	for i, text := range shown {
		for _, secret := range slices.Concat(sent.signatures, r.target.secrets()) {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
		shown[i] = redact(text, sent.exchange.secrets)
	}
	return shown[0], shown[1]
}

// harmless are fields whose values are no secrets.
var harmless = regexp.MustCompile(`(?i)^(accept(-.*)?|content-type|origin|user-agent|mcp-protocol-version)$`)

// secrets returns the values of the caller's header lines, which may be credentials.
func (t Target) secrets() []string {
	var list []string
	for _, line := range t.Header {
		name, value, _ := strings.Cut(line, ":")
		if value = strings.TrimSpace(value); value != "" && !harmless.MatchString(strings.TrimSpace(name)) {
			list = append(list, value)
		}
	}
	return list
}

// cookieValue matches the name and the value of a Set-Cookie field.
var cookieValue = regexp.MustCompile(`^([^=;]*=)[^;]*`)

// redact removes what makes a token usable, and shortens long text.
func redact(text string, secrets []string) string {
	for _, secret := range secrets {
		if !strings.Contains(secret, ".") && len(secret) > 20 {
			text = strings.ReplaceAll(text, secret, secret[:12]+"[redacted]")
		}
	}
	text = signatures.ReplaceAllString(text, "${1}[redacted]")
	const limit = 4000
	if len(text) > limit {
		text = text[:limit/2] + "\n[" + strconv.Itoa(len(text)-limit) + " bytes]\n" + text[len(text)-limit/2:]
	}
	return printable(text)
}

// printable replaces control characters and bytes that are not UTF-8.
func printable(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		c, size := utf8.DecodeRuneInString(text)
		switch {
		case c == '\r':
		case c == '\n' || c == '\t' || c >= ' ' && c < 0x7f || c >= 0xa0 && c != utf8.RuneError:
			b.WriteRune(c)
		default:
			b.WriteString(strings.Trim(strconv.QuoteToASCII(text[:size]), `"`))
		}
		text = text[size:]
	}
	return b.String()
}

// text writes an answer as HTTP.
func (a *Answer) text() string {
	if a.Status == 0 {
		return "(" + a.status() + ")"
	}
	var b strings.Builder
	b.WriteString("HTTP/1.1 " + strconv.Itoa(a.Status) + "\r\n")
	header := a.Header.Clone()
	for i, cookie := range header["Set-Cookie"] {
		header["Set-Cookie"][i] = cookieValue.ReplaceAllString(cookie, "${1}[redacted]")
	}
	_ = header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n")
	b.Write(a.Body[:min(len(a.Body), 2000)])
	return b.String()
}
