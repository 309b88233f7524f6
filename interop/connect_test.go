package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/bearerkit/bearerkit/adapters/bearerconnect"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// The procedures of the Connect server.
const (
	connectUnary  = "/shop.v1.Orders/Count"
	connectStream = "/shop.v1.Orders/Watch"
)

// newConnectServer serves two procedures of Connect over TLS.
func newConnectServer(t *testing.T, verifier bearer.VerifierFunc) *httptest.Server {
	t.Helper()
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{verifier}})
	if err != nil {
		t.Fatal(err)
	}
	subject := func(ctx context.Context) *wrapperspb.StringValue {
		p, _ := bearer.FromContext(ctx)
		return wrapperspb.String(p.Subject)
	}
	protect := bearerconnect.Require(guard, scope.All("orders:read"))
	mux := http.NewServeMux()
	mux.Handle(connectUnary, protect(connect.NewUnaryHandler(connectUnary, func(ctx context.Context, _ *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
		return connect.NewResponse(subject(ctx)), nil
	})))
	mux.Handle(connectStream, protect(connect.NewServerStreamHandler(connectStream, func(ctx context.Context, _ *connect.Request[wrapperspb.StringValue], s *connect.ServerStream[wrapperspb.StringValue]) error {
		return s.Send(subject(ctx))
	})))
	s := httptest.NewUnstartedServer(mux)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// connectAnswers are the answers of that server, by token.
var connectAnswers = []struct {
	token      string // empty: none
	status     int
	code       codes.Code
	challenge  string
	retryAfter string
	reason     string
}{
	{"good", 200, codes.OK, "", "", ""},
	{"", 401, codes.Unauthenticated, `Bearer realm="api", scope="orders:read"`, "", "MISSING_CREDENTIALS"},
	{"forged", 401, codes.Unauthenticated, `Bearer realm="api", error="invalid_token", error_description="The access token is invalid.", scope="orders:read"`, "", "INVALID_TOKEN"},
	{"poor", 403, codes.PermissionDenied, `Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a scope that the request needs.", scope="orders:read"`, "", "INSUFFICIENT_SCOPE"},
	{"down", 503, codes.Unavailable, "", "7", "UNAVAILABLE"},
}

// connectCallers call a procedure with grpc-go.
var connectCallers = map[string]func(context.Context, *grpc.ClientConn) (got *wrapperspb.StringValue, header, trailer metadata.MD, err error){
	"unary": func(ctx context.Context, conn *grpc.ClientConn) (got *wrapperspb.StringValue, header, trailer metadata.MD, err error) {
		got = new(wrapperspb.StringValue)
		err = conn.Invoke(ctx, connectUnary, wrapperspb.String("x"), got, grpc.Header(&header), grpc.Trailer(&trailer))
		return got, header, trailer, err
	},
	"stream": func(ctx context.Context, conn *grpc.ClientConn) (got *wrapperspb.StringValue, header, trailer metadata.MD, err error) {
		got = new(wrapperspb.StringValue)
		s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, connectStream)
		if err != nil {
			return nil, nil, nil, err
		}
		if err := errors.Join(s.SendMsg(wrapperspb.String("x")), s.CloseSend()); err != nil {
			return nil, nil, nil, err
		}
		err = s.RecvMsg(got)
		header, headerErr := s.Header()
		return got, header, s.Trailer(), errors.Join(err, headerErr)
	},
}

// Issue 15: a client of grpc-go, and Connect's handlers behind bearerconnect.
func TestConnectWithGRPC(t *testing.T) {
	s := newConnectServer(t, gatewayTokens)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, tt := range connectAnswers {
		for name, call := range connectCallers {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			if tt.token != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+tt.token)
			}
			got, header, trailer, err := call(ctx, conn)
			cancel()
			if status.Code(err) != tt.code || tt.code == codes.OK && got.GetValue() != "alice" {
				t.Errorf("%s, %q: %v %v, want %v", name, tt.token, got, err, tt.code)
			}
			if strings.Join(header["www-authenticate"], "|") != tt.challenge || strings.Join(trailer["retry-after"], "|") != tt.retryAfter {
				t.Errorf("%s, %q: %v %v, want %s", name, tt.token, header, trailer, tt.challenge)
			}
			// gRFC A6: an answer that clients retry has nothing but trailers.
			if pushback := map[bool]string{true: "7000"}[tt.retryAfter != ""]; strings.Join(trailer["grpc-retry-pushback-ms"], "|") != pushback || pushback != "" && len(header) > 0 {
				t.Errorf("%s, %q: %v %v, want pushback %q", name, tt.token, header, trailer, pushback)
			}
			if details := status.Convert(err).Details(); tt.reason != "" && !slices.ContainsFunc(details, func(d any) bool {
				info, ok := d.(*errdetails.ErrorInfo)
				return ok && info.GetReason() == tt.reason
			}) {
				t.Errorf("%s, %q: details %v, want %s", name, tt.token, details, tt.reason)
			}
		}
	}
}

