package workflows

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

const repository = "../.."

type workflow struct {
	On          any
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Timeout     int `yaml:"timeout-minutes"`
		Strategy    struct{ Matrix struct{ Go []string } }
		Env         map[string]string
		Steps       []struct {
			Uses, Run string
			With      map[string]any
		}
	}
}

func read(t *testing.T, name string, value any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, ".github", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// lines returns what all steps of a workflow run.
func (w workflow) lines() (all []string) {
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			all = append(all, strings.Split(strings.TrimSpace(step.Run), "\n")...)
		}
	}
	return all
}

// Workflows may read the repository; only the release may write to it. Actions are
// pinned by commit, each job ends some time, and no Go replaces itself. The release
// uses no cache.
func TestWorkflows(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(repository, ".github/workflows/*.yml"))
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	pinned := regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40}$`)
	for _, name := range names {
		name = filepath.Base(name)
		var w workflow
		read(t, filepath.Join("workflows", name), &w)
		if w.On == nil || w.Permissions == nil || len(w.Jobs) == 0 {
			t.Errorf("%s: its events, permissions or jobs are missing", name)
		}
		for id, job := range w.Jobs {
			for permission, level := range map[string]string(w.Permissions) {
				if permission != "contents" || level != "read" {
					t.Errorf("%s: the permission %s: %s", name, permission, level)
				}
			}
			for permission, level := range job.Permissions {
				if name != "release.yml" || permission != "contents" || level != "write" {
					t.Errorf("%s: job %s has the permission %s: %s", name, id, permission, level)
				}
			}
			if job.Timeout == 0 || job.Env["GOTOOLCHAIN"] != "local" {
				t.Errorf("%s: job %s needs timeout-minutes and GOTOOLCHAIN: local", name, id)
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: %s is not pinned by a commit", name, step.Uses)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: the checkout keeps the token", name)
				}
				if len(job.Permissions) > 0 && strings.HasPrefix(step.Uses, "actions/setup-go@") && step.With["cache"] != false {
					t.Errorf("%s: job %s may write, and reads a cache that other workflows write", name, id)
				}
				if strings.Contains(step.Run, "${{") {
					t.Errorf("%s: a command contains an expression, which may inject code; pass it by env:\n%s", name, step.Run)
				}
			}
		}
	}
}

func TestWorkflowsRunTheChecks(t *testing.T) {
	var ci, weekly, release workflow
	read(t, "workflows/ci.yml", &ci)
	read(t, "workflows/weekly.yml", &weekly)
	read(t, "workflows/release.yml", &release)
	if !slices.Contains(ci.lines(), ".ci/run") {
		t.Error("ci.yml does not call .ci/run")
	}
	if got := ci.Jobs["checks"].Strategy.Matrix.Go; !slices.Equal(got, []string{"stable", "oldstable"}) {
		t.Errorf("ci.yml runs on %q, want the current and the previous Go", got)
	}
	required := "make vulnerabilities REQUIRED=-required"
	for name, w := range map[string]workflow{"weekly.yml": weekly, "release.yml": release} {
		if !slices.Contains(w.lines(), required) {
			t.Errorf("%s does not call %q", name, required)
		}
	}
	for _, w := range []workflow{ci, weekly, release} {
		for _, line := range w.lines() {
			script, _, _ := strings.Cut(line, " ")
			if !strings.HasPrefix(script, ".ci/") {
				continue
			}
			if info, err := os.Stat(filepath.Join(repository, script)); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s cannot be run (%v)", script, err)
			}
		}
	}
}

// Dependabot updates every module, every npm folder and the actions.
func TestDependabot(t *testing.T) {
	var config struct {
		Version int
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
			Schedule    struct{ Interval string }
		}
	}
	read(t, "dependabot.yml", &config)
	covered := map[string][]string{}
	for _, u := range config.Updates {
		covered[u.Ecosystem] = append(covered[u.Ecosystem], u.Directories...)
		if u.Directory != "" {
			covered[u.Ecosystem] = append(covered[u.Ecosystem], u.Directory)
		}
		if u.Schedule.Interval == "" {
			t.Errorf("%s has no schedule", u.Ecosystem)
		}
	}
	want := map[string][]string{"github-actions": {"/"}}
	all, err := modules.List(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		want["gomod"] = append(want["gomod"], path.Join("/", m.Dir))
	}
	out, err := exec.CommandContext(t.Context(), "git", "-C", repository, "ls-files", "package.json", "*/package.json").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(out)) {
		if !strings.Contains(name, "/testdata/") {
			want["npm"] = append(want["npm"], "/"+path.Dir(name))
		}
	}
	if config.Version != 2 || len(want["npm"]) == 0 {
		t.Errorf("version %d of dependabot.yml, and %d npm folders", config.Version, len(want["npm"]))
	}
	for ecosystem, directories := range want {
		slices.Sort(directories)
		slices.Sort(covered[ecosystem])
		if !slices.Equal(directories, covered[ecosystem]) {
			t.Errorf("dependabot.yml lists for %s\n%q, want\n%q", ecosystem, covered[ecosystem], directories)
		}
	}
}
