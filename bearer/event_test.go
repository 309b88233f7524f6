package bearer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// eventLog collects the log records of a guard and the events of its hook.
type eventLog struct {
	buf    bytes.Buffer
	events []bearer.Event
}

func (l *eventLog) config(c bearer.Config) bearer.Config {
	c.Logger = slog.New(slog.NewJSONHandler(&l.buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c.OnRefusal = func(_ *http.Request, e bearer.Event) { l.events = append(l.events, e) }
	return c
}

func (l *eventLog) reset() { l.buf.Reset(); l.events = nil }

// only returns the single record and the single event.
func (l *eventLog) only(t *testing.T) (map[string]any, bearer.Event) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
	if len(lines) != 1 || lines[0] == "" || len(l.events) != 1 {
		t.Fatalf("%d events, and records:\n%s", len(l.events), l.buf.String())
	}
	var record map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &record); err != nil {
		t.Fatal(err)
	}
	return record, l.events[0]
}

func TestEachRefusalIsOneRecordAndOneEvent(t *testing.T) {
	for _, tt := range answerTests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			config := log.config(bearer.Config{RequestID: func(*http.Request) string { return "id-" + fmt.Sprint(tt.status) }})
			got := serve(newRoute(t, config, tt.route), get(tt.authorization...))
			record, event := log.only(t)
			if record["request_id"] != event.RequestID || !strings.Contains(got.body, `"request_id":"`+event.RequestID+`"`) {
				t.Errorf("request id in log %v, event %q, body %s", record["request_id"], event.RequestID, got.body)
			}
			if event.Status != tt.status || record["status"] != float64(tt.status) || record["code"] != string(event.Code) {
				t.Errorf("status in log %v, event %d; code in log %v, event %s", record["status"], event.Status, record["code"], event.Code)
			}
			if event.Check == "" || record["check"] != event.Check || event.Code == "" {
				t.Errorf("check in log %v, event %q", record["check"], event.Check)
			}
			if event.Method != "GET" || event.Path != "/orders" || record["remote_addr"] != event.RemoteAddr || event.RemoteAddr == "" {
				t.Errorf("event %+v", event)
			}
			level := "INFO"
			if tt.status == 503 {
				level = "WARN"
			}
			if record["level"] != level {
				t.Errorf("level %v, want %s", record["level"], level)
			}
			carries := len(tt.authorization) == 1 && strings.HasPrefix(tt.authorization[0], "Bearer ") && tt.status != 431
			if (event.TokenHash != "") != carries {
				t.Errorf("token hash %q", event.TokenHash)
			}
		})
	}
}

func TestAcceptedRequestsAreNotLogged(t *testing.T) {
	var log eventLog
	config := log.config(bearer.Config{InsecurePassPreflights: true})
	required := newRoute(t, config, bearer.RouteConfig{Rule: scope.All("orders:read"), Requirements: []bearer.Requirement{
		bearer.RequirementFunc(func(*http.Request, *bearer.Principal) error { return nil })}})
	optional := newRoute(t, config, bearer.RouteConfig{Optional: true})
	preflight := get()
	preflight.Method = "OPTIONS"
	preflight.Header.Set("Origin", "https://a.example")
	preflight.Header.Set("Access-Control-Request-Method", "GET")
	for _, got := range []answer{serve(required, get("Bearer good")), serve(optional, get("Bearer good")), serve(optional, get()), serve(required, preflight)} {
		if !got.handedOn {
			t.Errorf("refused with %d", got.status)
		}
	}
	required.Decide(get("Bearer forged"))
	if log.buf.Len() > 0 || len(log.events) > 0 {
		t.Errorf("logged %s, %v", log.buf.String(), log.events)
	}
}

