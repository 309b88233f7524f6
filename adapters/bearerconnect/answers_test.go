package bearerconnect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/adapters/bearerconnect"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

type text = wrapperspb.StringValue

// verifier accepts the token "good", and answers others as their names say.
func verifier(_ context.Context, token string) (*bearer.Principal, error) {
	switch token {
	case "good":
		return &bearer.Principal{Subject: "alice", Scopes: scope.Of("orders:read")}, nil
	case "poor":
		return &bearer.Principal{Subject: "bob"}, nil
	case "expired":
		return nil, bearer.Expired("an exp in the future", "an hour ago")
	case "down":
		return nil, bearer.Unavailable(errors.New("dial tcp: keys.internal"), 7*time.Second)
	}
	return nil, bearer.Invalid("signature", "a signature by the issuer", "another")
}

func newGuard(t *testing.T, c bearer.Config) *bearer.Guard {
	t.Helper()
	c.Verifiers = []bearer.Verifier{bearer.VerifierFunc(verifier)}
	c.RequestID = func(*http.Request) string { return "id-1" }
	guard, err := bearer.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return guard
}

// newServer serves procedures of each kind with the same route, on loopback. They
// return the caller's subject.
func newServer(t *testing.T, guard *bearer.Guard, c bearer.RouteConfig) *httptest.Server {
	t.Helper()
	subject := func(ctx context.Context) *text {
		p, _ := bearer.FromContext(ctx)
		return wrapperspb.String(p.Subject)
	}
	mux := http.NewServeMux()
	for path, h := range map[string]http.Handler{
		"/shop.v1.Orders/Unary": connect.NewUnaryHandler("/shop.v1.Orders/Unary", func(ctx context.Context, _ *connect.Request[text]) (*connect.Response[text], error) {
			return connect.NewResponse(subject(ctx)), nil
		}, connect.WithIdempotency(connect.IdempotencyNoSideEffects)),
		"/shop.v1.Orders/Client": connect.NewClientStreamHandler("/shop.v1.Orders/Client", func(ctx context.Context, s *connect.ClientStream[text]) (*connect.Response[text], error) {
			for s.Receive() {
			}
			return connect.NewResponse(subject(ctx)), s.Err()
		}),
		"/shop.v1.Orders/Server": connect.NewServerStreamHandler("/shop.v1.Orders/Server", func(ctx context.Context, _ *connect.Request[text], s *connect.ServerStream[text]) error {
			return s.Send(subject(ctx))
		}),
		"/shop.v1.Orders/Bidi": connect.NewBidiStreamHandler("/shop.v1.Orders/Bidi", func(ctx context.Context, s *connect.BidiStream[text, text]) error {
			if _, err := s.Receive(); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			return s.Send(subject(ctx))
		}),
	} {
		mux.Handle(path, bearerconnect.Protect(guard.MustRoute(c))(h))
	}
	s := httptest.NewUnstartedServer(mux)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// caller calls a procedure of one kind, and returns the subject that the procedure
// saw, and the header fields of the response.
type caller func(ctx context.Context, client *http.Client, url string, header http.Header, o ...connect.ClientOption) (string, http.Header, error)

var callers = map[string]caller{
	"Unary": func(ctx context.Context, client *http.Client, url string, header http.Header, o ...connect.ClientOption) (string, http.Header, error) {
		request := connect.NewRequest(wrapperspb.String("x"))
		setAll(request.Header(), header)
		response, err := connect.NewClient[text, text](client, url, o...).CallUnary(ctx, request)
		if err != nil {
			return "", metadata(err), err
		}
		return response.Msg.GetValue(), response.Header(), nil
	},
	"Client": func(ctx context.Context, client *http.Client, url string, header http.Header, o ...connect.ClientOption) (string, http.Header, error) {
		stream := connect.NewClient[text, text](client, url, o...).CallClientStream(ctx)
		setAll(stream.RequestHeader(), header)
		_ = stream.Send(wrapperspb.String("x")) // CloseAndReceive returns the error
		response, err := stream.CloseAndReceive()
		if err != nil {
			return "", metadata(err), err
		}
		return response.Msg.GetValue(), response.Header(), nil
	},
	"Server": func(ctx context.Context, client *http.Client, url string, header http.Header, o ...connect.ClientOption) (string, http.Header, error) {
		request := connect.NewRequest(wrapperspb.String("x"))
		setAll(request.Header(), header)
		stream, err := connect.NewClient[text, text](client, url, o...).CallServerStream(ctx, request)
		if err != nil {
			return "", metadata(err), err
		}
		defer stream.Close()
		stream.Receive()
		return stream.Msg().GetValue(), stream.ResponseHeader(), stream.Err()
	},
	"Bidi": func(ctx context.Context, client *http.Client, url string, header http.Header, o ...connect.ClientOption) (string, http.Header, error) {
		stream := connect.NewClient[text, text](client, url, o...).CallBidiStream(ctx)
		setAll(stream.RequestHeader(), header)
		_ = stream.Send(wrapperspb.String("x")) // Receive returns the error
		_ = stream.CloseRequest()
		message, err := stream.Receive()
		defer stream.CloseResponse()
		return message.GetValue(), stream.ResponseHeader(), err
	},
}

func setAll(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

func metadata(err error) http.Header {
	if e, ok := errors.AsType[*connect.Error](err); ok {
		return e.Meta()
	}
	return nil
}

var protocols = map[string][]connect.ClientOption{
	"Connect":      nil,
	"Connect JSON": {connect.WithProtoJSON()},
	"gRPC":         {connect.WithGRPC()},
	"gRPC-Web":     {connect.WithGRPCWeb()},
}

var answers = []struct {
	name          string
	authorization []string
	route         bearer.RouteConfig
	code          connect.Code // zero: admitted
	status        int
	message       string
	reason        string
	challenge     string // in the whole
	retryAfter    string
	check         string
	absent        string // what no answer may contain
}{
	{"a good token", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, 0, 200, "", "", "", "", "", ""},
	// RFC 6750, Section 3.1: "If the request lacks any authentication information …, the resource server SHOULD NOT include an error code".
	{"no token", nil, bearer.RouteConfig{Rule: scope.All("orders:read")}, connect.CodeUnauthenticated, 401, "The request carries no access token.", "MISSING_CREDENTIALS",
		`Bearer realm="api", scope="orders:read"`, "", "credentials", "error"},
	{"another scheme", []string{"Basic YTpi"}, bearer.RouteConfig{Rule: scope.None}, connect.CodeUnauthenticated, 401, "The request carries no access token.", "MISSING_CREDENTIALS",
		`Bearer realm="api"`, "", "credentials", "YTpi"},
	{"two Authorization lines", []string{"Bearer good", "Bearer good"}, bearer.RouteConfig{Rule: scope.None}, connect.CodeInvalidArgument, 400, "The request must carry one well-formed access token, in one way.", "INVALID_REQUEST",
		`Bearer realm="api", error="invalid_request", error_description="The request must carry one well-formed access token, in one way."`, "", "Authorization", "good"},
	{"a forged token", []string{"Bearer forged"}, bearer.RouteConfig{Rule: scope.None}, connect.CodeUnauthenticated, 401, "The access token is invalid.", "INVALID_TOKEN",
		`Bearer realm="api", error="invalid_token", error_description="The access token is invalid."`, "", "signature", "another"},
	{"an expired token", []string{"bearer expired"}, bearer.RouteConfig{Rule: scope.None}, connect.CodeUnauthenticated, 401, "The access token has expired.", "INVALID_TOKEN",
		`Bearer realm="api", error="invalid_token", error_description="The access token has expired."`, "", "exp", "hour"},
	{"too little scope", []string{"Bearer poor"}, bearer.RouteConfig{Rule: scope.All("orders:read")}, connect.CodePermissionDenied, 403, "The access token lacks a scope that the request needs.", "INSUFFICIENT_SCOPE",
		`Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`, "", "scope", "bob"},
	{"a weak authentication", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.StepUp{ACR: []string{"phr"}}}}, connect.CodeUnauthenticated, 401,
		"The request needs a stronger or more recent authentication of the user.", "INSUFFICIENT_USER_AUTHENTICATION",
		`Bearer realm="api", error="insufficient_user_authentication", error_description="The request needs a stronger or more recent authentication of the user.", acr_values="phr"`, "", "acr", "alice"},
	{"not the owner", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Role("admin")}}, connect.CodePermissionDenied, 403, "", "FORBIDDEN", "", "", "role", "alice"},
	{"hidden", []string{"Bearer good"}, bearer.RouteConfig{Rule: scope.None, Requirements: []bearer.Requirement{bearer.Hidden(bearer.Role("admin"))}}, connect.CodeNotFound, 404, "", "NOT_FOUND", "", "", "role", "alice"},
	{"a token that is too long", []string{"Bearer " + strings.Repeat("a", 17<<10)}, bearer.RouteConfig{Rule: scope.None}, connect.CodeInvalidArgument, 431, "", "TOKEN_TOO_LONG", "", "", "token length", "aaaa"},
	{"an outage", []string{"Bearer down"}, bearer.RouteConfig{Rule: scope.None}, connect.CodeUnavailable, 503, "", "UNAVAILABLE", "", "7", "verifier", "keys.internal"},
}

