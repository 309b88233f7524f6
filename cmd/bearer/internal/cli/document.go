package cli

import (
	"bytes"
	stdjson "encoding/json"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// document writes value as an indented JSON document.
func (p *program) document(value any) error {
	var text bytes.Buffer
	encoder := stdjson.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := p.Out.Write(ui.PrintableJSON(text.Bytes()))
	return err
}

// documentLine writes value as JSON in one line.
func (p *program) documentLine(value any) error {
	text, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = p.Out.Write(append(ui.PrintableJSON(text), '\n'))
	return err
}
