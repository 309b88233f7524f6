package bearergrpc_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// buffer is a bytes.Buffer that several goroutines may use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// take returns what was written since the last time.
func (b *buffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.b.Reset()
	return b.b.String()
}

var answers = []struct {
	name          string
	authorization []string
	route         bearer.RouteConfig
	code          codes.Code // OK: admitted
	status        int        // of the log record
	message       string
	reason        string
	challenge     string // in the whole
	retryAfter    int64
	check         string
	absent        string // what no answer may contain
}{
	{"a good token", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, codes.OK, 200, "", "", "", 0, "", ""},
	// RFC 6750, Section 3.1: "If the request lacks any authentication information …, the resource server SHOULD NOT include an error code".
	{"no token", nil, bearer.RouteConfig{Rule: scope.All("orders:read")}, codes.Unauthenticated, 401, "The request carries no access token.", "MISSING_CREDENTIALS",
		`Bearer realm="api", scope="orders:read"`, 0, "credentials", "error"},
	// Checklist C3.
	{"another scheme", []string{"Basic YTpi"}, bearer.RouteConfig{Rule: scope.None}, codes.Unauthenticated, 401, "The request carries no access token.", "MISSING_CREDENTIALS",
		`Bearer realm="api"`, 0, "credentials", "YTpi"},
	// RFC 9110, Section 5.3; checklist H7.
	{"two values of authorization", []string{"Bearer good", "Bearer good"}, bearer.RouteConfig{Rule: scope.None}, codes.InvalidArgument, 400, "The request must carry one well-formed access token, in one way.", "INVALID_REQUEST",
		`Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`, 0, "Authorization", "good"},
	// Checklist 2.7, CVE-2026-26308: never "first wins".
	{"two tokens in a value", []string{"Bearer good, Bearer good"}, bearer.RouteConfig{Rule: scope.None}, codes.InvalidArgument, 400, "", "INVALID_REQUEST",
		`Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`, 0, "token", "good"},
	{"a forged token", []string{"Bearer forged"}, bearer.RouteConfig{Rule: scope.None}, codes.Unauthenticated, 401, "The access token is invalid.", "INVALID_TOKEN",
		`Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`, 0, "signature", "another"},
	{"an expired token", []string{"bearer expired"}, bearer.RouteConfig{Rule: scope.None}, codes.Unauthenticated, 401, "The access token has expired.", "INVALID_TOKEN",
		`Bearer realm="api", error="invalid_token", error_description="The access token has expired."`, 0, "exp", "hour"},
	{"too little scope", []string{"Bearer poor"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, codes.PermissionDenied, 403, "The access token lacks a scope that the request needs.", "INSUFFICIENT_SCOPE",
		`Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`, 0, "scope", "bob"},
	// RFC 9470, Section 3.
	{"a weak authentication", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"phr"}}}}, codes.Unauthenticated, 401,
		"The request needs a stronger or more recent authentication of the user.", "INSUFFICIENT_USER_AUTHENTICATION",
		`Bearer realm="api", error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user.", acr_values="phr"`, 0, "acr", "alice"},
	// Checklist C6: no challenge.
	{"not the owner", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}}, codes.PermissionDenied, 403, "The request is not allowed.", "FORBIDDEN", "", 0, "role", "alice"},
	// RFC 9110, Section 15.5.4; checklist H9.
	{"hidden", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.Role("admin"))}}, codes.NotFound, 404, "The resource does not exist.", "NOT_FOUND", "", 0, "role", "alice"},
	// RFC 6585, Section 5; checklist C13.
	{"a token that is too long", []string{"Bearer " + strings.Repeat("a", 17<<10)}, bearer.RouteConfig{Rule: scope.None}, codes.InvalidArgument, 431, "The access token is longer than the server accepts.", "TOKEN_TOO_LONG", "", 0, "token length", "aaaa"},
	// RFC 9110, Section 15.6.4; checklist H10, C7: never Unauthenticated.
	{"an outage", []string{"Bearer down"}, bearer.RouteConfig{Rule: scope.None}, codes.Unavailable, 503, "The access token cannot be checked at the moment.", "UNAVAILABLE", "", 7, "verifier", "keys.internal"},
}

// Checklist Part 2: every row of docs/answers.md, for methods of each kind.
func TestAnswers(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			var log buffer
			guard := newGuard(t, bearer.Config{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
			client := serve(t, newInterceptors(t, bearergrpc.Config{Guard: guard, Methods: allMethods(tt.route)}), nil)
			for method, call := range callers {
				header, trailer, err := call(withAuthorization(t, tt.authorization...), client)
				record := log.take()
				if tt.code == codes.OK {
					if err != nil || !slices.Equal(header["subject"], []string{"alice"}) || record != "" {
						t.Errorf("%s: %v, %v, log %s", method, header, err, record)
					}
					continue
				}
				s := status.Convert(err)
				if s.Code() != tt.code || tt.message != "" && s.Message() != tt.message || header["subject"] != nil {
					t.Errorf("%s: %v %v, want %v %q", method, err, header, tt.code, tt.message)
				}
				if challenges := strings.Join(header["www-authenticate"], "|"); challenges != tt.challenge {
					t.Errorf("%s: challenge %q, want %q", method, challenges, tt.challenge)
				}
				checkDetails(t, s, tt.reason, tt.retryAfter)
				checkRetry(t, header, trailer, tt.retryAfter)
				if answer := fmt.Sprint(s.Message(), s.Details(), header, trailer); tt.absent != "" && strings.Contains(answer, tt.absent) {
					t.Errorf("%s: the answer has %q: %s", method, tt.absent, answer)
				}
				if strings.Count(record, "\n") != 1 || !strings.Contains(record, fmt.Sprintf(`"status":%d,`, tt.status)) ||
					!strings.Contains(record, `"check":"`+tt.check+`"`) || !strings.Contains(record, `"method":"POST","path":"`+method+`","remote_addr":"127.0.0.1:`) {
					t.Errorf("%s: record %s", method, record)
				}
			}
		})
	}
}

// checkDetails checks the details of google.rpc.
func checkDetails(t *testing.T, s *status.Status, reason string, retryAfter int64) {
	t.Helper()
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.RetryInfo:
			retry = d
		default:
			t.Errorf("an unknown detail: %v", detail)
		}
	}
	if info.GetReason() != reason || info.GetDomain() != "bearerkit" || info.GetMetadata()["request_id"] != "id-1" {
		t.Errorf("ErrorInfo %v, want reason %s", info, reason)
	}
	if want := map[bool]string{true: "orders:read"}[reason == "INSUFFICIENT_SCOPE"]; info.GetMetadata()["scope"] != want {
		t.Errorf("ErrorInfo %v, want scope %q", info, want)
	}
	if retry.GetRetryDelay().GetSeconds() != retryAfter || (retry == nil) != (retryAfter == 0) {
		t.Errorf("RetryInfo %v, want %d s", retry, retryAfter)
	}
}

// checkRetry checks what clients of gRPC look at before they retry (gRFC A6). They
// retry only if the response has no header metadata.
func checkRetry(t *testing.T, header, trailer metadata.MD, retryAfter int64) {
	t.Helper()
	var want []string
	if retryAfter > 0 {
		want = []string{fmt.Sprint(retryAfter * 1000)}
		if len(header) > 0 {
			t.Errorf("header metadata %v, want none", header)
		}
	}
	if got := trailer["grpc-retry-pushback-ms"]; !slices.Equal(got, want) {
		t.Errorf("pushback %q, want %q", got, want)
	}
}
