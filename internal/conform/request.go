package conform

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Request says how a request differs from a GET of the route with the token in
// Authorization.
type Request struct {
	// Route is main, strict, step-up or optional. Default: main.
	Route string `json:"route"`

	// Method is the method. Default: that of the route.
	Method string `json:"method"`

	// Target is the request target. Default: {path}.
	Target string `json:"target"`

	// Headers are the header lines, in their order, in place of Authorization and
	// DPoP. {authorization} is their usual lines.
	Headers []string `json:"headers"`

	// Body is the body.
	Body string `json:"body"`

	// Certificate is the client certificate: client, other or none. Default: none,
	// unless all tokens of the API are bound to one.
	Certificate string `json:"certificate"`
}

// maxAnswer bounds how much of a body is read, and maxHeader what comes before it.
const (
	maxAnswer = 1 << 20
	maxHeader = 1 << 20
)

// exchange is a request that is ready to be sent.
type exchange struct {
	method  string
	text    []byte // with the header and the body
	client  *tls.Certificate
	secrets []string // tokens and proofs
}

// send sends a request over a connection of its own and reads the answer.
func (t Target) send(ctx context.Context, x exchange) *Answer {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	connection, err := t.dial(ctx, x.client)
	if err != nil {
		return &Answer{Reason: reason(err)}
	}
	defer connection.Close()
	stop := context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	// A server may refuse a request before it has read all of it.
	_, written := connection.Write(x.text)
	response, err := readAnswer(connection, x.method)
	if err != nil {
		return &Answer{Reason: reason(errors.Join(err, written))}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil && len(body) == 0 && x.method != http.MethodHead && response.ContentLength > 0 {
		return &Answer{Reason: reason(err)}
	}
	a := &Answer{Status: response.StatusCode, Header: response.Header, Body: body}
	a.challenges, a.malformed = t.ParseChallenges(response.Header.Values("WWW-Authenticate"))
	return a
}

// readAnswer reads the final response. Interim ones, such as 103 Early Hints, say
// nothing about the token (RFC 9110, Section 15.2).
func readAnswer(connection net.Conn, method string) (*http.Response, error) {
	r := bufio.NewReaderSize(io.LimitReader(connection, maxHeader+maxAnswer), 64<<10)
	for range 10 {
		response, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, err
		}
	}
	return nil, errors.New("more than 10 interim responses")
}

func (t Target) dial(ctx context.Context, client *tls.Certificate) (net.Conn, error) {
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, "tcp", t.Address)
	if err != nil || t.TLS == nil {
		return connection, err
	}
	config := t.TLS.Clone()
	config.NextProtos = []string{"http/1.1"}
	if client != nil {
		// A self-signed certificate is sent whatever authorities the server names.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return client, nil }
	}
	secure := tls.Client(connection, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = connection.Close()
		return nil, err
	}
	return secure, nil
}

// reason returns why there is no answer.
func reason(err error) string {
	if timeout := (net.Error)(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return "timeout"
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return strings.ReplaceAll(err.Error(), "\n", "; ")
}

// text renders the request line, the header and the body.
func (r Request) text(v values, lines []string) ([]byte, error) {
	var b bytes.Buffer
	target, err := v.expand(orText(r.Target, "{path}"))
	if err != nil {
		return nil, err
	}
	body, err := v.expand(r.Body)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", v["method"], target)
	named := map[string]bool{}
	var fields bytes.Buffer
	for _, template := range lines {
		line, err := v.expand(template)
		if err != nil {
			return nil, err
		}
		if line == "" {
			continue
		}
		name, _, _ := strings.Cut(line, ":")
		named[strings.ToLower(name)] = true
		fields.WriteString(line + "\r\n")
	}
	if !named["host"] {
		fmt.Fprintf(&b, "Host: %s\r\n", v["host"])
	}
	if !named["user-agent"] {
		b.WriteString("User-Agent: bearer-conform\r\n")
	}
	if !named["content-length"] && !named["transfer-encoding"] && body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("Connection: close\r\n")
	b.Write(fields.Bytes())
	b.WriteString("\r\n" + body)
	return b.Bytes(), nil
}
