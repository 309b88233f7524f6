package explain_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/explain"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// run runs the command with a token on standard input.
func run(token string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = cli.Run(args, ui.Streams{In: strings.NewReader(token), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// The output of bearer explain, for people and for programs. After a change:
//
//	go test ./internal/explain -run TestGolden -update
func TestGolden(t *testing.T) {
	k := &kit{issuer: newIssuer(t), dir: t.TempDir()}
	k.keys = filepath.Join(k.dir, "keys.json")
	if err := os.WriteFile(k.keys, k.issuer.KeySet(), 0o600); err != nil {
		t.Fatal(err)
	}
	cases := slices.Concat(k.forms(), k.headers(), k.kinds(), k.issuers(), k.contents(), k.audiences(), k.times(), k.routes(), k.signatures(t))
	if len(cases) < 60 {
		t.Errorf("%d cases, want at least 60", len(cases))
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k.check(t, tt)
		})
	}
}

func (k *kit) check(t *testing.T, tt explained) {
	t.Helper()
	if tt.args == nil {
		tt.args = k.api()
	}
	args := append([]string{"explain", "-"}, tt.args...)
	code, text, stderr := run(tt.token, args...)
	if code != tt.exit || stderr != "" {
		t.Errorf("exit code %d, want %d; standard error: %s", code, tt.exit, stderr)
	}
	jsonCode, document, _ := run(tt.token, append(args, "--json")...)
	if jsonCode != code {
		t.Errorf("exit code %d with --json, %d without", jsonCode, code)
	}
	for _, output := range []string{text, document} {
		if part := partOf(tt.token, output); part != "" {
			t.Fatalf("the output contains %q of the token", part)
		}
		if strings.ContainsAny(output, "\x1b\u202e") {
			t.Error("the output contains what a terminal obeys")
		}
	}
	var report explain.Report
	if err := json.Unmarshal([]byte(document), &report); err != nil {
		t.Fatal(err)
	}
	if report.Verdict.Cause != tt.cause {
		t.Errorf("the cause is %q, want %q: %s", report.Verdict.Cause, tt.cause, report.Verdict.Text)
	}
	k.compare(t, tt.name+".txt", text)
	k.compare(t, tt.name+".json", document)
	if config := configOf(t, tt.args); config.Issuer != "" && config.At.IsZero() {
		sent := strings.TrimSpace(tt.token) // as the command reads it
		if rest, ok := strings.CutPrefix(sent, "Bearer "); ok {
			sent = rest
		}
		agrees(t, &report, newSDK(t, config), sent)
	}
}

// configOf returns what the arguments say about the API.
func configOf(t *testing.T, args []string) (c explain.Config) {
	t.Helper()
	var err error
	for i := 0; i+1 < len(args); i += 2 {
		switch value := args[i+1]; args[i] {
		case "--issuer":
			c.Issuer = value
		case "--audience":
			c.Audience = []string{value}
		case "--profile":
			c.Profile, err = profile.Find(value)
		case "--keys":
			c.KeysFile = value
		case "--scope":
			c.Scope = strings.Fields(value)
		case "--role":
			c.Roles = []string{value}
		case "--leeway":
			c.Leeway, err = time.ParseDuration(value)
		case "--at":
			c.At, err = time.Parse(time.RFC3339, value)
		default:
			t.Fatalf("the test does not know %s", args[i])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// varying matches what differs from run to run.
var varying = []struct {
	pattern *regexp.Regexp
	by      string
}{
	{regexp.MustCompile(`https?://(127\.0\.0\.1|localhost):\d{5}`), "http://127.0.0.1:PORT"},
	{regexp.MustCompile(`127\.0\.0\.1:\d{5}`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "(time)"},
	{regexp.MustCompile(`\b1[789]\d{8}(\d{3})?(\.\d+)?\b`), "(seconds)"},
	{regexp.MustCompile(`(, in |, |is |expired |leeway of )\d+ (second|minute|hour|day)s?\b`), "${1}N ${2}s"},
	{regexp.MustCompile(`N minutes ago`), "N seconds ago"}, // on a slow machine
	{regexp.MustCompile(`Leeway: \d+`), "Leeway: N"},
	{regexp.MustCompile(`, now\b`), ", N seconds ago"},
	{regexp.MustCompile(`\d+ bytes`), "N bytes"},
	{regexp.MustCompile(`of \d+ characters`), "of N characters"},
	{regexp.MustCompile(`signature of \d+`), "signature of N"},
	{regexp.MustCompile(`\b(onrtac:|V2_|AT\.)?[A-Z2-7]{26}\b`), "(random)"},
	{regexp.MustCompile(`"\[token\][^"]*"`), `"[token]"`},
}

func (k *kit) compare(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, k.dir, "DIR")
	for _, v := range varying {
		got = v.pattern.ReplaceAllString(got, v.by)
	}
	file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-"))
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the command prints; go test ./internal/explain -run TestGolden -update\n%s", file, got)
	}
}

// docs/explain.md lists every cause, and each has a case.
func TestCausesAreListed(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| [a-z ,]+ \\| ((?:`[a-z0-9-]+`(?:, )?)+) \\|$").FindAllStringSubmatch(string(page), -1) {
		for _, id := range regexp.MustCompile("`([a-z0-9-]+)`").FindAllStringSubmatch(row[1], -1) {
			listed[id[1]] = true
		}
	}
	covered := map[string]bool{}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, cause := range regexp.MustCompile(`"cause": "([^"]+)"`).FindAllSubmatch(data, -1) {
			covered[string(cause[1])] = true
		}
	}
	sources, err := filepath.Glob("cause*.go")
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, file := range sources {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`(?:(?:because|send)\(|(?m:^\t\{))"([a-z0-9-]*[a-z0-9])",`).FindAllSubmatch(source, -1) {
			written++
			if name := string(id[1]); !listed[name] || !covered[name] {
				t.Errorf("%s: the cause %s: in docs/explain.md: %t; in a golden file: %t", file, name, listed[name], covered[name])
			}
		}
	}
	if written < 90 || len(listed) < written-5 {
		t.Errorf("%d causes in the code, %d in docs/explain.md", written, len(listed))
	}
	for name := range listed {
		if !covered[name] {
			t.Errorf("docs/explain.md lists %s, which no golden file has", name)
		}
	}
}
