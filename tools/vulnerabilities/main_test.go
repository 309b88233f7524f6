package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// scratch writes files into a folder.
func scratch(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// database has one invented vulnerability: a function of the standard library.
func database(t *testing.T, function string) string {
	const id, modified = "GO-2026-99999", "2026-01-02T03:04:05Z"
	return "file://" + scratch(t, map[string]string{
		"index/db.json":      fmt.Sprintf(`{"modified":%q}`, modified),
		"index/modules.json": fmt.Sprintf(`[{"path":"stdlib","vulns":[{"id":%q,"modified":%q}]}]`, id, modified),
		"index/vulns.json":   fmt.Sprintf(`[{"id":%q,"modified":%q}]`, id, modified),
		"ID/" + id + ".json": fmt.Sprintf(`{"schema_version":"1.3.1","id":%q,"modified":%q,"published":%q,"summary":"invented for a test",
"details":"invented for a test","affected":[{"package":{"name":"stdlib","ecosystem":"Go"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],
"ecosystem_specific":{"imports":[{"path":"strings","symbols":[%q]}]}}],"database_specific":{"url":"https://pkg.go.dev/vuln/%s"}}`, id, modified, modified, function, id),
	})
}

// Checked and none, found, and could not be checked are three different results.
func TestCheck(t *testing.T) {
	repository := scratch(t, map[string]string{
		"go.mod":  "module example.com/user\n\ngo 1.26.0\n",
		"main.go": "package main\n\nimport \"strings\"\n\nfunc main() { print(strings.ToUpper(\"a\")) }\n",
	})
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}} {
		if out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", repository}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", args[0], err, out)
		}
	}
	silent := httptest.NewServer(nil)
	silent.Close()
	missing := httptest.NewServer(nil) // answers 404
	defer missing.Close()
	tests := []struct {
		name, db       string
		want           error
		code, required int
		output         string
	}{
		{"the program calls it", database(t, "ToUpper"), errFound, 3, 3, "GO-2026-99999"},
		{"the program does not call it", database(t, "ToTitle"), nil, 0, 0, "checked 1 modules: none"},
		{"no database in the folder", "file://" + t.TempDir(), errUnreachable, 0, 1, ""},
		{"no server", silent.URL, errUnreachable, 0, 1, ""},
		{"no database on the server", missing.URL, errUnreachable, 0, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			err := check(t.Context(), repository, tt.db, &out)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v\n%s", err, tt.want, out.String())
			}
			if !strings.Contains(out.String(), tt.output) {
				t.Errorf("the output has no %q:\n%s", tt.output, out.String())
			}
			if code, required := exitCode(err, false), exitCode(err, true); code != tt.code || required != tt.required {
				t.Errorf("exit codes %d and %d, want %d and %d", code, required, tt.code, tt.required)
			}
		})
	}
	if exitCode(errors.New("another"), false) != 1 {
		t.Error("an unknown mistake must fail")
	}
}
