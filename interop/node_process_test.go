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
	"time"
)

// leftOut skips the test because something is missing. In CI it fails the test.
func leftOut(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needNode skips the test if the program in a folder cannot run.
func needNode(t *testing.T, folder string) {
	t.Helper()
	if err := installed[folder](); err != nil {
		leftOut(t, "%s was NOT tested: %v; to test it, install Node.js 20 or later with npm, and allow npm to reach its registry once", folder, err)
	}
}

var installed = map[string]func() error{
	nodeFolder:        sync.OnceValue(func() error { return install(nodeFolder) }),
	nodeOAuth2Folder:  sync.OnceValue(func() error { return install(nodeOAuth2Folder) }),
	dpopClientFolder:  sync.OnceValue(func() error { return install(dpopClientFolder) }),
	devClientFolder:   sync.OnceValue(func() error { return install(devClientFolder) }),
	mcpClientFolder:   sync.OnceValue(func() error { return install(mcpClientFolder) }),
	inspectorFolder:   sync.OnceValue(func() error { return install(inspectorFolder) }),
	conformanceFolder: sync.OnceValue(func() error { return install(conformanceFolder) }),
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

// childProcess is a program that exits when its standard input ends, so it does not
// outlive the test even if the test is killed.
type childProcess struct {
	name   string // for the test log
	stdin  io.WriteCloser
	stdout io.Reader
	stderr lockedBuffer
	stop   func()
}

// launchNode starts a program in its folder with more environment variables.
func launchNode(folder, program string, env ...string) (*childProcess, error) {
	cmd := exec.Command("node", program)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	return launch(cmd, folder+"/"+program)
}

func launch(cmd *exec.Cmd, name string) (*childProcess, error) {
	p := &childProcess{name: name}
	cmd.Stderr = &p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p.stop = sync.OnceFunc(func() {
		_ = p.stdin.Close()
		hung := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer hung.Stop()
		_ = cmd.Wait()
	})
	return p, nil
}

// showIfFailed logs the program's standard error if the test fails.
func (p *childProcess) showIfFailed(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("stderr of %s:\n%s", p.name, p.stderr.String())
		}
	})
}

// lockedBuffer is a buffer that a test reads while a program writes.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
