package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const root = "github.com/bearerkit/bearerkit"

// project is a small repository with the layout of this one.
var project = map[string]string{
	"LICENSE":              "a licence\n",
	"CHANGELOG.md":         "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- everything\n",
	"go.mod":               "module " + root + "\n\ngo 1.26.0\n",
	"word/word.go":         "// Package word has a word.\npackage word\n\nconst Word = \"hello\"\n",
	"adapters/bold/go.mod": "module " + root + "/adapters/bold\n\ngo 1.26.0\n\nrequire " + root + " v0.1.0\n\nreplace " + root + " => ../../\n",
	"adapters/bold/go.sum": "",
	"adapters/bold/b.go":   "package bold\n\nimport \"" + root + "/word\"\n\nconst Word = \"**\" + word.Word + \"**\"\n",
	"cmd/hello/go.mod": "module " + root + "/cmd/hello\n\ngo 1.26.0\n\nrequire (\n\t" + root + " v0.1.0\n\t" + root + "/adapters/bold v0.1.0\n)\n\n" +
		"replace " + root + " => ../../\n\nreplace " + root + "/adapters/bold => ../../adapters/bold\n",
	"cmd/hello/go.sum":  "",
	"cmd/hello/main.go": "package main\n\nimport (\n\t\"" + root + "/adapters/bold\"\n\t\"" + root + "/word\"\n)\n\nfunc main() { print(word.Word, bold.Word) }\n",
	"bench/go.mod":      "module " + root + "/bench\n\ngo 1.26.0\n\nrequire " + root + " v0.1.0\n\nreplace " + root + " => ../\n",
	"bench/bench.go":    "package bench\n\nimport _ \"" + root + "/word\"\n",
}

