package bearerredis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

type kind int

const (
	read kind = iota
	keeping
	forgetting
	burn   // does not heed the circuit, nor do those below
	change // of a deny list
	judge  // a read
	kinds
)

// reads reports whether a call changes nothing. Other calls may be refused by a
// Redis that can be read.
func (k kind) reads() bool { return k == read || k == judge }

// heeds reports whether a call is made only if the circuit lets it.
func (k kind) heeds() bool { return k < burn }

// run does what is asked of Redis, within the timeout, and tells the circuit
// and the log how it went.
func (c *Cache) run(ctx context.Context, k kind, do func(context.Context) error) error {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	err := attempt(bounded, do)
	// Idle connections to a Redis that was restarted are dead, and over TLS
	// the client cannot see it. Each costs one try, and all commands can be
	// repeated; see Burn for what that tells.
	for try := 1; try < c.tries && isStale(err) && bounded.Err() == nil && !c.isClosed(); try++ {
		err = attempt(bounded, do)
	}

	why := reasonOf(err)
	switch {
	case err == nil:
		// What does not heed the circuit may succeed amid failures, and the
		// log would tell of each.
		if (k.heeds() || c.circuit.rested()) && c.circuit.close() {
			c.commands.ended()
		}
		if !k.reads() {
			c.refusals[k].ended()
		}
		return nil
	case c.isClosed():
		return errClosed
	case !k.reads() && isReply(err) && (why == nil || !why.reads):
		// A Redis that keeps nothing more, or is a replica, can still be read.
		err = c.explain(err)
		c.refusals[k].failed(err, why)
		return err
	case ctx.Err() != nil && time.Since(began) < c.timeout/2:
		// The caller's patience says nothing about Redis.
		return c.explain(err)
	default:
		c.circuit.open()
		if why == nil && isReply(err) {
			why = &unknownReason
		}
		err = c.explain(err)
		c.commands.failed(err, why)
		return err
	}
}

// attempt takes a panic of the client for what it is: it trusts that a server
// keeps to the protocol, and what listens at an address may be none.
func attempt(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errNotInFormat
		}
	}()
	return do(ctx)
}

func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// isStale reports whether a connection broke that had been made before.
func isStale(err error) bool {
	var dial *dialError
	if err == nil || errors.As(err, &dial) {
		return false
	}
	for _, broken := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return false
}

// explain returns err as it may be seen: a server that does not know a command
// answers with its arguments, and those of HELLO and AUTH hold the password.
func (c *Cache) explain(err error) error {
	if isReply(err) {
		text, _, _ := strings.Cut(err.Error(), ", with args")
		return errors.New("bearerredis: Redis answers: " + c.redact.Replace(text))
	}
	return fmt.Errorf("bearerredis: %w", err)
}
