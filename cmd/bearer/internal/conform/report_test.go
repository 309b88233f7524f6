package conform_test

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/conform"
)

// hostile is text that an API may send, or that a request has.
const hostile = "<script>alert(1)</script> ]]> & \x00\x1b[31m \xff"

func report(verdicts ...string) *conform.Report {
	var results []bearertest.ConformanceResult
	for _, verdict := range verdicts {
		r := bearertest.ConformanceResult{
			Name: "case-" + verdict, Does: "does", Level: "core", Source: []string{"RFC 6750, Section 3"}, Why: "why", Verdict: verdict,
			Request: "GET / HTTP/1.1", Answer: hostile, Took: 1500 * time.Millisecond,
		}
		switch verdict {
		case "fail":
			r.Problems = []string{hostile}
		case "advice":
			r.Advice = []string{hostile}
		case "known", "skipped", "unknown":
			r.Because = hostile
		}
		results = append(results, r)
	}
	return conform.New("http://127.0.0.1:1/"+hostile, []string{"jwt"}, time.Now(), results)
}

func written(t *testing.T, write func(*strings.Builder) error) string {
	t.Helper()
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The schema of JUnit XML: totals of each suite and of all, a type for each failure,
// and text that every XML parser takes.
func TestJUnit(t *testing.T) {
	text := written(t, func(b *strings.Builder) error {
		return report("pass", "fail", "advice", "known", "skipped", "unknown").JUnit(b)
	})
	type totals struct {
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Skipped  int     `xml:"skipped,attr"`
		Time     float64 `xml:"time,attr"`
	}
	type problem struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
	}
	var document struct {
		totals
		Suites []struct {
			totals
			Started string `xml:"timestamp,attr"`
			Cases   []struct {
				Name    string   `xml:"name,attr"`
				Failure *problem `xml:"failure"`
				Error   *problem `xml:"error"`
				Skipped *problem `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &document); err != nil || len(document.Suites) != 1 {
		t.Fatalf("%d suites, %v\n%s", len(document.Suites), err, text)
	}
	suite := document.Suites[0]
	for _, got := range []totals{document.totals, suite.totals} {
		if got.Time = 0; got != (totals{Tests: 6, Failures: 1, Errors: 1, Skipped: 2}) {
			t.Errorf("got %+v", got)
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05", suite.Started); err != nil || suite.Time != 9 {
		t.Errorf("the suite began at %q and took %v s, want 9", suite.Started, suite.Time)
	}
	for _, c := range suite.Cases {
		if (c.Failure != nil) != (c.Name == "case-fail") || (c.Error != nil) != (c.Name == "case-unknown") ||
			(c.Skipped != nil) != (c.Name == "case-known" || c.Name == "case-skipped") {
			t.Errorf("%s: %+v", c.Name, c)
		}
		for _, p := range []*problem{c.Failure, c.Error} {
			if p != nil && (p.Type == "" || !strings.Contains(p.Message, "alert(1)")) {
				t.Errorf("%s: %+v", c.Name, p)
			}
		}
	}
	if strings.ContainsAny(text, "\x00\x1b") || !strings.HasPrefix(text, "<?xml") {
		t.Errorf("the document has control characters, or no declaration:\n%q", text)
	}
}

// What nobody could judge is not good.
func TestNotJudged(t *testing.T) {
	page := written(t, func(b *strings.Builder) error { return report("pass", "unknown").HTML(b) })
	for _, want := range []string{`<tr class="bad">`, "Not judged", "1 of 2 cases could not be judged"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, `<tr class="good">`) {
		t.Error("the level is good, although a case of it is not judged")
	}
	badge := written(t, func(b *strings.Builder) error { return report("pass", "unknown").Badge(b) })
	if !strings.Contains(badge, "1 of 2") || !strings.Contains(badge, "#c62828") {
		t.Errorf("the badge is not red:\n%s", badge)
	}
	if page := written(t, func(b *strings.Builder) error { return report("pass").HTML(b) }); strings.Contains(page, "Not judged") {
		t.Error("the page has a column for nothing")
	}
}

// No text of the API is markup of the page or of the badge.
func TestPagesEscape(t *testing.T) {
	r := report("pass", "fail", "advice", "known", "skipped", "unknown")
	page := written(t, func(b *strings.Builder) error { return r.HTML(b) })
	if strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") || strings.Count(page, "&lt;script&gt;alert(1)") < 10 {
		t.Error("the page has a script, or lacks the text of the API")
	}
	badge := written(t, func(b *strings.Builder) error { return r.Badge(b) })
	if err := xml.Unmarshal([]byte(badge), new(struct{})); err != nil {
		t.Errorf("the badge is no XML: %v", err)
	}
}
