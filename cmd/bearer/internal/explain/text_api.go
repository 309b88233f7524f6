package explain

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// api writes what an API says about itself, and its answer to the token.
func (t *text) api(a *API) {
	t.title("The API at " + ui.Printable(a.URL))
	t.line("  without a token  %d %s", a.Status, http.StatusText(a.Status))
	t.challenges(a.Challenges)
	for _, row := range [][2]string{
		{"metadata", a.Metadata}, {"resource", a.Resource}, {"issuers", strings.Join(a.Issuers, ", ")}, {"scope", strings.Join(a.Scope, " ")},
	} {
		if row[1] != "" {
			t.line("  %-16s %s", row[0], ui.Printable(row[1]))
		}
	}
	t.problems(a.Problems)
	if s := a.Sent; s != nil {
		t.line("  %-16s %d %s", "with the token", s.Status, http.StatusText(s.Status))
		t.challenges(s.Challenges)
		if s.RetryAfter != "" {
			t.line("  %-16s %s", "Retry-After", ui.Printable(s.RetryAfter))
		}
		if s.RequestID != "" {
			t.line("  %-16s %s: it finds the record in the API's log", "request_id", ui.Printable(s.RequestID))
		}
		t.problems(s.Problems)
		t.line("  %-16s %s", "what to do", ui.Printable(s.Advice))
	}
}

func (t *text) challenges(list []Challenge) {
	for _, c := range list {
		t.line("  %-16s %s", "challenge", clipped(c.Scheme))
		for _, p := range c.Params {
			t.line("  %-16s   %s: %s", "", clipped(p.Name), clipped(p.Value))
		}
	}
}

func (t *text) problems(list []string) {
	for _, problem := range list {
		t.line("  %s %s", t.p.Paint(ui.Bad, marks[Fail]), ui.Printable(problem))
	}
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
