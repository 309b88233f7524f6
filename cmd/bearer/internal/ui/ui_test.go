package ui_test

import (
	"encoding/json"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// hostile are characters that a terminal obeys or that change how a text looks.
const hostile = "\x00\x07\b\t\n\r\x1b\x7f\u0085\u009b\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff\U000e0001\U000e0041"

func TestPrintable(t *testing.T) {
	for _, r := range hostile {
		if got := ui.Printable("a" + string(r) + "b"); got != "a�b" {
			t.Errorf("%U: %q", r, got)
		}
	}
	if got := ui.Printable("\x9b31m"); got != "�31m" {
		t.Errorf("a byte that is not UTF-8: %q", got)
	}
	for _, text := range []string{"", "Bestellungen-Ü 日本語 ✓ –", "עברית"} {
		if got := ui.Printable(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// An escaped document has the same value, and nothing that a terminal obeys.
func TestPrintableJSON(t *testing.T) {
	value := map[string]string{"a" + hostile: hostile + "Ü"}
	document, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	escaped := ui.PrintableJSON(document)
	if ui.Printable(string(escaped)) != string(escaped) {
		t.Errorf("the document has what a terminal obeys: %q", escaped)
	}
	var again map[string]string
	if err := json.Unmarshal(escaped, &again); err != nil || again["a"+hostile] != hostile+"Ü" {
		t.Errorf("%q, %v; want %q", again, err, value)
	}
}
