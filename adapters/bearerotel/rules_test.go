package bearerotel_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The alert rules are valid, and fire when they should and only then.
func TestRules(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("promtool is missing: install the Debian package prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// Each alert has a test and a runbook, which docs/operating.md lists, and names only
// metrics of this package.
func TestRunbooks(t *testing.T) {
	rules, tests, page := read(t, "prometheus/rules.yaml"), read(t, "prometheus/rules_test.yaml"), read(t, "../../docs/operating.md")
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(rules, -1)
	links := regexp.MustCompile(`runbook_url: https://github\.com/bearerkit/bearerkit/blob/main/docs/runbooks/([a-z-]+\.md)\n`).FindAllStringSubmatch(rules, -1)
	if len(alerts) < 8 || len(links) != len(alerts) {
		t.Fatalf("%d alerts, %d links to runbooks", len(alerts), len(links))
	}
	var named []string
	for i, alert := range alerts {
		named = append(named, links[i][1])
		if !strings.Contains(tests, "alertname: "+alert[1]+"\n") || !strings.Contains(tests, links[i][1]) {
			t.Errorf("no test shows that %s fires", alert[1])
		}
		if !strings.Contains(page, "["+alert[1]+"](runbooks/"+links[i][1]+")") {
			t.Errorf("docs/operating.md does not link %s to its runbook", alert[1])
		}
		if runbook := read(t, "../../docs/runbooks/"+links[i][1]); !strings.Contains(runbook, "`"+alert[1]+"`") {
			t.Errorf("%s does not name %s", links[i][1], alert[1])
		}
	}
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !slices.Contains(named, filepath.Base(page)) {
			t.Errorf("no alert leads to %s", page)
		}
	}
}

// Every metric is in the table of docs/operating.md, by both of its names, and the
// table, the rules and the dashboard name no other.
func TestMetricsAreDocumented(t *testing.T) {
	page := read(t, "../../docs/operating.md")
	rows := regexp.MustCompile("(?m)^\\| `(bearerkit\\.[a-z_.]+)` \\| `(bearerkit_[a-z_]+)` \\|").FindAllStringSubmatch(page, -1)
	documented := map[string]bool{}
	prometheus := map[string]bool{}
	for _, row := range rows {
		documented[row[1]], prometheus[row[2]] = true, true
		if base := strings.ReplaceAll(row[1], ".", "_"); !strings.HasPrefix(row[2], base) {
			t.Errorf("%s is not the name of %s in Prometheus", row[2], row[1])
		}
	}
	var created []string
	for _, file := range []string{"telemetry.go", "gauges.go"} {
		for _, m := range regexp.MustCompile(`"(bearerkit\.[a-z_.]+)"`).FindAllStringSubmatch(read(t, file), -1) {
			created = append(created, m[1])
			if !documented[m[1]] {
				t.Errorf("docs/operating.md does not list %s", m[1])
			}
		}
	}
	if len(created) != len(documented) || len(created) < 20 {
		t.Errorf("%d metrics, %d in docs/operating.md", len(created), len(documented))
	}
	suffix := regexp.MustCompile(`_(count|bucket|sum)$`)
	for _, file := range []string{"prometheus/rules.yaml", "prometheus/dashboard.json"} {
		for _, name := range regexp.MustCompile(`\bbearerkit_[a-z_]+`).FindAllString(expressions(t, file), -1) {
			if !prometheus[name] && !prometheus[suffix.ReplaceAllString(name, "")] && !isLabel(name) {
				t.Errorf("%s names %s, which docs/operating.md does not list", file, name)
			}
		}
	}
}

func isLabel(name string) bool {
	for _, key := range []string{"outcome", "scheme", "challenge_error", "issuer_hash", "key_document", "introspection_probe", "cache_name", "result", "resolve_state"} {
		if name == "bearerkit_"+key {
			return true
		}
	}
	return false
}

// expressions returns the expressions of rules or of a dashboard, in lines.
func expressions(t *testing.T, file string) string {
	t.Helper()
	text := read(t, file)
	if !strings.HasSuffix(file, ".json") {
		return text
	}
	var dashboard struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &dashboard); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			lines = append(lines, target.Expr)
		}
	}
	if len(lines) < 25 {
		t.Fatalf("%d expressions in %s", len(lines), file)
	}
	return strings.Join(lines, "\n")
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
