package bearermcp_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearermcp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/scope"
)

// stub is an endpoint in front of a handler that only reads the body. Its tokens
// are names: alice and bob may call the tool "write", weak may not, and bound is
// bound to alice's key.
type stub struct {
	h    http.Handler
	key  *ecdsa.PrivateKey
	log  bytes.Buffer
	runs atomic.Int32
}

const audience = "https://mcp.example.com/mcp"

func newStub(t *testing.T, change func(*bearermcp.Config), handler http.HandlerFunc) *stub {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := dpop.Thumbprint(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	proofs, err := dpop.New(dpop.Config{Origin: "https://mcp.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{key: key}
	principal := func(subject, scopes, jkt string) bearer.Principal {
		return bearer.Principal{
			Issuer: issuer, Subject: subject, ClientID: "app",
			Scopes: scope.Of(strings.Fields(scopes)...), Confirmation: bearer.Confirmation{JKT: jkt},
		}.WithAudience(audience)
	}
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{
			"alice": principal("alice", "mcp:use files:write", ""),
			"bob":   principal("bob", "mcp:use files:write", ""),
			"carol": principal("carol", "mcp:use files:write", ""),
			"dave":  principal("dave", "mcp:use files:write", ""),
			"erin":  principal("erin", "mcp:use files:write", ""),
			"frank": principal("frank", "mcp:use files:write", ""),
			"weak":  principal("weak", "mcp:use", ""),
			"other": bearer.Principal{Issuer: issuer, Subject: "alice"}.WithAudience("https://other.example.com"),
			"bound": principal("alice", "mcp:use", jkt),
		}},
		Proofs:           proofs,
		ResourceMetadata: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
		RequestID:        func(*http.Request) string { return "id" },
		Logger:           slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := bearermcp.Config{Guard: guard, Metadata: newMetadata(t, issuer), Rule: scope.All("mcp:use"), Tools: map[string]scope.Rule{"write": scope.All("files:write")}}
	if change != nil {
		change(&c)
	}
	endpoint, err := bearermcp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.h = endpoint.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.runs.Add(1)
		if handler != nil {
			handler(w, r)
		}
	}))
	return s
}

// counted is a body that counts its reads.
type counted struct {
	io.Reader
	reads atomic.Int32
}

func (c *counted) Read(p []byte) (int, error) { c.reads.Add(1); return c.Reader.Read(p) }

func (s *stub) send(authorization string, body io.Reader, size int64, proof string) (*httptest.ResponseRecorder, int32) {
	read := &counted{Reader: body}
	r := httptest.NewRequest(http.MethodPost, "/mcp", read)
	r.ContentLength = size
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w, read.reads.Load()
}

func answered(w *httptest.ResponseRecorder, _ int32) *httptest.ResponseRecorder { return w }

// manyNames returns a message of about the given size, with one object that has as
// many names as possible.
func manyNames(size int) string {
	var b strings.Builder
	b.WriteString(`{"method":"tools/call","params":{"name":"write","arguments":{"_":0`)
	for n := 0; b.Len() < size-16; n++ {
		fmt.Fprintf(&b, `,"%x":0`, n)
	}
	b.WriteString("}}}")
	return b.String()
}

// Reports V9: "any Authorization value, even x, and a 4 MiB body of many names":
// the endpoint checks token, audience and binding before it reads the body.
func TestNothingIsReadWithoutAValidToken(t *testing.T) {
	s := newStub(t, nil, nil)
	body := manyNames(4 << 20)
	for _, tt := range []struct {
		authorization, proof string
		status               int
	}{
		{"", "", 401}, {"x", "", 401}, {"Basic YTpi", "", 401}, {"Bearer", "", 400}, {"Bearer mallory", "", 401}, {"Bearer " + strings.Repeat("x", 8<<10), "", 401},
		{"Bearer other", "", 401}, {"Bearer bound", "", 401}, {"DPoP bound", "", 401}, {"DPoP bound", "x.y.z", 401}, {"DPoP alice", "", 401},
	} {
		w, reads := s.send(tt.authorization, strings.NewReader(body), int64(len(body)), tt.proof)
		if w.Code != tt.status || reads > 0 {
			t.Errorf("%.20q: %d after %d reads, want %d after none", tt.authorization, w.Code, reads, tt.status)
		}
	}
	if s.runs.Load() > 0 {
		t.Error("the handler ran")
	}
}