func TestRecordSaysWhatWasExpectedAndGot(t *testing.T) {
	tests := []struct {
		name, authorization  string
		route                bearer.RouteConfig
		check, expected, got string
		code                 bearer.Code
		subject              string
	}{
		{"no token", "Bearer", bearer.RouteConfig{}, "Authorization", "a token after the scheme", "none", bearer.CodeInvalidRequest, ""},
		{"too long", "Bearer " + strings.Repeat("a", 16<<10+1), bearer.RouteConfig{}, "token length", "at most 16384 bytes (Config.MaxTokenBytes)", "16385", bearer.CodeTokenTooLong, ""},
		{"scope", "Bearer good", bearer.RouteConfig{Rule: scope.All("admin")}, "scope", "all of admin", "orders:read profile", bearer.CodeInsufficientScope, "alice"},
		{"audience", "Bearer good", bearer.RouteConfig{Audience: "https://x.example"}, "aud", "https://x.example (RouteConfig.Audience)",
			"https://api.example.com https://other.example.com", bearer.CodeInvalidToken, "alice"},
		{"binding", "Bearer key-bound", bearer.RouteConfig{}, "cnf", "no jkt, since Config.Proofs is not set", "a token bound to a key", bearer.CodeInvalidToken, "alice"},
		{"acr", "Bearer good", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"a", "b"}}}},
			"acr", "one of a b", "none", bearer.CodeInsufficientUserAuth, "alice"},
		{"auth_time", "Bearer good", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{MaxAge: time.Minute}}},
			"auth_time", "within 1m0s", "none", bearer.CodeInsufficientUserAuth, "alice"},
		{"ownership", "Bearer good", bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.SubjectInPath("id")}},
			"subject in path", "a path parameter id", "none", bearer.CodeForbidden, "alice"},
		{"expired", "Bearer expired", bearer.RouteConfig{}, "exp", "a time after now", "an hour ago", bearer.CodeInvalidToken, ""},
		{"outage", "Bearer down", bearer.RouteConfig{}, "verifier", "", "", bearer.CodeUnavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log eventLog
			serve(newRoute(t, log.config(bearer.Config{}), tt.route), get(tt.authorization))
			record, event := log.only(t)
			if event.Check != tt.check || event.Expected != tt.expected || event.Got != tt.got || event.Code != tt.code || event.Subject != tt.subject {
				t.Errorf("got %+v", event)
			}
			if tt.expected != "" && (record["expected"] != tt.expected || record["got"] != tt.got) {
				t.Errorf("got record %v", record)
			}
			if tt.subject != "" && (record["sub"] != "alice" || record["iss"] != alice.Issuer || record["client_id"] != "shop" || record["jti"] != "jti-1") {
				t.Errorf("got record %v", record)
			}
		})
	}
	t.Run("the cause of an outage", func(t *testing.T) {
		var log eventLog
		got := serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{}), get("Bearer down"))
		if record, _ := log.only(t); record["cause"] != "connection refused to 10.0.0.7" || strings.Contains(got.body, "10.0.0.7") {
			t.Errorf("got record %v, body %s", record, got.body)
		}
	})
	t.Run("the cause if a verifier returns nothing", func(t *testing.T) {
		var log eventLog
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, nil)}}), bearer.RouteConfig{}), get("Bearer x"))
		if _, event := log.only(t); event.Cause != "the verifier returned neither a principal nor an error" {
			t.Errorf("got %+v", event)
		}
	})
	t.Run("the token's acr", func(t *testing.T) {
		var log eventLog
		weak := bearer.Principal{Subject: "alice", ACR: "pwd"}
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(&weak, nil)}}),
			bearer.RouteConfig{Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"mfa"}}}}), get("Bearer x"))
		if _, event := log.only(t); event.Got != `"pwd"` {
			t.Errorf("got %+v", event)
		}
	})
}

// Checklist C17, C-3, part 2.8: CVE-2021-34532, CVE-2022-29266, CVE-2023-1584.
func TestNoRecordAndNoAnswerContainsTheToken(t *testing.T) {
	parts := []string{"eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCJ9", "eyJpc3MiOiJodHRwczovL2xvZ2luLmV4YW1wbGUuY29tIn0", "c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0LXRvby0xMjM0NTY3ODkw"}
	token := strings.Join(parts, ".")
	const opaque = "mF_9.B5f-4.1JqM~x+y/z=="
	text := func(token string) string {
		pieces := strings.Split(token, ".")
		return fmt.Sprintf("bad token %s: header %q, payload %s, signature (%s); %.20s…", token, pieces[0], pieces[1], pieces[len(pieces)-1], token)
	}
	verifiers := map[string]bearer.Verifier{
		"invalid": bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			return nil, bearer.Invalid("check "+token, text(token), text(token))
		}),
		"unavailable": bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			return nil, bearer.Unavailable(errors.New(text(token)), 0)
		}),
		"unclassified": bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			return nil, errors.New(strings.Repeat("x ", 100) + text(token))
		}),
		"unrecognized": bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			return nil, bearer.Unrecognized(text(token), text(token), text(token))
		}),
		"cut in the middle": bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
			return nil, errors.New(strings.Repeat("x ", 2040) + token)
		}),
	}
	for name, verifier := range verifiers {
		for _, token := range []string{token, opaque} {
			t.Run(name, func(t *testing.T) {
				var log eventLog
				rt := newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{verifier}, Sources: headerFormQuery}), bearer.RouteConfig{})
				r := get("Bearer " + token)
				r.URL.Path = "/orders/" + token
				r.URL.RawQuery = "secret=in-the-query"
				got := serve(rt, r)
				log.only(t)
				everything := log.buf.String() + fmt.Sprint(log.events) + fmt.Sprint(got.header) + got.body
				needles := append([]string{token, "in-the-query", token[:16], token[len(token)-16:]}, parts...)
				for _, needle := range needles {
					if strings.Contains(everything, needle) {
						t.Errorf("%q is in\n%s", needle, everything)
					}
				}
			})
		}
	}
	// A token that is rejected before a verifier sees it.
	for _, authorization := range [][]string{{"Bearer " + token + " x"}, {"Bearer " + token, "Bearer " + token}, {"Bearer " + token + strings.Repeat("a", 16<<10)}, {"Basic " + token}} {
		var log eventLog
		got := serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{}), get(authorization...))
		log.only(t)
		for _, part := range parts {
			if strings.Contains(log.buf.String()+fmt.Sprint(log.events)+got.body, part) {
				t.Errorf("%q is in %s", part, log.buf.String())
			}
		}
	}
}

