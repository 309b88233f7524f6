package bearermcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// bodies limits the memory that all bodies of an endpoint use, and the part that
// one caller may use: a caller who sends large bodies slowly must not block the
// others.
type bodies struct {
	maxBody               int64
	limit, limitPerCaller int64

	mu       sync.Mutex
	used     int64
	byCaller map[string]int64
}

func (b *bodies) take(caller string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > b.limit || b.byCaller[caller]+n > b.limitPerCaller {
		return false
	}
	b.used += n
	b.byCaller[caller] += n
	return true
}

func (b *bodies) give(caller string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.byCaller[caller] -= n; b.byCaller[caller] == 0 {
		delete(b.byCaller, caller)
	}
}

// A body's buffer starts with firstBuffer bytes and grows by growthFactor, so a
// caller must send data before it occupies more memory.
const (
	firstBuffer  = 4 << 10
	growthFactor = 8
)

// read reads the body of a request into memory. The caller must release it.
func (b *bodies) read(r *http.Request, caller string) (*body, *fault) {
	if r.ContentLength > b.maxBody {
		return nil, errTooLarge
	}
	read := &body{bodies: b, caller: caller}
	if fault := read.fill(r); fault != nil {
		read.release()
		return nil, fault
	}
	_ = r.Body.Close() // fill has read it to the end
	read.unread = bytes.NewReader(read.data)
	return read, nil
}

// body is a request body in memory. It is released when it has been read to the
// end, when it is closed, or by release, whichever happens first.
type body struct {
	bodies *bodies
	caller string
	taken  int64
	data   []byte

	mu     sync.Mutex
	unread *bytes.Reader // nil after the release
}

// fill reads the body of a request to its end.
func (b *body) fill(r *http.Request) *fault {
	for {
		if len(b.data) == cap(b.data) {
			if int64(len(b.data)) > b.bodies.maxBody {
				return errTooLarge
			}
			// The buffer has one byte more than the limit and than Content-Length,
			// to detect a longer body.
			size := min(max(int64(cap(b.data))*growthFactor, firstBuffer), b.bodies.maxBody+1)
			if announced := r.ContentLength + 1; announced > int64(cap(b.data)) {
				size = min(size, announced)
			}
			if !b.grow(size) {
				return errBusy
			}
		}
		n, err := r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		switch {
		case int64(len(b.data)) > b.bodies.maxBody || tooLarge:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return errUnreadable
		}
	}
}

func (b *body) grow(size int64) bool {
	if !b.bodies.take(b.caller, size) {
		return false
	}
	data := make([]byte, len(b.data), size)
	copy(data, b.data)
	b.bodies.give(b.caller, b.taken)
	b.data, b.taken = data, size
	return true
}

func (b *body) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.releaseLocked()
}

func (b *body) releaseLocked() {
	b.bodies.give(b.caller, b.taken)
	b.taken, b.data, b.unread = 0, nil, nil
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unread == nil {
		return 0, io.EOF
	}
	n, err := b.unread.Read(p)
	if b.unread.Len() == 0 {
		b.releaseLocked()
	}
	return n, err
}

func (b *body) Close() error {
	b.release()
	return nil
}
