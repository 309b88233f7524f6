package bearerkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// docs/operating.md lists the fields of the log record of a refusal, in order and
// with their kinds. Programs search for these names, so none may be renamed or
// removed.
func TestLogRecords(t *testing.T) {
	var want, kinds []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)` \\| (number|string) \\|").FindAllStringSubmatch(read(t, "docs/operating.md"), -1) {
		want, kinds = append(want, row[1]), append(kinds, row[2])
	}
	if stable := []string{
		"status", "code", "check", "expected", "got", "cause", "hint", "request_id", "method", "path", "remote_addr",
		"iss", "sub", "client_id", "jti", "claimed_iss", "claimed_kid", "token_sha256",
	}; !slices.Equal(want, stable) {
		t.Errorf("docs/operating.md lists\n%q, want\n%q", want, stable)
	}
	for _, tt := range []struct {
		code  bearer.Code
		level string
	}{
		{bearer.CodeInvalidToken, "INFO"}, {bearer.CodeUnavailable, "WARN"},
	} {
		record := refusalRecord(t, &bearer.Error{
			Code: tt.code, Check: "check", Expected: "this", Got: "that", Hint: "do this", Err: errors.New("cause"),
			ClaimedIssuer: "https://login.example.com", ClaimedKeyID: "key",
			Principal: &bearer.Principal{Issuer: "https://login.example.com", Subject: "alice", ClientID: "app", TokenID: "id"},
		})
		if record["msg"] != "request refused" || record["level"] != tt.level {
			t.Errorf("%s: %v", tt.code, record)
		}
		for _, standard := range []string{"time", "level", "msg"} {
			delete(record, standard)
		}
		if got := slices.Sorted(maps.Keys(record)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: the record has\n%q, docs/operating.md\n%q", tt.code, got, want)
		}
		for i, field := range want {
			if _, isNumber := record[field].(float64); isNumber != (kinds[i] == "number") {
				t.Errorf("%s is a %T", field, record[field])
			}
		}
	}
	// Only known facts are in a record.
	if record := refusalRecord(t, bearer.Invalid("check", "", "")); record["iss"] != nil || record["cause"] != nil {
		t.Errorf("%v has empty fields", record)
	}
}

// refusalRecord returns the record of a request whose token a verifier refuses.
func refusalRecord(t *testing.T, refusal *bearer.Error) map[string]any {
	t.Helper()
	var log bytes.Buffer
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return nil, refusal })},
		Logger:    slog.New(slog.NewJSONHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/orders?secret", nil)
	r.Header.Set("Authorization", "Bearer token")
	guard.MustRoute(bearer.RouteConfig{Rule: scope.None}).Admit(httptest.NewRecorder(), r)
	record := map[string]any{}
	if err := json.Unmarshal(log.Bytes(), &record); err != nil {
		t.Fatalf("%v in %s", err, &log)
	}
	return record
}