// Checklist Part 2: every row of docs/answers.md in every protocol, for procedures
// of every kind.
func TestAnswers(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			s := newServer(t, newGuard(t, bearer.Config{Logger: slog.New(slog.NewJSONHandler(&log, nil))}), tt.route)
			header := http.Header{}
			if tt.authorization != nil {
				header["Authorization"] = tt.authorization
			}
			for protocol, options := range protocols {
				for kind, call := range callers {
					t.Run(protocol+" "+kind, func(t *testing.T) {
						log.Reset()
						ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
						defer cancel()
						got, meta, err := call(ctx, s.Client(), s.URL+"/shop.v1.Orders/"+kind, header, options...)
						if tt.code == 0 {
							if err != nil || got != "alice" || log.Len() > 0 {
								t.Errorf("%q, %v, log %s", got, err, &log)
							}
							return
						}
						e, ok := errors.AsType[*connect.Error](err)
						if !ok || e.Code() != tt.code || tt.message != "" && e.Message() != tt.message {
							t.Fatalf("%q, %v; want %v %q", got, err, tt.code, tt.message)
						}
						if challenges := strings.Join(meta.Values("WWW-Authenticate"), "|"); challenges != tt.challenge {
							t.Errorf("challenge %q, want %q", challenges, tt.challenge)
						}
						if meta.Get("Retry-After") != tt.retryAfter || meta.Get("Cache-Control") != "no-store" {
							t.Errorf("metadata %v", meta)
						}
						// gRFC A6.
						pushback := map[bool]string{true: tt.retryAfter + "000"}[tt.retryAfter != "" && strings.HasPrefix(protocol, "gRPC")]
						if meta.Get("Grpc-Retry-Pushback-Ms") != pushback {
							t.Errorf("metadata %v, want pushback %q", meta, pushback)
						}
						checkDetails(t, e, tt.reason, tt.retryAfter)
						if answer := fmt.Sprint(e.Message(), meta); tt.absent != "" && strings.Contains(answer, tt.absent) {
							t.Errorf("the answer has %q: %s", tt.absent, answer)
						}
						record := log.String()
						if strings.Count(record, "\n") != 1 || !strings.Contains(record, fmt.Sprintf(`"status":%d,`, tt.status)) ||
							!strings.Contains(record, `"check":"`+tt.check+`"`) || !strings.Contains(record, `"path":"/shop.v1.Orders/`+kind+`"`) {
							t.Errorf("record %s", record)
						}
					})
				}
			}
		})
	}
}