// gRFC A6: a client of grpc-go with a retry policy waits as long as the refusal says,
// and calls again.
func TestConnectRetries(t *testing.T) {
	t.Parallel()
	const policy = `{"methodConfig":[{"name":[{}],"retryPolicy":{"maxAttempts":2,"initialBackoff":"0.001s","maxBackoff":"0.001s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`
	var asked atomic.Int32
	s := newConnectServer(t, func(ctx context.Context, token string) (*bearer.Principal, error) {
		if asked.Add(1)%2 == 1 {
			return nil, bearer.Unavailable(errors.New("keys"), time.Second)
		}
		return gatewayTokens(ctx, token)
	})
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	conn, err := grpc.NewClient(s.Listener.Addr().String(), grpc.WithDefaultServiceConfig(policy),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for name, call := range connectCallers {
		ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer good"), 20*time.Second)
		before, began := asked.Load(), time.Now()
		got, _, _, err := call(ctx, conn)
		cancel()
		if took := time.Since(began); err != nil || got.GetValue() != "alice" || asked.Load() != before+2 || took < time.Second {
			t.Errorf("%s: %v %v after %v and %d attempts, want alice after 1s and 2", name, got, err, took, asked.Load()-before)
		}
	}
}

// Issue 15: curl, over HTTP/2 and TLS, with Connect's unary protocol in JSON and in
// its binary encoding.
func TestConnectWithCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		leftOut(t, "Connect was NOT tested with curl: %v; to include it, install curl 7.55 or later", err)
	}
	s := newConnectServer(t, gatewayTokens)
	authority := writePEM(t, "CERTIFICATE", s.Certificate().Raw)
	for name, encoding := range map[string]struct{ mediaType, question, answer string }{
		"JSON":   {"application/json", `"x"`, `"alice"`},
		"binary": {"application/proto", "\x0a\x01x", "\x0a\x05alice"},
	} {
		for _, tt := range connectAnswers {
			fields := []string{"Content-Type: " + encoding.mediaType, "Connect-Protocol-Version: 1"}
			if tt.token != "" {
				fields = append(fields, "Authorization: Bearer "+tt.token)
			}
			line, header, body := curlHTTP2(t, authority, s.URL+connectUnary, encoding.question, fields)
			if line != fmt.Sprintf("HTTP/2 %d", tt.status) {
				t.Errorf("%s, %q: %q, want %d", name, tt.token, line, tt.status)
			}
			if strings.Join(header["Www-Authenticate"], "|") != tt.challenge || header.Get("Retry-After") != tt.retryAfter {
				t.Errorf("%s, %q: %v, want %s", name, tt.token, header, tt.challenge)
			}
			if tt.status == 200 && body != encoding.answer {
				t.Errorf("%s: %q, want %q", name, body, encoding.answer)
			}
			if tt.status != 200 && !strings.HasPrefix(body, `{"code":"`+connect.Code(tt.code).String()+`","message":"`) {
				t.Errorf("%s, %q: %s", name, tt.token, body)
			}
		}
	}
}

func curlHTTP2(t *testing.T, authority, url, question string, fields []string) (line string, header http.Header, body string) {
	t.Helper()
	args := []string{"--silent", "--show-error", "--include", "--max-time", "20", "--noproxy", "*", "--http2", "--cacert", authority, "--data-binary", "@-"}
	for _, field := range fields {
		args = append(args, "--header", field)
	}
	cmd := exec.CommandContext(t.Context(), "curl", append(args, url)...)
	cmd.Stdin = strings.NewReader(question)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("curl: %v", err)
	}
	// ReadResponse does not know the status line of HTTP/2.
	line, rest, _ := strings.Cut(string(out), "\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append([]byte("HTTP/1.1 200 OK\r\n"), rest...))), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), answer.Header, string(read)
}