// Reports V9: "124 MiB and 0.5 s of CPU for one anonymous request".
func TestMemoryPerBody(t *testing.T) {
	long := strings.Repeat("x", 4<<20-200)
	shallow := `{"method":"tools/call","params":{"name":"write","arguments":{"x":`
	deep := func(levels, names int) string { // all names are open at the same time
		var b strings.Builder
		for range levels {
			b.WriteString("{")
			for n := range names {
				fmt.Fprintf(&b, `"%x":0,`, n)
			}
			b.WriteString(`"z":`)
		}
		return b.String() + "0" + strings.Repeat("}", levels)
	}
	for _, tt := range []struct {
		name, authorization, body string
		status                    int
		most                      uint64
	}{
		{"no credentials", "", manyNames(4 << 20), 401, 100 << 10},
		{"x", "x", manyNames(4 << 20), 401, 100 << 10},
		{"a bad token", "Bearer mallory", manyNames(4 << 20), 401, 100 << 10},
		{"many names", "Bearer alice", manyNames(4<<20 - 100), 400, 16 << 20},
		{"many names in many objects", "Bearer alice", shallow + deep(50, 9000) + "}}}", 400, 16 << 20},
		{"as many names as allowed", "Bearer alice", shallow + `{` + manyNames(80_000)[len(`{"method":"tools/call","params":{"name":"write","arguments":{`):] + "}", 200, 16 << 20},
		{"long names", "Bearer alice", shallow + `{"` + long[:2<<20] + `":0,"` + long[:2<<20-300] + `y":0}}}}`, 400, 16 << 20},
		{"many short arrays", "Bearer alice", shallow + "[" + strings.Repeat("[],", 1<<20) + "0]}}}", 200, 16 << 20},
		{"one long string", "Bearer alice", shallow + `"` + long + `"}}}`, 200, 16 << 20},
		{"a long tool name", "Bearer alice", `{"method":"tools/call","params":{"name":"` + long + `"}}`, 200, 16 << 20},
		{"deep nesting", "Bearer alice", shallow + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + "}}}", 400, 16 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStub(t, nil, func(_ http.ResponseWriter, r *http.Request) {
				if n, err := io.Copy(io.Discard, r.Body); err != nil || n != int64(len(tt.body)) {
					t.Errorf("the handler read %d bytes, %v", n, err)
				}
			})
			for _, size := range []int64{int64(len(tt.body)), -1} { // chunked
				const rounds = 5
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				for range rounds {
					if w := answered(s.send(tt.authorization, strings.NewReader(tt.body), size, "")); w.Code != tt.status {
						t.Fatalf("%d %s", w.Code, w.Body)
					}
				}
				took := time.Since(began) / rounds
				runtime.ReadMemStats(&after)
				each := (after.TotalAlloc - before.TotalAlloc) / rounds
				t.Logf("%d bytes, length %d: %d bytes allocated, %v", len(tt.body), size, each, took)
				if each > tt.most {
					t.Errorf("length %d: %d bytes allocated, want at most %d", size, each, tt.most)
				}
			}
		})
	}
}

