package fuzz_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// What may be allocated for a connection by the server, the framework and the
// guard: at all, for each request, and for each byte that the client sends. The
// figures include the log and the instrumentation of a fuzzing run.
const (
	bytesForConnection = 64 << 10
	bytesForRequest    = 48 << 10
	bytesForByte       = 24
)

// check serves the bytes of a connection by each API of a setup, and checks the answers
// and the log. It returns what net/http did.
func check(t *testing.T, setup int, input []byte, known *issued) *exchange {
	t.Helper()
	var first *exchange
	for _, a := range apis[setup] {
		x := a.serveConn(t, input)
		problem := x.problem(a.setup, known)
		switch {
		case problem != "":
		case first == nil:
			first = x
			problem = x.leak(vocabularyOf(t))
		case !bytes.Equal(x.output, first.output):
			problem = fmt.Sprintf("the answer differs from that of net/http, which is\n%s", first.output)
		case !bytes.Equal(x.logged.Bytes(), first.logged.Bytes()):
			problem = fmt.Sprintf("the log differs from that of net/http, which is\n%s", first.logged.Bytes())
		}
		if most := uint64(bytesForConnection + bytesForRequest*len(x.requests) + bytesForByte*len(input)); problem == "" && x.bytes > most && !poolsForget {
			problem = fmt.Sprintf("%d bytes are allocated, want at most %d", x.bytes, most)
		}
		if problem != "" {
			t.Fatalf("%s, %s: %s\nrequest: %q\nanswer: %s\nlog: %s\nserver: %s", a.setup.name, a.name, problem, input, x.output, &x.logged, &x.server)
		}
	}
	return first
}

// problem returns what is wrong with the answers of an exchange.
func (x *exchange) problem(s setup, known *issued) string {
	used := map[string]bool{}
	output := bufio.NewReader(bytes.NewReader(x.output))
	for i, request := range x.requests {
		if request.panicked != nil {
			return fmt.Sprintf("panic: %v", request.panicked)
		}
		answer, body, err := readAnswer(output, request.method)
		if err != nil {
			return fmt.Sprintf("answer %d cannot be read: %v", i, err)
		}
		unproven := known.unproven(s, request, used)
		if request.admitted != (unproven == "") || request.admitted && !request.known {
			return fmt.Sprintf("request %d: the handler ran: %t, with a principal: %t, although it has: %q", i, request.admitted, request.known, unproven)
		}
		if problem := request.judge(s, answer, body); problem != "" {
			return problem
		}
	}
	// The server itself may refuse what follows.
	if answer, _, err := readAnswer(output, "GET"); err == nil && answer.StatusCode < 400 {
		return fmt.Sprintf("status %d without a request", answer.StatusCode)
	}
	return ""
}

// readAnswer reads the next final answer.
func readAnswer(from *bufio.Reader, method string) (*http.Response, []byte, error) {
	for {
		answer, err := http.ReadResponse(from, &http.Request{Method: method})
		if err != nil {
			return nil, nil, err
		}
		if answer.StatusCode >= 200 {
			body, err := io.ReadAll(answer.Body)
			return answer, body, err
		}
	}
}

func (q *seen) judge(s setup, answer *http.Response, body []byte) string {
	switch {
	case q.admitted && (answer.StatusCode != 200 || q.refused != nil):
		return fmt.Sprintf("the handler ran, and the status is %d", answer.StatusCode)
	case q.admitted:
		return ""
	case q.refused == nil:
		return "neither admitted nor refused"
	case answer.StatusCode != q.refused.Status:
		return fmt.Sprintf("status %d, and %d in the log", answer.StatusCode, q.refused.Status)
	case answer.Header.Get("Cache-Control") != "no-store":
		return "a refusal without no-store"
	}
	if problem := challenged(s, q.refused.Code, answer); problem != "" {
		return problem
	}
	if q.method == http.MethodHead {
		return ""
	}
	var document struct {
		Status int    `json:"status"`
		Error  string `json:"error"`
	}
	if err := json.Unmarshal(body, &document); err != nil || document.Status != answer.StatusCode || document.Error != publicCode(q.refused.Code) {
		return fmt.Sprintf("body %q, %v", body, err)
	}
	return ""
}

// codes are the codes that a guard of the setups answers with, by status.
var codes = map[int][]bearer.Code{
	400: {bearer.CodeInvalidRequest},
	401: {bearer.CodeMissingCredentials, bearer.CodeInvalidToken, bearer.CodeInvalidDPoPProof, bearer.CodeUseDPoPNonce},
	403: {bearer.CodeInsufficientScope},
	431: {bearer.CodeTokenTooLong},
	503: {bearer.CodeUnavailable},
}

// publicCode returns the error code that a client sees.
func publicCode(c bearer.Code) string {
	switch c {
	case bearer.CodeMissingCredentials, bearer.CodeTokenTooLong, bearer.CodeUnavailable:
		return ""
	}
	return string(c)
}

// challenged returns what is wrong with the challenges of a refusal.
func challenged(s setup, code bearer.Code, answer *http.Response) string {
	status, lines := answer.StatusCode, answer.Header.Values("WWW-Authenticate")
	if !slices.Contains(codes[status], code) {
		return fmt.Sprintf("status %d for the code %s", status, code)
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); status == 503 && (err != nil || seconds < 1) {
		return fmt.Sprintf("503 with Retry-After %q", answer.Header.Get("Retry-After"))
	}
	if status == 503 || status == 431 {
		if lines != nil {
			return fmt.Sprintf("status %d with the challenges %q", status, lines)
		}
		return ""
	}
	challenges, err := bearertest.ParseChallenges(lines)
	if err != nil || len(challenges) == 0 {
		return fmt.Sprintf("challenges %q: %v", lines, err)
	}
	errors, schemes := 0, map[string]bool{}
	for _, c := range challenges {
		schemes[c.Scheme] = true
		switch c.Params["error"] {
		case "":
		case publicCode(code):
			errors++
		default:
			return fmt.Sprintf("challenges %q for the code %s", lines, code)
		}
		if c.Params["realm"] != "api" || c.Scheme != "Bearer" && (c.Scheme != "DPoP" || !s.dpop) {
			return fmt.Sprintf("challenges %q", lines)
		}
	}
	if (errors > 0) != (publicCode(code) != "") || status == 401 && (!schemes["Bearer"] || schemes["DPoP"] != s.dpop) || len(schemes) != len(challenges) {
		return fmt.Sprintf("challenges %q for the code %s", lines, code)
	}
	return ""
}