func TestTextsOfRecordsAreBounded(t *testing.T) {
	var log eventLog
	long := strings.Repeat("é\xff", 100_000)
	rt := newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, bearer.Invalid("x", long, long))}}), bearer.RouteConfig{})
	r := get("Bearer x")
	r.URL.Path, r.Method = "/"+long, strings.Repeat("M", 5000)
	serve(rt, r)
	log.only(t)
	if n := log.buf.Len(); n > 8<<10 {
		t.Errorf("the record has %d bytes", n)
	}
}

// A text is cut after 256 bytes, and a cause after 768.
func TestTextsOfRecordsAreCut(t *testing.T) {
	cut := func(n, most int) string {
		if n > most {
			return strings.Repeat("x", most) + "…"
		}
		return strings.Repeat("x", n)
	}
	// A cut shows, even where a word ends.
	for _, text := range []string{strings.Repeat("x", 257), strings.Repeat("x", 256) + " y", strings.Repeat("x", 255) + " y"} {
		var log eventLog
		e := bearer.Invalid("check", "", text)
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, e)}}), bearer.RouteConfig{}), get("Bearer token"))
		if _, event := log.only(t); event.Got != text[:256]+"…" {
			t.Errorf("%q became %q", text, event.Got)
		}
	}
	for _, n := range []int{1, 255, 256, 257, 767, 768, 769} {
		var log eventLog
		text := strings.Repeat("x", n)
		e := bearer.Invalid("check", text, text)
		e.Err = errors.New(text)
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, e)}}), bearer.RouteConfig{}), get("Bearer token"))
		record, event := log.only(t)
		if want := cut(n, 256); event.Got != want || event.Expected != want || event.Cause != cut(n, 768) {
			t.Errorf("%d bytes: got %d, expected %d, cause %d", n, len(event.Got), len(event.Expected), len(event.Cause))
		}
		for name, value := range record {
			if value == "" {
				t.Errorf("the record has an empty %s", name)
			}
		}
	}
}

// Part 2.4: with a token of 16 KiB and a path of many words that are in the
// token, or almost, scrubbing does not search for every word: ten times the
// words take about as long.
func TestScrubbingIsBounded(t *testing.T) {
	rt := newRoute(t, bearer.Config{OnRefusal: func(*http.Request, bearer.Event) {}}, bearer.RouteConfig{})
	r, w := get("Bearer "+strings.Repeat("a", 16<<10)), &discardWriter{header: http.Header{}}
	for name, word := range map[string]string{"nearly in the token": "aaaaaaaaaaab@", "in the token": "aaaaaaaaaaaa@"} {
		least := func(words int) time.Duration {
			r.URL.Path = "/" + strings.Repeat(word, words)
			least := time.Hour
			for range 50 {
				start := time.Now()
				rt.Admit(w, r)
				least = min(least, time.Since(start))
			}
			return least
		}
		if few, many := least(30), least(300); many > 4*few {
			t.Errorf("%s: 30 words take %v, 300 take %v", name, few, many)
		}
		if got := allocated(func() { rt.Admit(w, r) }); got > 20<<10 {
			t.Errorf("%s: %d bytes allocated", name, got)
		}
	}
}

