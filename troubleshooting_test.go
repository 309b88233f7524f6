package bearerkit_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/jwks"
	"github.com/bearerkit/bearerkit/scope"
)

// Each symptom on docs/troubleshooting.md is a request that is really refused over
// a socket: the page shows the answer and the log record. The same test then does
// what the page says, and the request is admitted. After a change of a text:
//
//	go test . -run TestTroubleshooting -update
func TestTroubleshooting(t *testing.T) {
	const path = "docs/troubleshooting.md"
	page, shown := read(t, path), 0
	for _, s := range symptoms() {
		t.Run(s.name, func(t *testing.T) {
			k := newSymptomKit(t)
			got := k.refuse(s.check, s.status, s.seen(k))
			if s.mended != nil {
				k.admit(s.mended(k))
			}
			block := regexp.MustCompile("(?s)<!-- record: " + regexp.QuoteMeta(s.name) + " -->\n```text\n(.*?)```\n")
			at := block.FindStringSubmatchIndex(page)
			if at == nil {
				t.Fatalf("%s has no block after <!-- record: %s -->", path, s.name)
			}
			shown++
			if *update {
				page = page[:at[2]] + got + page[at[3]:]
			} else if page[at[2]:at[3]] != got {
				t.Errorf("%s does not show what happens; go test . -run TestTroubleshooting -update\n%s", path, firstDifference(got, page[at[2]:at[3]]))
			}
		})
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if all := strings.Count(page, "<!-- record: "); shown != all && !t.Failed() {
		t.Errorf("%s has %d records, of which the tests show %d", path, all, shown)
	}
}

// symptom is a request that is refused, and what was changed when it is admitted.
type symptom struct {
	name   string // of the record on the page
	check  string // that refuses the request
	status int

	seen   func(*symptomKit) exchange
	mended func(*symptomKit) exchange // nil: there is nothing to change
}

// exchange is a request and the API that judges it.
type exchange struct {
	tokens jwks.Config
	guard  bearer.Config      // gets the verifier of tokens, if it has no verifiers
	route  bearer.RouteConfig // by default, of no scope
	front  func(api http.Handler) http.Handler
	method string // default: GET
	path   string // default: /orders

	token string      // sent under Bearer, if there is one
	field http.Header // other fields of the request
}

// symptomKit sends requests.
type symptomKit struct {
	*testing.T
	*bearertest.Issuer
	log bytes.Buffer
}

func newSymptomKit(t *testing.T) *symptomKit {
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Clients: []bearertest.Client{{ID: "orders-api", Secret: "secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return &symptomKit{T: t, Issuer: issuer}
}

// send serves the API and sends the request.
func (k *symptomKit) send(x exchange) *http.Response {
	k.Helper()
	if x.route.Rule.Err() != nil { // none is set
		x.route.Rule = scope.None
	}
	server := httptest.NewServer(k.api(x))
	k.Cleanup(server.Close)
	method, path := http.MethodGet, "/orders"
	if x.method != "" {
		method = x.method
	}
	if x.path != "" {
		path = x.path
	}
	r, err := http.NewRequest(method, server.URL+path, nil)
	if err != nil {
		k.Fatal(err)
	}
	for name, values := range x.field {
		r.Header[name] = values
	}
	if x.token != "" {
		r.Header.Set("Authorization", "Bearer "+x.token)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { response.Body.Close() })
	return response
}

// api returns the API of an exchange, with the log in k.log.
func (k *symptomKit) api(x exchange) http.Handler {
	k.Helper()
	if x.guard.Verifiers == nil {
		tokens, err := jwks.New(x.tokens)
		if err != nil {
			k.Fatal(err)
		}
		k.Cleanup(tokens.Close)
		x.guard.Verifiers = []bearer.Verifier{tokens}
	}
	x.guard.Logger = slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	guard, err := bearer.New(x.guard)
	if err != nil {
		k.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p, ok := bearer.FromContext(r.Context()); !ok || p.ClientID == "" {
			k.Error("the handler has no principal")
		}
	})
	mux := http.NewServeMux()
	protected := bearerhttp.Protect(guard.MustRoute(x.route))(handler)
	mux.Handle("/orders", protected)
	mux.Handle("/users/{id}", protected)
	if x.front != nil {
		return x.front(mux)
	}
	return mux
}

// refuse sends a request, and returns its answer and its log record as the page
// shows them.
func (k *symptomKit) refuse(check string, status int, x exchange) string {
	k.Helper()
	response := k.send(x)
	record := k.log.String()
	if response.StatusCode != status || strings.Count(record, "\n") != 1 || !strings.Contains(record, " check="+check+" ") {
		k.Fatalf("got %s and the log\n%swant %d, and one record with check=%s", response.Status, record, status, check)
	}
	if x.token != "" && strings.Contains(record, x.token) {
		k.Error("the record contains the token")
	}
	var page strings.Builder
	fmt.Fprintf(&page, "HTTP/1.1 %s\n", response.Status)
	for _, name := range []string{"WWW-Authenticate", "Retry-After"} {
		for _, value := range response.Header.Values(name) {
			fmt.Fprintf(&page, "%s: %s\n", name, value)
		}
	}
	return page.String() + "\n" + k.masked(record)
}

// admit sends a request, which must be admitted.
func (k *symptomKit) admit(x exchange) {
	k.Helper()
	k.log.Reset()
	if response := k.send(x); response.StatusCode != http.StatusOK {
		k.Errorf("after the change: got %s and the log\n%s", response.Status, &k.log)
	}
}

// masks are what differs from run to run, and what the page shows instead.
var masks = []struct {
	varying *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`request_id=\S+`), "request_id=5d1c…"},
	{regexp.MustCompile(`token_sha256=\S+`), "token_sha256=ba78…"},
	{regexp.MustCompile(`remote_addr=\S+`), "remote_addr=192.0.2.1:50312"},
	{regexp.MustCompile(`jti=\S+`), "jti=…"},
	{regexp.MustCompile(`fetched \S+ ago`), "fetched 3s ago"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:8080"},
}

func (k *symptomKit) masked(record string) string {
	record = strings.ReplaceAll(record, k.URL(), "https://login.example.com")
	for _, m := range masks {
		record = m.varying.ReplaceAllString(record, m.shown)
	}
	return steadyTimes(record)
}

var timestamp = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

// steadyTimes moves the times in a record to the same day, and keeps their
// distance to half a minute.
func steadyTimes(record string) string {
	all := timestamp.FindAllString(record, -1)
	if len(all) == 0 {
		return record
	}
	parse := func(text string) time.Time {
		at, _ := time.Parse(time.RFC3339, text) // of the right form
		return at
	}
	noon, first := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), parse(slices.Min(all))
	return timestamp.ReplaceAllStringFunc(record, func(text string) string {
		return noon.Add(parse(text).Sub(first).Round(30 * time.Second)).Format(time.RFC3339)
	})
}

// quiet returns a log for a server whose clients fail on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