// checkDetails checks the details of google.rpc.
func checkDetails(t *testing.T, e *connect.Error, reason, retryAfter string) {
	t.Helper()
	var info *errdetails.ErrorInfo
	var retry *errdetails.RetryInfo
	for _, d := range e.Details() {
		switch value, err := d.Value(); v := value.(type) {
		case *errdetails.ErrorInfo:
			info = v
		case *errdetails.RetryInfo:
			retry = v
		default:
			t.Errorf("detail %v, %v", value, err)
		}
	}
	if info.GetReason() != reason || info.GetDomain() != "bearerkit" || info.GetMetadata()["request_id"] != "id-1" {
		t.Errorf("info %v, want the reason %s", info, reason)
	}
	if want := reason == "INSUFFICIENT_SCOPE"; (info.GetMetadata()["scope"] == "orders:read") != want {
		t.Errorf("info %v", info)
	}
	if (retry != nil) != (retryAfter != "") || retry != nil && fmt.Sprint(retry.GetRetryDelay().GetSeconds()) != retryAfter {
		t.Errorf("retry %v, want %s", retry, retryAfter)
	}
}

// RFC 6585, Section 4: a client that guesses is slowed down.
func TestFailureLimit(t *testing.T) {
	s := newServer(t, newGuard(t, bearer.Config{FailureLimit: &bearer.FailureLimit{Burst: 1, Every: time.Hour}}), bearer.RouteConfig{Rule: scope.None})
	header := http.Header{"Authorization": {"Bearer forged"}}
	for _, want := range []connect.Code{connect.CodeUnauthenticated, connect.CodeResourceExhausted} {
		_, meta, err := callers["Unary"](t.Context(), s.Client(), s.URL+"/shop.v1.Orders/Unary", header, connect.WithGRPC())
		if connect.CodeOf(err) != want || (meta.Get("Retry-After") != "") != (want == connect.CodeResourceExhausted) {
			t.Errorf("%v %v, want %v", err, meta, want)
		}
	}
}

