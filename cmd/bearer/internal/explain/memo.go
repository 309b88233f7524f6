package explain

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// memo makes each request once and repeats its answer, so that the explanation and
// the SDK see the same keys. It remembers the requests in order.
type memo struct {
	base http.RoundTripper

	mu      sync.Mutex
	answers map[string]*exchange
	order   []*exchange
}

// exchange is a request with its answer.
type exchange struct {
	url    string
	at     time.Time
	status int
	header http.Header
	body   []byte
	err    error
	done   chan struct{} // closed when the answer is there
}

// RoundTrip implements [http.RoundTripper].
func (m *memo) RoundTrip(r *http.Request) (*http.Response, error) {
	url := r.URL.String()
	m.mu.Lock()
	e, known := m.answers[url]
	if !known {
		e = &exchange{url: url, at: time.Now(), done: make(chan struct{})}
		m.answers[url] = e
		m.order = append(m.order, e)
	}
	m.mu.Unlock()
	if !known {
		e.make(m.base, r)
		close(e.done)
	}
	select {
	case <-e.done:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if e.err != nil {
		return nil, e.err
	}
	return &http.Response{
		StatusCode: e.status, Status: fmt.Sprintf("%d %s", e.status, http.StatusText(e.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: e.header.Clone(), Body: io.NopCloser(bytes.NewReader(e.body)), ContentLength: int64(len(e.body)), Request: r,
	}, nil
}

// CloseIdleConnections closes the connections of the requests.
func (m *memo) CloseIdleConnections() {
	if base, ok := m.base.(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (e *exchange) make(base http.RoundTripper, r *http.Request) {
	response, err := base.RoundTrip(r)
	if err != nil {
		e.err = err
		return
	}
	defer response.Body.Close()
	e.status, e.header = response.StatusCode, response.Header
	e.body, e.err = io.ReadAll(io.LimitReader(response.Body, fetch.MaxBody+1))
}

// exchanges returns the finished exchanges in order.
func (m *memo) exchanges() []*exchange {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.order), func(e *exchange) bool {
		select {
		case <-e.done:
			return false
		default:
			return true
		}
	})
}

// outcome describes the answer in a few words.
func (e *exchange) outcome() string {
	if e.err != nil {
		return (&fetch.TransportError{Err: e.err}).Error()
	}
	return fmt.Sprintf("%d %s", e.status, http.StatusText(e.status))
}

func (e *exchange) request() Request { return Request{URL: weburl.Redact(e.url), Outcome: e.outcome()} }
