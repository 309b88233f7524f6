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
	read  kind = iota
	write      // may be refused by a Redis that can be read
	burn       // the same, and does not heed the circuit
	judge      // a read that does not heed it
)

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

	switch {
	case err == nil:
		// What does not heed the circuit may succeed amid failures, and the
		// log would tell of each.
		if (k != burn && k != judge || c.circuit.rested()) && c.circuit.close() {
			c.commands.ended()
		}
		return nil
	case c.isClosed():
		return errClosed
	case k != read && k != judge && isReply(err):
		// A Redis that keeps nothing more, or is a replica, can still be read.
		err = c.explain(err)
		c.refusals.failed(err)
		return err
	case ctx.Err() != nil && time.Since(began) < c.timeout/2:
		// The caller's patience says nothing about Redis.
		return c.explain(err)
	default:
		c.circuit.open()
		err = c.explain(err)
		c.commands.failed(err)
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
