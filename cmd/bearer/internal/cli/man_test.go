package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each command has a manual page with its flags, and man reads it.
func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if got := on("", "man", "--out", dir); got.code != 0 || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	for name, wants := range map[string][]string{
		"bearer":                 {`bearer \- Explain access tokens`, `bearer\-explain(1)`, "Exit codes"},
		"bearer-explain":         {`\-\-token\-file file`, `\-\-json`, "RFC 9068", `bearer explain "$TOKEN"`, "bearer(1)"},
		"bearer-token":           {`\-o, \-\-output file`},
		"bearer-completion-bash": {".SH SYNOPSIS"},
	} {
		page, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(page), want) {
				t.Errorf("%s has no %q:\n%s", name, want, page)
			}
		}
	}
	if got := on("", "man"); got.code != 2 || !strings.Contains(got.stderr, "--out") {
		t.Errorf("%+v", got)
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed")
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 10 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		if out, err := exec.CommandContext(t.Context(), groff, "-man", "-ww", "-Tutf8", "-z", page).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}

// The version is that of the module.
func TestVersion(t *testing.T) {
	if got := on("", "--version"); got.code != 0 || !strings.HasPrefix(got.out, "bearer ") {
		t.Errorf("%+v", got)
	}
}
