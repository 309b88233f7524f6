package bearertest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// tryIntrospection returns an error if the connection breaks, where send ends the
// test.
func tryIntrospection(ctx context.Context, issuer *bearertest.Issuer, token string) (answer, error) {
	body := strings.NewReader(url.Values{"token": {token}}.Encode())
	request, err := http.NewRequestWithContext(ctx, "POST", issuer.URL()+"/introspect", body)
	if err != nil {
		return answer{}, err
	}
	request.Header = basic("api", "secret")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := issuer.Client().Do(request)
	if err != nil {
		return answer{}, err
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return answer{response.StatusCode, response.Header, string(document)}, errors.Join(err, response.Body.Close())
}

func TestFaultsOfIntrospection(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	token := issuer.MintOpaque(bearertest.Token{})
	tests := []struct {
		name   string
		fault  bearertest.Fault
		status int
		body   string // the beginning
		err    error
	}{
		{name: "500", fault: bearertest.Fault{Status: 500}, status: 500},
		{name: "429", fault: bearertest.Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, status: 429},
		{name: "HTML", fault: bearertest.Fault{Body: []byte("<html>"), Header: http.Header{"Content-Type": {"text/html"}}}, status: 200, body: "<html>"},
		{name: "duplicate members", fault: bearertest.Fault{Body: []byte(`{"active":false,"active":true}`)}, status: 200, body: `{"active":false,"active":true}`},
		{name: "a body that breaks off", fault: bearertest.Fault{Body: []byte(`{"active":`), Header: http.Header{"Content-Length": {"100"}}}, status: 200, body: `{"active":`, err: io.ErrUnexpectedEOF},
		{name: "an endless body", fault: bearertest.Fault{Endless: true}, status: 200, body: strings.Repeat(" ", 1<<20)},
		{name: "a body that drips", fault: bearertest.Fault{Drip: time.Microsecond}, status: 200, body: `{"active":true,`},
		{name: "a reset", fault: bearertest.Fault{Reset: true}, err: syscall.ECONNRESET},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			issuer.SetFault(bearertest.IntrospectionEndpoint, tt.fault)
			got, err := tryIntrospection(t.Context(), issuer, token)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got the error %v, want %v", err, tt.err)
			}
			if got.status != tt.status || !strings.HasPrefix(got.body, tt.body) {
				t.Errorf("got %d %.100q, want %d %.100q", got.status, got.body, tt.status, tt.body)
			}
			for name, values := range tt.fault.Header {
				if got.header.Get(name) != values[0] {
					t.Errorf("got the header %v", got.header)
				}
			}
		})
	}
}

func TestFaultOfTheFirstRequests(t *testing.T) {
	issuer := newIssuer(t, apiClient)
	issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Reset: true, Times: 2})
	for n := range 4 {
		_, err := tryIntrospection(t.Context(), issuer, "x")
		if errors.Is(err, syscall.ECONNRESET) != (n < 2) {
			t.Errorf("request %d: got the error %v", n+1, err)
		}
	}
	if n := issuer.Requests(bearertest.IntrospectionEndpoint); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
}

func TestFaultsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := apiClient
		c.InMemory = true
		issuer := newIssuer(t, c)
		defer issuer.Client().CloseIdleConnections()

		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Reset: true, Times: 1})
		if _, err := tryIntrospection(t.Context(), issuer, "x"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got the error %v, want a reset", err)
		}
		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Drip: time.Second, Times: 1})
		start := time.Now()
		if got, err := tryIntrospection(t.Context(), issuer, "x"); err != nil || got.body != "{\"active\":false}\n" {
			t.Errorf("got %q, %v", got.body, err)
		}
		if took := time.Since(start); took < 16*time.Second {
			t.Errorf("the body took %v", took)
		}

		issuer.SetFault(bearertest.IntrospectionEndpoint, bearertest.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := tryIntrospection(ctx, issuer, "x"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got the error %v, want the deadline", err)
		}
		synctest.Wait()
		stacks := make([]byte, 1<<20)
		if stacks = stacks[:runtime.Stack(stacks, true)]; bytes.Contains(stacks, []byte("Issuer).faulty")) {
			t.Error("the request hangs on, though its client has given up")
		}
	})
}