// newProject returns a clone of a bare repository that has the project.
func newProject(t *testing.T) (clone, remote string) {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	clone, remote = filepath.Join(t.TempDir(), "clone"), filepath.Join(t.TempDir(), "remote.git")
	git(t, ".", "init", "--quiet", "--bare", "--initial-branch=main", remote)
	git(t, ".", "clone", "--quiet", remote, clone)
	git(t, clone, "checkout", "--quiet", "-B", "main")
	git(t, clone, "config", "user.name", "alice")
	git(t, clone, "config", "user.email", "alice@example.com")
	for name, content := range project {
		write(t, filepath.Join(clone, name), content)
	}
	git(t, clone, "add", "--all")
	git(t, clone, "commit", "--quiet", "--message", "everything")
	git(t, clone, "push", "--quiet", "origin", "main")
	return clone, remote
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := repository{dir: dir}.read(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func command(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func sbomTool(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "cyclonedx-gomod")
	command(t, ".", []string{"GOWORK=off"}, "go", "build", "-o", tool, "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod")
	return tool
}

func sameFiles(t *testing.T, a, b string) {
	t.Helper()
	entries, err := os.ReadDir(a)
	if err != nil || len(entries) != 6 {
		t.Fatalf("the release has %d files (%v), want 6", len(entries), err)
	}
	for _, e := range entries {
		first, err := os.ReadFile(filepath.Join(a, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if second, err := os.ReadFile(filepath.Join(b, e.Name())); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s differs (%v)", e.Name(), err)
		}
	}
	command(t, a, nil, "sha256sum", "--check", "--strict", "SHA256SUMS")
}

// Two dry runs give the same bytes and push nothing. What -push publishes can be
// installed and required by the go command, which reads the tags themselves, and
// -rebuild gives the same bytes again from a fresh clone.
func TestRelease(t *testing.T) {
	clone, remote := newProject(t)
	c := config{repository: clone, version: "v0.9.0", sbom: sbomTool(t), log: io.Discard}
	outs := []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	for i, push := range []bool{false, false, true} {
		c.out, c.push = outs[i], push
		if err := run(c); err != nil {
			t.Fatal(err)
		}
		if refs := git(t, clone, "ls-remote", "--tags", "origin"); (refs != "") != push {
			t.Fatalf("push is %v; tags of the remote: %q", push, refs)
		}
		sameFiles(t, outs[0], outs[i])
	}
	checkBills(t, outs[0])

	fresh := filepath.Join(t.TempDir(), "fresh")
	git(t, ".", "clone", "--quiet", remote, fresh)
	tags := strings.Fields(git(t, fresh, "tag"))
	if got, want := strings.Join(tags, " "), "adapters/bold/v0.9.0 cmd/hello/v0.9.0 v0.9.0"; got != want {
		t.Errorf("tags %s, want %s", got, want)
	}
	if text := git(t, fresh, "show", "main:CHANGELOG.md"); !strings.Contains(text, "## [Unreleased]\n\n## [0.9.0] - 20") {
		t.Errorf("the changelog of the branch has no version:\n%s", text)
	}
	if mod := git(t, fresh, "show", "main:cmd/hello/go.mod"); !strings.Contains(mod, "replace") || !strings.Contains(mod, root+" v0.9.0") {
		t.Errorf("the branch must keep its replace lines, and name the version:\n%s", mod)
	}
	if err := run(config{repository: fresh, version: "v0.9.0", sbom: c.sbom, out: outs[3], rebuild: true, log: io.Discard}); err != nil {
		t.Fatal(err)
	}
	sameFiles(t, outs[0], outs[3])
	checkInstallation(t, remote, outs[0])
}

// checkInstallation lets the go command fetch the modules from the remote, as if
// it were the public repository.
func checkInstallation(t *testing.T, remote, out string) {
	t.Helper()
	user := t.TempDir()
	env := []string{
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url." + remote + ".insteadOf", "GIT_CONFIG_VALUE_0=https://" + root,
		"GOPROXY=direct", "GONOSUMDB=" + root, "GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE=" + t.TempDir(), "GOBIN=" + user,
	}
	command(t, user, env, "go", "install", root+"/cmd/hello@v0.9.0")
	if got := command(t, user, env, filepath.Join(user, "hello")); got != "hello**hello**" {
		t.Errorf("the installed program prints %q", got)
	}
	write(t, filepath.Join(user, "go.mod"), "module example.com/user\n\ngo 1.26.0\n")
	write(t, filepath.Join(user, "main.go"), "package main\n\nimport \""+root+"/adapters/bold\"\n\nfunc main() { print(bold.Word) }\n")
	command(t, user, env, "go", "get", root+"/adapters/bold@v0.9.0", root+"@v0.9.0", root+"/cmd/hello@v0.9.0")
	if got := command(t, user, env, "go", "run", "."); got != "**hello**" {
		t.Errorf("the user's program prints %q", got)
	}
	sums, err := os.ReadFile(filepath.Join(out, "modules.sum"))
	if err != nil {
		t.Fatal(err)
	}
	of := command(t, user, nil, "cat", "go.sum")
	for _, line := range strings.Split(of, "\n") {
		if !strings.Contains(string(sums), line+"\n") {
			t.Errorf("the go command computes %s, which modules.sum does not have:\n%s", line, sums)
		}
	}
	// The go.sum files at the tag are complete.
	tagged := filepath.Join(t.TempDir(), "tagged")
	git(t, ".", "clone", "--quiet", "--branch", "v0.9.0", remote, tagged)
	command(t, filepath.Join(tagged, "cmd/hello"), env, "go", "build", "-mod=readonly", "-o", os.DevNull, ".")
}

// checkBills validates the bills of materials with the schemas of CycloneDX.
func checkBills(t *testing.T, out string) {
	t.Helper()
	schemas := command(t, ".", []string{"GOWORK=off"}, "go", "list", "-m", "-f", "{{.Dir}}/schema", "github.com/CycloneDX/cyclonedx-go")
	compiler := jsonschema.NewCompiler()
	for url, name := range map[string]string{
		"bom-1.6.schema.json": "bom-1.6.schema.json", "spdx.schema.json": "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+url, document(t, filepath.Join(schemas, name))); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bearerkit.cdx.json", "adapters-bold.cdx.json", "cmd-hello.cdx.json"} {
		bill := document(t, filepath.Join(out, name))
		if err := schema.Validate(bill); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		components, _ := bill.(map[string]any)["components"].([]any)
		if want := map[string]int{"bearerkit.cdx.json": 0, "adapters-bold.cdx.json": 1, "cmd-hello.cdx.json": 2}[name]; len(components) != want {
			t.Errorf("%s has %d components, want %d", name, len(components), want)
		}
		for _, c := range components {
			if version := c.(map[string]any)["version"]; version != "v0.9.0" {
				t.Errorf("%s names the version %v", name, version)
			}
		}
	}
	if err := schema.Validate(map[string]any{"bomFormat": "another"}); err == nil {
		t.Error("the schema accepts everything")
	}
}

func document(t *testing.T, name string) any {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	value, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatal(name, err)
	}
	return value
}

func TestRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, clone string, c *config)
		want   error
	}{
		{"no version", func(t *testing.T, _ string, c *config) { c.version = "0.9" }, errVersion},
		{"a version without a module path", func(t *testing.T, _ string, c *config) { c.version = "v2.0.0" }, errVersion},
		{"a change in the tree", func(t *testing.T, clone string, _ *config) { write(t, filepath.Join(clone, "new"), "x") }, errChanged},
		{"an existing tag", func(t *testing.T, clone string, _ *config) { git(t, clone, "tag", "v0.9.0") }, errTag},
		{"a missing tag", func(t *testing.T, _ string, c *config) { c.rebuild = true }, errTag},
		{"nothing to release", func(t *testing.T, clone string, _ *config) {
			write(t, filepath.Join(clone, "CHANGELOG.md"), "# Changelog\n\n## [Unreleased]\n\n## [0.8.0]\n\n- older\n")
			git(t, clone, "commit", "--quiet", "--all", "--message", "changelog")
		}, errChangelog},
		{"a version before the last one", func(t *testing.T, clone string, _ *config) {
			write(t, filepath.Join(clone, "CHANGELOG.md"), "# Changelog\n\n## [Unreleased]\n\n- newer\n\n## [0.10.0] - 2026-01-01\n\n- older\n")
			git(t, clone, "commit", "--quiet", "--all", "--message", "changelog")
		}, errVersion},
		{"a tag of another module", func(t *testing.T, clone string, _ *config) { git(t, clone, "tag", "adapters/bold/v0.9.0") }, errTag},
		{"a commit that origin does not have", func(t *testing.T, clone string, c *config) {
			c.push = true
			git(t, clone, "commit", "--quiet", "--allow-empty", "--message", "more")
		}, errRemote},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clone, _ := newProject(t)
			c := config{repository: clone, version: "v0.9.0", sbom: "unused", out: t.TempDir(), log: io.Discard}
			tt.change(t, clone, &c)
			if err := run(c); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if refs := git(t, clone, "ls-remote", "--tags", "origin"); refs != "" {
				t.Errorf("pushed %s", refs)
			}
		})
	}
}
