package cli_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// A token is read whatever a shell has put before and around it.
func TestTokenInTextsOfShells(t *testing.T) {
	issuer := newIssuer(t)
	token := issuer.Mint(bearertest.Token{})
	var little, big []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + token + "\r\n")) {
		little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
	}
	for name, text := range map[string]string{
		"UTF-8 with a byte order mark": "\xef\xbb\xbf" + token + "\r\n",
		"UTF-16, as PowerShell writes": string(little),
		"UTF-16, big endian":           string(big),
		"a field":                      "authorization: bearer " + token,
	} {
		if got := on(text, "explain", "-", "--issuer", issuer.URL(), "--audience", audience); got.code != 0 {
			t.Errorf("%s: %s", name, got.out)
		}
	}
	for _, text := range []string{"\xff\xfe", "\xff\xfea", "\x93" + token + "\x94"} { // windows-1252
		if got := on(text, "explain", "-"); got.code != 1 || partOf(token, got.out) != "" {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// An interrupt ends the program also while it waits for standard input.
func TestInterruptWhileReading(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"explain", "-"}, {"proof", "--key", "missing.pem", "--url", "https://api.example.com/", "--token", "-"}} {
		c := exec.CommandContext(t.Context(), program, append([]string{"-test.run=^TestDevProgram$", "--"}, args...)...)
		c.Env = append(os.Environ(), devProgram+"=1")
		stdin, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// The pipe's buffer is full when the program reads, and not before.
		if _, err := io.WriteString(stdin, strings.Repeat("a", 256<<10)); err != nil {
			t.Fatal(err)
		}
		if err := c.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		if code := c.ProcessState.ExitCode(); code != 3 || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("%q: exit code %d, %s", args, code, stderr.String())
		}
	}
}
