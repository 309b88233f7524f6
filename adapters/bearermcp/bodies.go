package bearermcp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync"
)

// bodies bounds the memory of all bodies that an endpoint holds at the same
// time, and how much of it is for one caller, so that nobody who sends a large
// body slowly keeps the others out.
type bodies struct {
	most, mostOfOne int64
	largest         int64 // of one body

	mu   sync.Mutex
	held int64
	of   map[string]int64 // by caller
}

func (b *bodies) take(owner string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > b.most || b.of[owner]+n > b.mostOfOne {
		return false
	}
	b.held += n
	b.of[owner] += n
	return true
}

func (b *bodies) give(owner string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.of[owner] -= n; b.of[owner] == 0 {
		delete(b.of, owner)
	}
}

const (
	firstPart = 4 << 10
	growth    = 8 // times; a sender has to send before it is given more
)

// read reads the body of a request into memory, which the caller must release.
func (b *bodies) read(r *http.Request, owner string) (*body, *fault) {
	if r.ContentLength > b.largest {
		return nil, errTooLarge
	}
	read := &body{bodies: b, owner: owner}
	if fault := read.fill(r); fault != nil {
		read.release()
		return nil, fault
	}
	_ = r.Body.Close() // it was read to its end
	read.left = bytes.NewReader(read.data)
	return read, nil
}

// body is a body in memory. It is released when it was read to its end, when it
// is closed, or by release, whichever comes first.
type body struct {
	bodies *bodies
	owner  string
	taken  int64
	data   []byte

	mu   sync.Mutex
	left *bytes.Reader // nil when it is released
}

// fill reads the body of a request to its end.
func (b *body) fill(r *http.Request) *fault {
	for {
		if len(b.data) == cap(b.data) {
			if int64(len(b.data)) > b.bodies.largest {
				return errTooLarge
			}
			// One byte more than there may be, and than there should be, tells
			// that this is the end.
			size := min(max(int64(cap(b.data))*growth, firstPart), b.bodies.largest+1)
			if said := r.ContentLength + 1; said > int64(cap(b.data)) {
				size = min(size, said)
			}
			if !b.grow(size) {
				return errBusy
			}
		}
		n, err := r.Body.Read(b.data[len(b.data):cap(b.data)])
		b.data = b.data[:len(b.data)+n]
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		switch {
		case int64(len(b.data)) > b.bodies.largest || tooLarge:
			return errTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return errUnreadable
		}
	}
}

func (b *body) grow(size int64) bool {
	if !b.bodies.take(b.owner, size) {
		return false
	}
	data := make([]byte, len(b.data), size)
	copy(data, b.data)
	b.bodies.give(b.owner, b.taken)
	b.data, b.taken = data, size
	return true
}

func (b *body) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies.give(b.owner, b.taken)
	b.taken, b.data, b.left = 0, nil, nil
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == nil {
		return 0, io.EOF
	}
	n, err := b.left.Read(p)
	if b.left.Len() == 0 {
		b.bodies.give(b.owner, b.taken)
		b.taken, b.data, b.left = 0, nil, nil
	}
	return n, err
}

func (b *body) Close() error {
	b.release()
	return nil
}
