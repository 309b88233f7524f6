package explain

import (
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// Write writes the report for people: the verdict, the checks, the answer of an API,
// and what to do.
func (r *Report) Write(w io.Writer, p ui.Painter) {
	t := &text{w: w, p: p}
	t.report(r)
	if r.Cleaned != nil {
		t.line("")
		t.line("%s", p.Paint(ui.Strong, "Without "+r.Removed+":"))
		t.report(r.Cleaned)
	}
}

type text struct {
	w io.Writer
	p ui.Painter
}

func (t *text) line(format string, args ...any) {
	_, _ = fmt.Fprintf(t.w, format+"\n", args...) // a broken stdout ends the program anyway
}

func (t *text) report(r *Report) {
	t.line("%s", t.p.Paint(verdictStyle(r.Verdict.Status), ui.Printable(r.Verdict.Text)))
	if r.API != nil {
		t.api(r.API)
	}
	t.token(r)
	t.checks(r)
	t.keys(r.Keys)
	t.answer(r.Answer)
	t.advice(r.Advice)
}

func verdictStyle(status int) ui.Style {
	switch status {
	case http.StatusOK:
		return ui.Good
	case 0, http.StatusServiceUnavailable:
		return ui.Warn
	}
	return ui.Bad
}

func (t *text) title(s string) { t.line("\n%s", t.p.Paint(ui.Strong, s)) }

func (t *text) token(r *Report) {
	label := "unverified: anybody may have written this"
	if r.Token.Verified {
		label = "verified: the issuer signed this"
	}
	t.title("The token is " + r.Token.Kind)
	if r.Token.Header == nil && r.Token.Claims == nil {
		return
	}
	t.line("  %s", t.p.Paint(ui.Faint, label))
	for _, list := range [][]Claim{r.Token.Header, r.Token.Claims} {
		for _, c := range list {
			t.line("  %-15s %s", c.Name, ui.Printable(c.Value))
		}
	}
	if r.Token.Likely != "" {
		t.line("  %-15s %s, since %s", "likely profile", r.Token.Likely, ui.Printable(r.Token.Why))
	}
}

var marks = map[Result]string{Pass: "✓", Fail: "✗", Skipped: "–"}

func (t *text) checks(r *Report) {
	t.title("The checks, in the order of an API, which stops at the first ✗")
	styles := map[Result]ui.Style{Pass: ui.Good, Fail: ui.Bad, Skipped: ui.Faint}
	for i := 0; i < len(r.Checks); i++ {
		c := r.Checks[i]
		mark := t.p.Paint(styles[c.Result], marks[c.Result])
		switch c.Result {
		case Pass:
			t.line("  %s %-16s%s", mark, c.Name, ui.Printable(c.Got))
			continue
		case Skipped:
			names := []string{c.Name}
			for i+1 < len(r.Checks) && r.Checks[i+1].Result == Skipped && r.Checks[i+1].Note == c.Note {
				i++
				names = append(names, r.Checks[i].Name)
			}
			t.line("  %s %s", mark, skipText(names, ui.Printable(c.Note)))
			continue
		}
		t.line("  %s %-16sgot %s", mark, c.Name, ui.Printable(c.Got))
		t.line("    %-16swant %s", "", ui.Printable(c.Expected))
		if c.Note != "" {
			t.line("    %-16s%s", "", ui.Printable(c.Note))
		}
		t.line("    %-16s%s", "", t.p.Paint(ui.Faint, c.Rule))
	}
}

// skipText says why checks were not made.
func skipText(names []string, why string) string {
	switch {
	case len(names) == 1:
		return fmt.Sprintf("%-16s%s", names[0], why)
	case len(names) > 8:
		return "all others      " + why
	}
	return strings.Join(names, ", ") + ": " + why
}

func (t *text) keys(k *Keys) {
	if k == nil {
		return
	}
	t.title("The issuer's keys: " + k.From)
	for _, r := range k.Requests {
		t.line("  GET %s: %s", ui.Printable(r.URL), ui.Printable(r.Outcome))
	}
	for _, key := range k.Keys {
		name := "without kid"
		if key.ID != "" {
			name = "kid " + ui.Printable(key.ID)
		}
		t.line("  %s: %s", name, key.Algorithms)
	}
	if k.Age != "" {
		t.line("  %s", k.Age)
	}
	if k.Clock != "" {
		t.line("  %s", t.p.Paint(ui.Warn, k.Clock))
	}
	for _, s := range k.Skipped {
		t.line("  not used: %s", ui.Printable(s))
	}
}

func (t *text) answer(a *Answer) {
	if a == nil {
		return
	}
	t.title("An API would answer")
	t.line("  %d %s", a.Status, http.StatusText(a.Status))
	for _, c := range a.Challenge {
		t.line("  WWW-Authenticate: %s", c)
	}
	if a.Retry != "" {
		t.line("  Retry-After: %s", a.Retry)
	}
	if a.Body != "" {
		t.line("  %s", ui.Printable(a.Body))
	}
	if a.Hint != "" {
		t.line("  Its log would say: %s", ui.Printable(a.Hint))
	}
}

func (t *text) advice(a Advice) {
	if a == (Advice{}) {
		return
	}
	t.title("What to do")
	for _, part := range []struct{ who, what string }{{"the client", a.Client}, {"the API", a.Operator}, {"the issuer", a.Issuer}} {
		if part.what != "" {
			t.line("  %-12s%s", part.who, ui.Printable(part.what))
		}
	}
	if a.Go != "" {
		t.line("  in Go")
		for line := range strings.Lines(a.Go) {
			t.line("      %s", strings.ReplaceAll(ui.Printable(strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    ")), "\t", "    "))
		}
	}
	if a.Command != "" {
		t.line("  try         %s", ui.Printable(a.Command))
	}
}
