package denylist_test

import (
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
)

// A MaxTokenLife without its unit, such as 3600, would end entries too early. One
// that overflows would make every event too old to matter.
func TestMaxTokenLife(t *testing.T) {
	for _, tt := range []struct {
		life    time.Duration
		allowed bool
	}{
		{0, false}, {3600, false}, {time.Second - 1, false}, {time.Second, true}, {87600 * time.Hour, true},
		{87600*time.Hour + 1, false}, {math.MaxInt64, false},
	} {
		_, err := denylist.NewReceiver(denylist.ReceiverConfig{
			Verifier: says(func(string) (*bearer.SecurityEvent, error) { return nil, bearer.ErrUnrecognized }), List: neverChanged{t}, Audience: []string{client}, MaxTokenLife: tt.life,
		})
		if (err == nil) != tt.allowed || err != nil && !strings.Contains(err.Error(), "MaxTokenLife is "+tt.life.String()+"; want ") {
			t.Errorf("%v: %v", tt.life, err)
		}
	}
	s := newSite(t, func(c *denylist.ReceiverConfig) { c.MaxTokenLife = 87600 * time.Hour })
	check(t, "the longest", s.post(s.logoutToken(members{"sid": "s-1"})), http.StatusOK, "")
	if !s.denied(t, bearer.Principal{SessionID: "s-1"}) {
		t.Error("with the longest MaxTokenLife, an event denies nothing")
	}
}

// An issuer's long sub or sid denies the tokens that have it, and no others, but
// does not fill the memory.
func TestLongValues(t *testing.T) {
	list := newMemory(t, denylist.MemoryConfig{})
	until := time.Now().Add(time.Hour)
	long := func(n, length int) string { s := strconv.Itoa(n); return s + strings.Repeat("x", length-len(s)) }
	for _, length := range []int{127, 128, 129, 16 << 10} {
		e := denylist.Entry{Issuer: "i", SessionID: long(1, length), Until: until}
		denied := func(p bearer.Principal) bool {
			p.Issuer = "i"
			is, err := list.Denied(t.Context(), &p)
			return is && err == nil
		}
		if err := list.Deny(t.Context(), e); err != nil || !denied(bearer.Principal{SessionID: e.SessionID}) {
			t.Errorf("%d bytes: %v, or not denied", length, err)
		}
		if denied(bearer.Principal{SessionID: long(2, length)}) || denied(bearer.Principal{Subject: e.SessionID}) || denied(bearer.Principal{SessionID: e.SessionID + "x"}) {
			t.Errorf("%d bytes: another value is denied", length)
		}
		if err := list.Lift(t.Context(), e); err != nil || denied(bearer.Principal{SessionID: e.SessionID}) {
			t.Errorf("%d bytes: %v, or still denied after Lift", length, err)
		}
	}
	used := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	const entries = 2000
	before := used()
	for n := range entries {
		if err := list.Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: long(n, 16<<10), Until: until}); err != nil {
			t.Fatal(err)
		}
	}
	if each := (int64(used()) - int64(before)) / entries; each > 1000 {
		t.Errorf("an entry with a long subject takes %d bytes", each)
	}
	runtime.KeepAlive(list)
}

// oneConnection is a listener with one connection.
type oneConnection struct {
	net.Conn
	given chan struct{} // has a value until the connection was accepted
	done  chan struct{} // closed by Close
}

func (l *oneConnection) Accept() (net.Conn, error) {
	select {
	case <-l.given:
		return l.Conn, nil
	case <-l.done:
		return nil, http.ErrServerClosed
	}
}

func (l *oneConnection) Close() error   { close(l.done); return nil }
func (l *oneConnection) Addr() net.Addr { return l.LocalAddr() }

// A sender that stops, or that drips bytes without end, loses its connection after 10 s,
// even if the server has no timeouts. It does so whether its request is refused
// before or after the body was read.
func TestSlowSenders(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, head := range map[string]string{
		"a form":          "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: " + form + "\r\nTransfer-Encoding: chunked\r\n\r\n",
		"another type":    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n",
		"another method":  "PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: " + form + "\r\nTransfer-Encoding: chunked\r\n\r\n",
		"a length of 9":   "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: " + form + "\r\nContent-Length: 9\r\n\r\n",
		"a push, dripped": "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/secevent+jwt\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func(c *denylist.ReceiverConfig) { c.List = neverChanged{t} })
			synctest.Test(t, func(t *testing.T) { sendSlowly(t, s, head) })
		})
	}
}

func sendSlowly(t *testing.T, s *site, head string) {
	sender, conn := net.Pipe()
	listener := &oneConnection{Conn: conn, given: make(chan struct{}, 1), done: make(chan struct{})}
	listener.given <- struct{}{}
	server := &http.Server{Handler: s}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	begin := time.Now()
	var writer sync.WaitGroup
	writer.Go(func() {
		_, err := sender.Write([]byte(head))
		for chunked := strings.Contains(head, "chunked"); chunked && err == nil && time.Since(begin) < time.Hour; {
			<-time.After(time.Second)
			_, err = sender.Write([]byte("1\r\na\r\n"))
		}
	})
	buffer := make([]byte, 4096)
	for {
		if _, err := sender.Read(buffer); err != nil {
			break
		}
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("the connection was open for %v", took)
	}
	_ = sender.Close()
	writer.Wait()
}

// The deadline for the body does not end the work on an event.
func TestDeadlineEndsWithTheBody(t *testing.T) {
	s := newSite(t, nil)
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := request("application/x-www-form-urlencoded", "logout_token="+s.logoutToken(members{"sid": "s-1"}))
	s.ServeHTTP(w, r)
	if len(w.set) != 2 || w.set[0].IsZero() || !w.set[1].IsZero() || w.Code != http.StatusOK {
		t.Errorf("status %d, deadlines %v; want one deadline, and then none", w.Code, w.set)
	}
}

// deadlines records the read deadlines that a handler sets.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.set = append(d.set, t)
	return nil
}
