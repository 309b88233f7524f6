package conform

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"
)

//go:embed report.html
var pageSource string

//go:embed report.css
var pageStyle string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"join": func(list []string) string { return strings.Join(list, ", ") },
	"when": func(t time.Time) string { return t.Format("2 January 2006, 15:04 MST") },
}).Parse(pageSource))

// section is a part of the page: cases of one verdict.
type section struct {
	ID, Title, Text string
	Open            bool
	Cases           []Case
}

// HTML writes the report as one page without scripts and without other files.
func (r *Report) HTML(w io.Writer) error {
	sections := []section{
		{"fail", "Failed", "The answer breaks a requirement.", true, r.with("fail")},
		{"unknown", "Not judged", "The API did not serve a good token, so its answers say nothing.", true, r.with("unknown")},
		{"advice", "Advice", "The answer breaks no requirement, but does not follow a recommendation.", false, r.with("advice")},
		{"known", "Known deviations", "The answer breaks a requirement, and the run was told why.", false, r.with("known")},
		{"pass", "Passed", "The answer is as it must and should be.", false, r.with("pass")},
		{"skipped", "Skipped", "The API does not support what the case needs.", false, r.with("skipped")},
	}
	return page.Execute(w, struct {
		*Report
		Style    template.CSS
		Sections []section
	}{r, template.CSS(pageStyle), sections})
}
