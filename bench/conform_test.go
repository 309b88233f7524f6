package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// inField returns an entrant by its name.
func inField(t *testing.T, name string) entrant {
	t.Helper()
	at := slices.IndexFunc(fieldEntrants, func(e entrant) bool { return e.name == name })
	if at < 0 {
		t.Fatalf("no entrant is named %q", name)
	}
	return fieldEntrants[at]
}

// The corpus demands the specifications: a server that shares no code with bearerkit
// passes every case, and follows every recommendation.
func TestStrictReferenceConforms(t *testing.T) {
	t.Parallel()
	conforms(t, strictReference, nil)
}

// bearerkit passes on every framework. The outages take half a minute; they run on
// net/http in package bearertest, and on all frameworks with BENCH_FIELD=long.
func TestBearerkitConforms(t *testing.T) {
	t.Parallel()
	for _, e := range fieldEntrants {
		if !strings.HasPrefix(e.name, "bearerkit on ") {
			continue
		}
		conforms(t, e, func(o *bearertest.ConformanceOptions) {
			if os.Getenv("BENCH_FIELD") != "long" {
				o.Levels = slices.DeleteFunc(slices.Clone(o.Levels), func(level string) bool { return level == "outage" })
				o.Only = withoutRotation(t)
			}
		})
	}
}

// withoutRotation returns the names of the cases that wait for no new key.
func withoutRotation(t *testing.T) []string {
	t.Helper()
	cases, err := bearertest.ConformanceCases(corpusOfField)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range cases {
		if c.Topic != "Outages of the issuer" {
			names = append(names, c.Name)
		}
	}
	return names
}

func conforms(t *testing.T, e entrant, only func(*bearertest.ConformanceOptions)) {
	t.Helper()
	c, err := e.conform(t.Context(), only)
	if err != nil {
		t.Fatal(err)
	}
	run := 0
	for _, r := range c.results {
		switch r.Verdict {
		case "pass":
			run++
		case "skipped":
			t.Errorf("%s: %s is skipped: %s", e.name, r.Name, r.Because)
		default:
			t.Errorf("%s: %s: %s: %v %v %s\n%s\n%s", e.name, r.Name, r.Verdict, r.Problems, r.Advice, r.Because, r.Request, r.Answer)
		}
	}
	if run < 600 {
		t.Errorf("%s: %d cases pass, want at least 600", e.name, run)
	}
	t.Logf("%s: %d cases in %.0f s", e.name, run, c.took.Seconds())
}

// The run tells libraries apart by what they do: golang-jwt refuses unsigned tokens,
// and leaves typ to its users; go-oidc refuses most values of crit.
func TestPeersInTheField(t *testing.T) {
	t.Parallel()
	for name, wanted := range map[string]map[string]string{
		"golang-jwt + keyfunc": {"good-token": "pass", "alg-none-unsigned": "pass", "aud-foreign": "pass", "typ-jwt": "fail", "crit-unknown": "fail"},
		"go-oidc":              {"good-token": "pass", "alg-none-unsigned": "pass", "aud-foreign": "pass", "typ-jwt": "fail", "crit-unknown": "pass"},
	} {
		c, err := inField(t, name).conform(t.Context(), func(o *bearertest.ConformanceOptions) {
			o.Levels = []string{"core", "rfc9068", "bcp"}
			o.Only = withoutRotation(t)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range c.results {
			if want := wanted[r.Name]; want != "" && r.Verdict != want {
				t.Errorf("%s: %s: %s, want %s: %v", name, r.Name, r.Verdict, want, r.Problems)
			}
		}
		if must, _, _, run := c.count("rfc9068"); must == 0 || run < 90 {
			t.Errorf("%s: %d of %d cases of RFC 9068 fail", name, must, run)
		}
	}
}

// docs/conformance.md names every entrant, and bearerkit and the reference fail
// nothing.
func TestFieldInTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "<!-- bench field -->")
	table, _, hasEnd := strings.Cut(rest, "<!-- end field -->")
	if !ok || !hasEnd {
		t.Fatal("docs/conformance.md has no place for the field")
	}
	for _, e := range fieldEntrants {
		cells := regexp.MustCompile(`(?m)^\| \[` + regexp.QuoteMeta(e.name) + `\]\([^)]+\)[^|]*\|(.*)\|$`).FindStringSubmatch(table)
		if cells == nil {
			t.Errorf("the table does not have %s; run %s", e.name, fieldCommand)
			continue
		}
		ours := strings.HasPrefix(e.name, "bearerkit on ") || e.name == strictReference.name
		for i, cell := range strings.Split(cells[1], "|") {
			cell = strings.TrimSpace(cell)
			if ours && cell != "0 / 0" {
				t.Errorf("%s, %s: %q, want 0 / 0", e.name, fieldLevels[i].title, cell)
			}
			if !regexp.MustCompile(`^([0-9]+ / [0-9]+( \([0-9]+ not judged\))?|–)$`).MatchString(cell) {
				t.Errorf("%s, %s: %q", e.name, fieldLevels[i].title, cell)
			}
		}
	}
}
