// Package finding describes what is wrong with an API or an issuer, and what to do.
package finding

import (
	"strings"
	"unicode/utf8"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// Severity says how bad a Finding is.
type Severity string

const (
	Fault   Severity = "fault"   // breaks a MUST, or clients fail
	Warning Severity = "warning" // breaks a SHOULD, or some clients fail
)

// Finding is one thing that is wrong. Code is stable, so that programs may compare
// it; the texts are for people and may change.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	Do       string   `json:"do"`
	Spec     string   `json:"spec,omitempty"`
}

// Worst returns the highest severity, or the empty string without findings.
func Worst(findings []Finding) Severity {
	var worst Severity
	for _, f := range findings {
		if f.Severity == Fault {
			return Fault
		}
		worst = f.Severity
	}
	return worst
}

// maxQuoted bounds a quoted value, in bytes.
const maxQuoted = 160

// Quote returns a value that somebody else chose in quotation marks, on one line,
// without what a terminal would obey, and bounded in length.
func Quote(value string) string { return `"` + Clip(value) + `"` }

// Clip is Quote without the quotation marks.
func Clip(value string) string {
	value = strings.ToValidUTF8(value, "�")
	if len(value) > maxQuoted {
		cut := maxQuoted
		for !utf8.RuneStart(value[cut]) {
			cut--
		}
		value = value[:cut] + "…"
	}
	return ui.Printable(value)
}