// The limits of a message, at the limit and just beyond it.
func TestMessageLimits(t *testing.T) {
	s := newStub(t, nil, nil)
	arguments := func(text string) string {
		return `{"method":"tools/call","params":{"name":"write","arguments":` + text + `}}`
	}
	names := func(n int) string { // including the enclosing names
		list := make([]string, n-4)
		for i := range list {
			list[i] = fmt.Sprintf(`"n%d":{}`, i)
		}
		return "{" + strings.Join(list, ",") + "}"
	}
	for _, tt := range []struct {
		name, body string
		status     int
	}{
		{"10,000 names at a time", arguments(names(10_000)), 200},
		{"10,001", arguments(names(10_001)), 400},
		{"20,000 names, one object after another", arguments("[" + names(8000) + "," + names(8000) + "," + names(4000) + "]"), 200},
		{"62 levels inside", arguments(strings.Repeat("[", 62) + strings.Repeat("]", 62)), 200},
		{"63", arguments(strings.Repeat("[", 63) + strings.Repeat("]", 63)), 400},
		{"colons and brackets in a string", arguments(`"` + strings.Repeat(`:{[\"`, 20_000) + `"`), 200},
		{"too many closing brackets", arguments(strings.Repeat("]", 70)), 400},
		{"an unterminated string", `{"method":"tools/call`, 400},
		{"a string that ends in a backslash", `{"method":"tools/call\`, 400},
		{"params that are not an object", `{"method":"tools/call","params":["write"]}`, 400},
		{"no method", `{"result":{}}`, 200},
		{"another method", `{"method":"ping"}`, 200},
		{"another method, with odd params", `{"method":"ping","params":{"name":1}}`, 200},
		{"trailing white space", arguments("{}") + " \n\t", 200},
		{"a trailing null", arguments("{}") + "null", 400},
		{"a number", "7", 400},
	} {
		if w := answered(s.send("Bearer alice", strings.NewReader(tt.body), int64(len(tt.body)), "")); w.Code != tt.status {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.status)
		}
	}
}

// Reports V9: "bodies in memory at a time are bounded": beyond the limit, or beyond
// a caller's part, the guard answers 503 and logs the reason.
func TestMemoryOfAllBodies(t *testing.T) {
	s := newStub(t, func(c *bearermcp.Config) { c.MaxBody, c.BodyMemory = 64<<10, 512<<10 }, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	})
	stalled := make(chan struct{})
	var all sync.WaitGroup
	stall := func(token string) (status int) {
		// Send a part and stall. The body then holds 32 KiB.
		part := strings.NewReader(`{"method":"ping","params":{"x":"` + strings.Repeat("x", 5<<10))
		arrived := make(chan struct{})
		done := make(chan int, 1)
		all.Go(func() {
			rest := readerFunc(func([]byte) (int, error) {
				close(arrived)
				<-stalled
				return 0, io.ErrUnexpectedEOF
			})
			done <- answered(s.send("Bearer "+token, io.MultiReader(part, rest), -1, "")).Code
		})
		select {
		case <-arrived:
			return 0
		case status := <-done:
			return status
		}
	}
	small := func(token string) *httptest.ResponseRecorder {
		body := toolCall("write")
		return answered(s.send("Bearer "+token, strings.NewReader(body), int64(len(body)), ""))
	}
	stalledByAlice := 0
	for ; stalledByAlice < 20 && stall("alice") == 0; stalledByAlice++ {
	}
	if stalledByAlice < 2 || stalledByAlice > 4 {
		t.Errorf("one caller has %d bodies of 32 KiB; want about 128 KiB", stalledByAlice)
	}
	for range 3 {
		if w := small("bob"); w.Code != 200 {
			t.Errorf("another caller: %d %s", w.Code, w.Body)
		}
	}
	if w := small("weak"); w.Code != 403 {
		t.Errorf("too little scope: %d %s", w.Code, w.Body)
	}
	total := stalledByAlice
	for _, caller := range []string{"bob", "carol", "dave", "erin", "frank"} { // together they can use all of the memory
		for range 5 {
			switch status := stall(caller); status {
			case 0:
				total++
			case 503:
			default:
				t.Fatalf("%s: %d", caller, status)
			}
		}
	}
	if total > 16 {
		t.Errorf("all callers have %d bodies of 32 KiB; want at most 512 KiB", total)
	}
	if w := answered(s.send("Bearer weak", strings.NewReader(strings.Repeat(" ", 60<<10)), -1, "")); w.Code != 503 {
		t.Errorf("another caller, with %d bodies in memory: %d", total, w.Code)
	}
	s.log.Reset()
	w := answered(s.send("Bearer alice", strings.NewReader(strings.Repeat(" ", 60<<10)), 60<<10, ""))
	const want = `{"status":503,"error_description":"The access token cannot be checked at the moment.","request_id":"id"}` + "\n"
	if w.Code != 503 || w.Header().Get("Retry-After") != "1" || w.Header()["Www-Authenticate"] != nil || w.Body.String() != want {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if log := s.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "check=body") || !strings.Contains(log, "Config.BodyMemory") || !strings.Contains(log, "client_id=app") {
		t.Errorf("the log says %s", log)
	}
	if w := answered(s.send("", strings.NewReader("x"), 1, "")); w.Code != 401 {
		t.Errorf("no credentials: %d", w.Code)
	}
	close(stalled)
	all.Wait()
	for range 1000 { // together far more than BodyMemory
		body := toolCall("write") + strings.Repeat(" ", 60<<10)
		if w := answered(s.send("Bearer alice", strings.NewReader(body), int64(len(body)), "")); w.Code != 200 {
			t.Fatalf("after the others have ended: %d %s", w.Code, w.Body)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// However a request ends, the memory of its body is released.
func TestBodiesAreReleased(t *testing.T) {
	var within http.Handler
	handlers := map[string]http.HandlerFunc{
		"read to its end": func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) },
		"read, then closed": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			_ = r.Body.Close()
			if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("after the end: %d, %v", n, err)
			}
		},
		"read in part": func(_ http.ResponseWriter, r *http.Request) { _, _ = r.Body.Read(make([]byte, 7)) },
		"read, and another request inside": func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			if r.Header.Get("Inside") == "" {
				inside := httptest.NewRequest(http.MethodPost, "/mcp", strings.NewReader(toolCall("write")+strings.Repeat(" ", 7<<10)))
				inside.Header.Set("Authorization", "Bearer alice")
				inside.Header.Set("Inside", "yes")
				w := httptest.NewRecorder()
				within.ServeHTTP(w, inside)
				if w.Code != 200 {
					t.Errorf("inside: %d", w.Code)
				}
			}
		},
		"not read": func(http.ResponseWriter, *http.Request) {},
		"closed":   func(_ http.ResponseWriter, r *http.Request) { _ = r.Body.Close() },
		"panics":   func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			s := newStub(t, func(c *bearermcp.Config) { c.MaxBody, c.BodyMemory = 8<<10, 16<<10 }, handler)
			within = s.h
			for n := range 100 {
				for _, body := range []string{toolCall("write"), "junk", strings.Repeat(" ", 8<<10+1), toolCall("write") + strings.Repeat(" ", 7<<10)} {
					status := 0
					func() {
						defer func() { _ = recover() }()
						status = answered(s.send("Bearer alice", strings.NewReader(body), -1, "")).Code
					}()
					if status == 503 {
						t.Fatalf("request %d: 503", n)
					}
				}
				broken := io.MultiReader(strings.NewReader("{"), readerFunc(func([]byte) (int, error) { return 0, errors.New("broken") }))
				if w := answered(s.send("Bearer alice", broken, -1, "")); w.Code != 400 {
					t.Fatalf("a truncated body: %d", w.Code)
				}
			}
		})
	}
}

