package conform

import (
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// JSON writes the report as one JSON document.
func (r *Report) JSON(w io.Writer) error {
	return json.MarshalWrite(w, r, json.Deterministic(true), jsontext.WithIndent("  "))
}
