package conform

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed badge.svg
var badgeSource string

var badge = template.Must(template.New("badge").Parse(badgeSource))

// Badge writes a badge in SVG: how many of the cases that were run hold.
func (r *Report) Badge(w io.Writer) error {
	good, run := r.All.Pass+r.All.Advice, r.All.Run()
	const character = 6.6 // width of one in the badge's font
	data := struct {
		Label, Value, Color          string
		LabelWidth, ValueWidth, Full int
	}{Label: "resource server conformance", Value: fmt.Sprintf("%d of %d", good, run), Color: "#2e7d32"}
	switch {
	case run == 0:
		data.Value, data.Color = "not run", "#616161"
	case r.All.Fail+r.All.Unknown > 0:
		data.Color = "#c62828"
	case r.All.Known > 0:
		data.Color = "#9a6700"
	}
	data.LabelWidth, data.ValueWidth = int(float64(len(data.Label))*character)+12, int(float64(len(data.Value))*character)+14
	data.Full = data.LabelWidth + data.ValueWidth
	return badge.Execute(w, data)
}
