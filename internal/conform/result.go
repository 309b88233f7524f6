package conform

import (
	"regexp"
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
	_ = a.Header.Write(&b) // a strings.Builder takes everything
	b.WriteString("\r\n")
	b.Write(a.Body[:min(len(a.Body), 2000)])
	return b.String()
}
