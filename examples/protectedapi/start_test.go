package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/router"
)

// patience bounds how long a test waits.
const patience = 10 * time.Second

const (
	off      = binding.Off
	allowed  = binding.Allowed
	required = binding.Required
)

var frameworks = router.Frameworks()

// start runs the program in this process, and returns the URL on which it says
// that it listens. The program ends with the test.
func start(t *testing.T, args ...string) string {
	t.Helper()
	return startLogging(t, slog.New(slog.DiscardHandler), args...)
}

// startLogging is start with a logger.
func startLogging(t *testing.T, logger *slog.Logger, args ...string) string {
	t.Helper()
	c, err := parseFlags(append([]string{"-listen", "127.0.0.1:0"}, args...), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serve(ctx, c, write, logger)
		_ = write.CloseWithError(io.EOF)
		ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the program ended with: %v", err)
		}
	})
	stdout := bufio.NewReader(read)
	line, err := stdout.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("the first line is %q, %v", line, err)
	}
	go func() { _, _ = io.Copy(io.Discard, stdout) }()
	return url
}

func newIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "api", Secret: clientSecret}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// clientSecret is the secret of the program at the issuer.
const clientSecret = "+s3cret/ %:&"

// asks returns the flags of a program that asks an issuer about opaque tokens.
func asks(issuer *bearertest.Issuer, more ...string) []string {
	return append([]string{"-issuer", issuer.URL(), "-audience", audience, "-client-id", "api", "-client-secret", clientSecret}, more...)
}

// tokenFor describes an access token with a scope.
func tokenFor(scope string) bearertest.Token { return bearertest.Token{Scope: scope} }

// forge changes the first character of a token's signature.
func forge(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	changed := "A"
	if token[at] == 'A' {
		changed = "B"
	}
	return token[:at] + changed + token[at+1:]
}

// audience is the default audience of a bearertest.Issuer.
const audience = "https://api.example.com"

// answer is what a test compares: everything that a client can act on.
type answer struct {
	status int
	header http.Header
	body   string // with a fixed request_id
}

var requestID = regexp.MustCompile(`"request_id":"[0-9a-f]{32}"`)

// send sends a request exactly as written, on a connection of its own. It
// completes the first line, and adds Host and an empty line.
func send(t *testing.T, url, request string) answer {
	t.Helper()
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), patience)
	if err != nil {
		t.Fatal(err)
	}
	return sendOn(t, conn, url, request)
}

// sendOn is send on a connection, which it closes.
func sendOn(t *testing.T, conn net.Conn, url, request string) answer {
	t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	line, header, _ := strings.Cut(request, "\n")
	_, host, _ := strings.Cut(url, "://")
	raw := line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n"
	for field := range strings.SplitSeq(strings.TrimSpace(header), "\n") {
		if field != "" {
			raw += field + "\r\n"
		}
	}
	if _, err := io.WriteString(conn, raw+"\r\n"); err != nil {
		t.Fatal(err)
	}
	return receive(t, conn, request)
}

func receive(t *testing.T, conn net.Conn, request string) answer {
	t.Helper()
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return answer{
		status: response.StatusCode,
		header: response.Header,
		body:   requestID.ReplaceAllString(strings.TrimSpace(string(body)), `"request_id":"ID"`),
	}
}

// longRun returns how long a thorough test takes, and whether the environment
// variable BEARERKIT_SECONDS asks for that.
func longRun(t *testing.T) (time.Duration, bool) {
	t.Helper()
	s := os.Getenv("BEARERKIT_SECONDS")
	if s == "" {
		return 0, false
	}
	seconds, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("BEARERKIT_SECONDS: %v", err)
	}
	return time.Duration(seconds) * time.Second, true
}

// eventually waits until a condition holds.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
