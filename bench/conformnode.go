package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// nodeFolder has the programs of the Node.js entrants and their packages.
const nodeFolder = "node-apis"

// nodeAPI returns a Node.js program as an entrant. The corpus reaches it by its URL.
func nodeAPI(name, link, program string, modules ...string) entrant {
	return entrant{name, link, modules, []trial{{open: func(i *bearertest.Issuer) (served, error) { return startNode(program, i.URL()) }}}}
}

// installNode installs the packages, once.
var installNode = sync.OnceValue(func() error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w: %w", errUnavailable, err)
	}
	// npm writes this file last.
	done, err := os.Stat(filepath.Join(nodeFolder, "node_modules", ".package-lock.json"))
	if lock, err2 := os.Stat(filepath.Join(nodeFolder, "package-lock.json")); err == nil && err2 == nil && !done.ModTime().Before(lock.ModTime()) {
		return nil
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = nodeFolder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: npm ci: %w: %s", errUnavailable, err, out)
	}
	return nil
})

// startNode starts a program, which prints its URL and exits when its standard
// input ends. So it does not outlive this program.
func startNode(program, issuer string) (served, error) {
	if err := installNode(); err != nil {
		return served{}, err
	}
	cmd := exec.Command("node", program)
	cmd.Dir = nodeFolder
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "ISSUER="+issuer, "AUDIENCE="+audience, "SCOPE="+neededScope)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return served{}, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return served{}, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return served{}, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	stop := sync.OnceFunc(func() {
		_ = stdin.Close()
		hung := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer hung.Stop()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return served{}, errors.Join(fmt.Errorf("node %s: no URL: %s", program, stderr.String()), err)
	}
	return served{url: strings.TrimSpace(url), close: stop}, nil
}

// nodeVersions are the versions of the packages by name.
func nodeVersions() map[string]string {
	document, err := os.ReadFile(filepath.Join(nodeFolder, "package.json"))
	var manifest struct{ Dependencies map[string]string }
	if err != nil || json.Unmarshal(document, &manifest) != nil {
		return nil
	}
	return manifest.Dependencies
}