// Part 2.8: the log shows no part of a token with twelve characters or more,
// between whatever characters the part stands.
func TestPartsOfTokensAreScrubbed(t *testing.T) {
	const token = "abcdefghijklmnopqrstuvwxyz.0123456789ABCDEFGHIJ"
	for _, tt := range []struct{ text, want string }{
		{"abcdefghijk", "abcdefghijk"}, // eleven
		{"abcdefghijkl", "[token]"},
		{"<cdefghijklmno>", "<[token]>"},
		{"a cdefghijklmno b", "a [token] b"},
		{"name.cdefghijklmno", "name.[token]"},
		{"cdefghijklmno.name", "[token].name"},
		{"xyz.012345678", "[token]"},
		{"cdefghijklmnoX", "cdefghijklmnoX"}, // not a part of the token
		{token, "[token]"},
		{token + "," + token, "[token],[token]"},
	} {
		var log eventLog
		e := bearer.Invalid("check", "a", tt.text)
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, e)}}), bearer.RouteConfig{}), get("Bearer "+token))
		if _, event := log.only(t); event.Got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, event.Got, tt.want)
		}
	}
	for token, want := range map[string]string{"abcdefghijk": "xabcdefghijkx", "abcdefghijkl": "x[token]x"} {
		var log eventLog
		e := bearer.Invalid("check", "a", "x"+token+"x")
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{answering(nil, e)}}), bearer.RouteConfig{}), get("Bearer "+token))
		if _, event := log.only(t); event.Got != want {
			t.Errorf("a token of %d characters: %q, want %q", len(token), event.Got, want)
		}
	}
}

// C16, part 2.8: a token that is a letter, or a part of the guard's own words,
// does not garble the record. A short token that is quoted is still removed.
func TestShortTokensDoNotGarbleTheRecord(t *testing.T) {
	quoting := bearer.VerifierFunc(func(_ context.Context, token string) (*bearer.Principal, error) {
		return nil, bearer.Invalid("signature", "one by the key of the issuer", "token "+token+": another")
	})
	for _, token := range []string{"e", "sig", "nature", "s=", "Zx9/_~3.q=="} {
		var log eventLog
		serve(newRoute(t, log.config(bearer.Config{Verifiers: []bearer.Verifier{quoting}}), bearer.RouteConfig{}), get("Bearer "+token))
		_, event := log.only(t)
		bare := strings.TrimRight(token, "=")
		got := "token [token]" + token[len(bare):] + ": another"
		if event.Check != "signature" || event.Expected != "one by the key of the issuer" || event.Got != got {
			t.Errorf("token %q: %+v", token, event)
		}
	}
	var log eventLog
	r := get("Bearer ===")
	r.URL.Path = "/a, b"
	serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{}), r)
	if _, event := log.only(t); event.Check != "token" || event.Expected != "a token68" || event.Path != "/a, b" {
		t.Errorf("token ===: %+v", event)
	}
}

// A text with line breaks or escape sequences stays in one record.
func TestRecordsCannotBeForged(t *testing.T) {
	var log eventLog
	r := get("Bearer forged")
	r.URL.Path = "/x\n{\"level\":\"INFO\",\"msg\":\"forged\"}\r\n\x1b[2J"
	serve(newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{}), r)
	log.only(t)
}

func TestHookRunsBeforeTheAnswer(t *testing.T) {
	w := &discardWriter{header: http.Header{}}
	called := 0
	rt := newRoute(t, bearer.Config{OnRefusal: func(r *http.Request, e bearer.Event) {
		called++
		if w.status != 0 || r.URL.Path != "/orders" || e.Status != 401 {
			t.Errorf("called with %s, %+v after status %d", r.URL.Path, e, w.status)
		}
	}}, bearer.RouteConfig{})
	if _, ok := rt.Admit(w, get()); ok || called != 1 || w.status != 401 {
		t.Errorf("called %d times, status %d", called, w.status)
	}
}

func TestTokenHashIsShortAndTheSameForOneToken(t *testing.T) {
	var log eventLog
	rt := newRoute(t, log.config(bearer.Config{}), bearer.RouteConfig{})
	for _, token := range []string{"forged", "expired", "forged"} {
		serve(rt, get("Bearer "+token))
	}
	hash := log.events[0].TokenHash
	if len(hash) != 16 || log.events[2].TokenHash != hash || log.events[1].TokenHash == hash {
		t.Errorf("hashes %q, %q, %q", hash, log.events[1].TokenHash, log.events[2].TokenHash)
	}
}
