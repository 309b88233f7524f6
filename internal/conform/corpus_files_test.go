package conform_test

import (
	"os"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/internal/conform"
)

func corpus(t *testing.T) []conform.Case {
	t.Helper()
	const dir = "../../conformance"
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("NOT tested: %v (the corpus is in a module of its own)", err)
	}
	cases, err := conform.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestCorpusIsLarge(t *testing.T) {
	cases := corpus(t)
	if len(cases) < 250 {
		t.Errorf("%d cases, want at least 250", len(cases))
	}
	for _, level := range conform.Levels {
		if !slices.ContainsFunc(cases, func(c conform.Case) bool { return c.Level == level.Name }) {
			t.Errorf("no case of level %s", level.Name)
		}
	}
	for _, need := range conform.Needs {
		if !slices.ContainsFunc(cases, func(c conform.Case) bool { return slices.Contains(c.Needs, need) || need == "bearer" }) {
			t.Errorf("no case needs %s", need)
		}
	}
}

// Each case can fail: an API that gives one answer to everything fails it for 200,
// for 401 without a challenge, or for 500, or it demands an answer.
func TestEachCaseCanFail(t *testing.T) {
	for _, c := range corpus(t) {
		if !slices.ContainsFunc([]int{200, 401, 500, 0}, func(status int) bool {
			return slices.ContainsFunc(c.Steps, func(s conform.Step) bool { return s.Breaks(status) })
		}) {
			t.Errorf("%s passes whatever the API answers", c.Name)
		}
	}
}

// A recommendation is not repeated as a requirement, and a step that may be answered
// in two ways says so.
func TestCorpusExplainsItself(t *testing.T) {
	for _, c := range corpus(t) {
		for i, s := range c.Steps {
			if s.Must.Like || len(s.Must.Status) > 1 && slices.Contains(s.Must.Status, "2xx") && c.May == "" {
				t.Errorf("%s, step %d: both success and refusal are accepted, and nothing says why (may)", c.Name, i+1)
			}
		}
	}
}
