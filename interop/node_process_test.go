package interop_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// leftOut skips the test for what is missing, but not in CI.
func leftOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needNode skips the test where the program in a folder cannot be run.
func needNode(t *testing.T, folder string) {
	t.Helper()
	if err := installed[folder](); err != nil {
		leftOut(t, "%s was NOT tested: %v; to include it, install Node.js 20 or later with npm, and let it reach the npm registry once", folder, err)
	}
}

var installed = map[string]func() error{
	nodeFolder:       sync.OnceValue(func() error { return install(nodeFolder) }),
	dpopClientFolder: sync.OnceValue(func() error { return install(dpopClientFolder) }),
}

func install(folder string) error {
	if _, err := exec.LookPath("node"); err != nil {
		return err
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return err
	}
	// npm writes this file last.
	done, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json"))
	if err == nil {
		lock, err := os.Stat(filepath.Join(folder, "package-lock.json"))
		if err != nil {
			return err
		}
		if !done.ModTime().Before(lock.ModTime()) {
			return nil
		}
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, out)
	}
	return nil
}

// nodeProcess is a program of Node.js that ends when its standard input does.
type nodeProcess struct {
	stdin  io.WriteCloser
	stdout io.Reader
	stderr bytes.Buffer // whole after stop
	stop   func()
}

// startNode starts a program in its folder; env is put to the environment.
func startNode(t *testing.T, folder, program string, env ...string) *nodeProcess {
	t.Helper()
	needNode(t, folder)
	cmd := exec.Command("node", program)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	p := new(nodeProcess)
	cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil { // its end ends the process, whatever happens to this one
		t.Fatal(err)
	}
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.stop = sync.OnceFunc(func() {
		_ = p.stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	t.Cleanup(func() {
		p.stop()
		if t.Failed() {
			t.Logf("%s/%s says:\n%s", folder, program, &p.stderr)
		}
	})
	return p
}
