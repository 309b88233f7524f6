package interop_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const conformanceFolder = "mcp-conformance"

// runMCPSuite runs the suite of the MCP project with the Node.js 22 of its folder.
func runMCPSuite(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	nodes, err := filepath.Glob(filepath.Join(conformanceFolder, "node_modules", "node-linux-*", "bin", "node"))
	if err != nil || len(nodes) != 1 {
		leftOut(t, "the conformance suite of MCP was NOT run: npm has Node.js 22 for Linux on x64 and arm64 only (%v)", nodes)
	}
	program := filepath.Join(conformanceFolder, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js")
	cmd := exec.CommandContext(t.Context(), nodes[0], append([]string{program}, args...)...)
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	err = cmd.Wait()
	return text.String(), err
}

// conformanceChecks returns how often each status occurs in the suite's checks.
func conformanceChecks(t *testing.T, folder string) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "*", "checks.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the suite wrote %q, %v; want one checks.json", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var checks []struct{ Status string }
	if err := json.Unmarshal(data, &checks); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range checks {
		count[c.Status]++
	}
	return count
}

// Every scenario that the suite has for the authorization of clients, in all revisions
// of the specification. A warning fails too.
func TestMCPConformanceOfClients(t *testing.T) {
	t.Parallel()
	needNode(t, conformanceFolder)
	client := filepath.Join(t.TempDir(), "client")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", client, "./"+conformanceFolder+"/client")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list, err := runMCPSuite(t, "list")
	if err != nil {
		t.Fatalf("%v: %s", err, list)
	}
	_, list, _ = strings.Cut(list, "Client scenarios")
	scenarios := regexp.MustCompile(`(?m)^ +- (auth/\S+)`).FindAllStringSubmatch(list, -1)
	if len(scenarios) != 22 {
		t.Errorf("the suite has %d scenarios, want 22; update this number and docs/logging-in.md", len(scenarios))
	}
	for _, scenario := range scenarios {
		t.Run(scenario[1], func(t *testing.T) {
			folder := t.TempDir()
			out, err := runMCPSuite(t, "client", "--command", client, "--scenario", scenario[1], "-o", folder, "--timeout", "60000")
			got := conformanceChecks(t, folder)
			if err != nil || got["SUCCESS"] == 0 || got["FAILURE"] > 0 || got["WARNING"] > 0 {
				t.Errorf("%v, checks %v\n%s", err, got, out)
			}
		})
	}
	t.Run("a client that does nothing", func(t *testing.T) {
		folder := t.TempDir()
		_, err := runMCPSuite(t, "client", "--command", "true", "--scenario", "auth/metadata-default", "-o", folder, "--timeout", "60000")
		if got := conformanceChecks(t, folder); err == nil || got["FAILURE"] == 0 {
			t.Errorf("%v, checks %v; want failures", err, got)
		}
	})
}
