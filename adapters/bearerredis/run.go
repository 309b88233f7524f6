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

// operation is the purpose of a call to Redis.
type operation int

const (
	getValue operation = iota
	setValue
	forgetValue
	burnProof
	changeDenials
	readDenials
)

// reads reports whether the operation only reads. Redis may serve reads while it
// refuses all other operations.
func (o operation) reads() bool { return o == getValue || o == readDenials }

// bypassesCircuit reports whether the operation runs at any time, and often,
// while the circuit is open. A forgetValue does so too, but is rare.
func (o operation) bypassesCircuit() bool { return o >= burnProof }

// run calls do within the timeout, and reports the result to the circuit and the
// log.
func (c *Client) run(ctx context.Context, op operation, do func(context.Context) error) error {
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	err := attempt(bounded, do)
	// After a restart of Redis all idle connections are dead, and over TLS the
	// go-redis client does not notice. Each dead connection costs one try. Every
	// operation can be repeated; Burn handles the repetition itself.
	for try := 1; try < c.tries && isStale(err) && bounded.Err() == nil && !c.isClosed(); try++ {
		err = attempt(bounded, do)
	}

	if err != nil {
		c.refresh(ctx)
	}
	why := reasonOf(err)
	switch {
	case err == nil:
		c.succeeded(op)
		return nil
	case c.isClosed():
		return errClosed
	case !op.reads() && isReply(err) && (why == nil || !why.stopsReads):
		// Redis refuses the change, but can still be read.
		err = c.explain(err)
		c.logs.refusals[op].failed(err, why)
		return err
	case ctx.Err() != nil && time.Since(began) < c.timeout/2:
		// The caller gave up early, which says nothing about Redis.
		return c.explain(err)
	default:
		c.circuit.open()
		if why == nil && isReply(err) {
			why = &unknownReason
		}
		err = c.explain(err)
		c.logs.outage.failed(err, why)
		return err
	}
}

func (c *Client) succeeded(op operation) {
	// An operation that bypasses the circuit can succeed between failures.
	// Waiting keeps the log from reporting each of these successes.
	if (!op.bypassesCircuit() || c.circuit.rested()) && c.circuit.close() {
		c.logs.outage.recovered()
	}
	if c.cluster != nil && !c.circuit.isOpen() {
		// With a node down, failures and successes alternate. The journal waits
		// until nothing has failed for a while.
		c.logs.outage.recovered()
	}
	if !op.reads() {
		c.logs.refusals[op].recovered()
	}
}

// refresh asks the Cluster or the Sentinels in the background which servers are
// masters now. A failover may be the cause of a failure.
func (c *Client) refresh(ctx context.Context) {
	switch {
	case c.isClosed():
	case c.cluster != nil:
		c.cluster.ReloadState(ctx)
	case c.watched != nil:
		c.watched.refresh()
	}
}

// attempt calls do and turns a panic into an error: go-redis panics on some
// replies that violate the protocol, and the server may not be a Redis at all.
func attempt(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if recover() != nil {
			err = errProtocol
		}
	}()
	return do(ctx)
}

func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// isStale reports whether an established connection broke.
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

// explain removes secrets from err: a server that does not know a command quotes
// its arguments, and the arguments of HELLO and AUTH contain the password.
func (c *Client) explain(err error) error {
	if isReply(err) {
		text, _, _ := strings.Cut(err.Error(), ", with args")
		return errors.New("bearerredis: Redis replied: " + c.secrets.Replace(text))
	}
	return fmt.Errorf("bearerredis: %w", err)
}