// Bodies that are longer or shorter than their Content-Length, which net/http does
// not pass on.
func TestWrongContentLength(t *testing.T) {
	s := newStub(t, func(c *bearermcp.Config) { c.MaxBody = 64 << 10 }, nil)
	body := toolCall("write") + strings.Repeat(" ", 40<<10)
	for _, tt := range []struct {
		size   int64
		status int
	}{{0, 200}, {1, 200}, {4095, 200}, {4096, 200}, {int64(len(body)) - 1, 200}, {int64(len(body)), 200}, {int64(len(body)) + 1, 200}, {64 << 10, 200}, {64<<10 + 1, 413}} {
		if w := answered(s.send("Bearer alice", strings.NewReader(body), tt.size, "")); w.Code != tt.status {
			t.Errorf("Content-Length %d: %d %s, want %d", tt.size, w.Code, w.Body, tt.status)
		}
	}
	// One byte too many, returned together with io.EOF.
	for size, status := range map[int]int{64 << 10: 200, 64<<10 + 1: 413} {
		body := toolCall("write")
		body += strings.Repeat(" ", size-len(body))
		if w := answered(s.send("Bearer alice", iotest.DataErrReader(strings.NewReader(body)), -1, "")); w.Code != status {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, status)
		}
	}
}

// Reports V9, V11, checklist C21: the proof of a call is checked once, before the
// body is read, and used up once, after the tool's scopes have been checked.
func TestProofOfACall(t *testing.T) {
	s := newStub(t, nil, nil)
	newProof := func() string {
		proof, err := dpop.NewProof(dpop.ProofConfig{Key: s.key, Algorithm: "ES256", Method: http.MethodPost, URL: audience, AccessToken: "bound"})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	send := func(body, proof string) *httptest.ResponseRecorder {
		return answered(s.send("DPoP bound", strings.NewReader(body), int64(len(body)), proof))
	}
	proof := newProof()
	if w := send(toolCall("write"), proof); w.Code != 403 || !strings.Contains(w.Header().Values("WWW-Authenticate")[0], `scope="files:write mcp:use"`) {
		t.Errorf("too little scope: %d %v", w.Code, w.Header())
	}
	if w := send(toolCall("read"), proof); w.Code != 200 {
		t.Errorf("the same proof, not yet used: %d %s", w.Code, w.Body)
	}
	if w := send(toolCall("read"), proof); w.Code != 401 || !strings.Contains(strings.Join(w.Header().Values("WWW-Authenticate"), " "), `error="invalid_dpop_proof"`) {
		t.Errorf("a used proof: %d %v", w.Code, w.Header())
	}
	if s.runs.Load() != 1 {
		t.Errorf("the handler ran %d times", s.runs.Load())
	}
}
