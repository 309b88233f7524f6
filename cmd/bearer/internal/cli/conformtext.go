package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/conform"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/conformance"
)

// conformWatch prints how a conformance run goes on.
type conformWatch struct {
	*program
	setup conform.Setup
	last  string // the last line about waiting
	done  int
}

// showSetup prints what to configure in the API.
func (w *conformWatch) showSetup() {
	if w.json {
		_ = w.documentLine(map[string]any{"configure": w.setup})
		return
	}
	s := w.sheet()
	s.line("Configure the API under test with:")
	s.line("  issuer         %s", w.setup.Issuer)
	s.line("  key set        %s", w.setup.JWKS)
	if slices.Contains(w.setup.Supports, "jwt") {
		s.line("  algorithm      ES256, or RS256, PS256 or EdDSA; the run takes the first that the API accepts")
	}
	s.line("  audience       %s", ui.Printable(w.setup.Audience))
	s.line("  route          %s %s", ui.Printable(w.setup.Method), ui.Printable(w.setup.URL))
	if w.setup.Scope != "" {
		s.line("  scope          %s", ui.Printable(w.setup.Scope))
	}
	if slices.Contains(w.setup.Supports, "introspection") {
		s.line("  introspection  %s (client_id %s, client_secret %s)", w.setup.Introspect, w.setup.ClientID, w.setup.ClientSecret)
	}
	for _, name := range slices.Sorted(maps.Keys(w.setup.Routes)) {
		s.line("  route %-8s %s", name, ui.Printable(w.setup.Routes[name]))
	}
	s.line("")
}

// waiting prints why the run has not begun, once for each reason.
func (w *conformWatch) waiting(status int, answer string) {
	text := waitingFor(status, answer, w.setup)
	if text == w.last {
		return
	}
	w.last = text
	if w.json {
		_ = w.documentLine(map[string]any{"waiting": text, "status": status, "answer": answer})
		return
	}
	w.sheet().line("waiting: %s", text)
}

// waitingFor returns what an answer to a good token means.
func waitingFor(status int, answer string, setup conform.Setup) string {
	switch {
	case status == 0:
		reason := ui.Printable(strings.TrimSuffix(strings.TrimPrefix(answer, "(no answer ("), "))"))
		if strings.Contains(reason, "certificate") {
			return reason + "; name the authority of the API's certificate with --cacert"
		}
		return "the API does not answer at " + ui.Printable(setup.URL) + ": " + reason + "; start it, and check the URL"
	case status == 401:
		return "401 for a good token; check the issuer, the audience and the algorithm in the API"
	case status == 429:
		return "429 for a good token; switch off the API's limit of requests for the run"
	case status == 403:
		return "403 for a good token; tell the scope of the route with --scope"
	case status == 404 || status == 405:
		return fmt.Sprintf("%d; check the path and --method", status)
	case status == 400:
		return "400; check --body and --header"
	case status >= 500:
		return fmt.Sprintf("%d; the API may not reach the issuer at %s", status, setup.Issuer)
	case status >= 300 && status < 400:
		return fmt.Sprintf("%d: a redirect; give the URL that it leads to", status)
	}
	return fmt.Sprintf("%d for a good token", status)
}

// progressed prints the outcome of a case.
func (w *conformWatch) progressed(r bearertest.ConformanceResult) {
	w.done++
	c := conform.CaseOf(r)
	if w.json {
		_ = w.documentLine(c)
		return
	}
	w.progress("")
	s := w.sheet()
	status := map[string]string{"pass": "ok", "fail": "fault", "advice": "warning", "unknown": "fault", "known": "warning"}[c.Verdict]
	if status == "" {
		status = "skipped"
	}
	var text string
	switch c.Verdict {
	case "pass":
		text = s.Paint(ui.Faint, c.Does)
		if c.Because != "" { // a deviation that is listed, but does not occur
			status, text = "warning", c.Does+": "+c.Because+"; remove its --known"
		}
	case "skipped":
		text = s.Paint(ui.Faint, c.Because)
	default:
		text = fmt.Sprintf("%s: %s %s", c.Does, ui.Printable(c.Wrong()), s.Paint(ui.Faint, "["+c.Sections()+"]"))
	}
	s.line("%s %s %s", s.mark(status), s.Paint(ui.Strong, c.Name), text)
	w.progress(fmt.Sprintf("%d cases", w.done))
}

// showTotals prints the totals by level.
func (w *conformWatch) showTotals(r *conform.Report) {
	if w.json {
		_ = w.documentLine(map[string]any{"totals": r.All, "levels": r.Levels})
		return
	}
	s := w.sheet()
	s.line("")
	s.line("%-44s %6s %6s %6s %6s %7s", "", "failed", "advice", "known", "passed", "skipped")
	for _, t := range append(slices.Clone(r.Levels), r.All) {
		style := ui.Good
		if t.Fail+t.Unknown > 0 {
			style = ui.Bad
		} else if t.Run() == 0 {
			style = ui.Faint
		}
		s.line("%s %6d %6d %6d %6d %7d", s.Paint(style, fmt.Sprintf("%-44s", t.Title)), t.Fail+t.Unknown, t.Advice, t.Known, t.Pass, t.Skipped)
	}
}

// listCases prints the cases of levels, or all.
func (p *program) listCases(levels []string) error {
	cases, err := bearertest.ConformanceCases(conformance.Corpus())
	if err != nil {
		return failed(err)
	}
	for _, level := range levels {
		if !slices.Contains(conform.LevelNames(), level) {
			return fmt.Errorf("--level %q: want one of %s", level, strings.Join(conform.LevelNames(), ", "))
		}
	}
	s := p.sheet()
	for _, c := range cases {
		if len(levels) > 0 && !slices.Contains(levels, c.Level) {
			continue
		}
		if p.json {
			if err := p.documentLine(conform.CaseOf(c)); err != nil {
				return failed(err)
			}
			continue
		}
		s.line("%-9s %-34s %s %s", c.Level, c.Name, c.Does, s.Paint(ui.Faint, "["+strings.Join(c.Source, "; ")+"]"))
	}
	return nil
}