// A Route that no guard has built lets nobody in, and does not panic.
func TestRouteWithoutGuard(t *testing.T) {
	h := bearerconnect.Protect(new(bearer.Route))(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler is called") }))
	for contentType, want := range map[string]struct {
		status int
		body   string
	}{
		"application/json":         {500, `{"code":"internal","details":[`},
		"application/connect+json": {200, "\x02"},
		"application/grpc":         {200, ""},
		"text/plain":               {500, "This route has no guard.\n"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/shop.v1.Orders/Unary", strings.NewReader("{}"))
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Connect-Protocol-Version", "1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want.status || !strings.HasPrefix(w.Body.String(), want.body) || contentType == "application/grpc" && w.Result().Trailer.Get("Grpc-Status") != "13" {
			t.Errorf("%s: %d %q %v", contentType, w.Code, w.Body, w.Header())
		}
	}
}

// A request with JSON gets the guard's own status and challenges, and an error of
// Connect if it says that it is one; otherwise the guard's body. Both are what
// curl shows.
func TestPlainHTTP(t *testing.T) {
	s := newServer(t, newGuard(t, bearer.Config{}), bearer.RouteConfig{Rule: scope.None})
	tests := []struct {
		name, method, query, version, token string
		status                              int
		body                                string // its beginning
	}{
		{"Connect, forged", "POST", "", "1", "forged", 401, `{"code":"unauthenticated","message":"The access token is invalid.","details":[`},
		{"Connect, too long", "POST", "", "1", strings.Repeat("a", 17<<10), 431, `{"code":"invalid_argument"`},
		{"Connect GET, forged", "GET", "?connect=v1&encoding=json&message=%22x%22", "", "forged", 401, `{"code":"unauthenticated"`},
		{"Connect GET, good", "GET", "?connect=v1&encoding=json&message=%22x%22", "", "good", 200, `"alice"`},
		{"JSON, good", "POST", "", "", "good", 200, `"alice"`},
		{"JSON, forged", "POST", "", "", "forged", 401, `{"status":401,"error":"invalid_token",`},
		{"GET, forged", "GET", "", "", "forged", 401, `{"status":401,"error":"invalid_token",`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+"/shop.v1.Orders/Unary"+tt.query, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+tt.token)
			if tt.method == "POST" {
				r.Header.Set("Content-Type", "application/json")
				r.Body = io.NopCloser(strings.NewReader(`"x"`))
			}
			if tt.version != "" {
				r.Header.Set("Connect-Protocol-Version", tt.version)
			}
			res, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != tt.status || !strings.HasPrefix(string(body), tt.body) {
				t.Errorf("%d %s, want %d %s", res.StatusCode, body, tt.status, tt.body)
			}
			if (res.Header.Get("WWW-Authenticate") != "") != (tt.status == 401) {
				t.Errorf("%v", res.Header)
			}
		})
	}
}
