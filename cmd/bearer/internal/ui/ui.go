// Package ui writes for people: marks and colors on a terminal, plain text
// elsewhere.
package ui

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
)

// Streams are the standard streams of a program.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Style is how a text looks on a terminal.
type Style string

const (
	Good   Style = "32"
	Bad    Style = "31"
	Warn   Style = "33"
	Faint  Style = "2"
	Strong Style = "1"
)

// Painter paints text for one stream. The zero Painter paints nothing.
type Painter struct{ colors bool }

// For returns the Painter for a stream. It paints if the stream is a terminal,
// unless NO_COLOR is set (see no-color.org).
func For(w io.Writer) Painter {
	return Painter{IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Paint returns text in a style.
func (p Painter) Paint(s Style, text string) string {
	if !p.colors || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// Line returns the text of err as one line of printable characters.
func Line(err error) string {
	return Printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// Printable replaces what a terminal would obey, such as escape sequences in a claim
// of a hostile token, and invisible characters, such as those that change the
// direction of a text.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if obeyed(r) {
			return '�'
		}
		return r
	}, text)
}

// obeyed reports whether r is a control, a format character or a line separator.
func obeyed(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }

// PrintableJSON escapes in a JSON document what [Printable] replaces in a text. The
// document means the same.
func PrintableJSON(document []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(document) {
		switch {
		case !obeyed(r) || r == '\n': // outside of strings
			b.WriteRune(r)
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, "\\u%04x", unit)
			}
		}
	}
	return b.Bytes()
}
