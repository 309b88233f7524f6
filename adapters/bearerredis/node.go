package bearerredis

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// newNode returns the client of one node of a Cluster.
func newNode(options *redis.Options) *redis.Client {
	client := redis.NewClient(options)
	client.AddHook(node{})
	return client
}

// node is a hook of the client of each node. The Cluster client also asks nodes
// in goroutines of its own, in which nobody else would recover from a panic, and
// it repeats a command whose reply was lost.
type node struct{}

func (node) DialHook(next redis.DialHook) redis.DialHook { return next }

func (node) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := attempt(ctx, func(ctx context.Context) error { return next(ctx, cmd) })
		if err == errProtocol {
			cmd.SetErr(err)
		}
		countLost(ctx, err)
		return err
	}
}

func (node) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := attempt(ctx, func(ctx context.Context) error { return next(ctx, cmds) })
		if err == errProtocol {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		countLost(ctx, err)
		return err
	}
}

type lostKey struct{}

// withLost returns a context in which lost counts the commands that a node may
// have executed although no reply arrived.
func withLost(ctx context.Context, lost *atomic.Int32) context.Context {
	return context.WithValue(ctx, lostKey{}, lost)
}

func countLost(ctx context.Context, err error) {
	var dial *dialError
	if err == nil || isReply(err) || errors.As(err, &dial) {
		return
	}
	if lost, ok := ctx.Value(lostKey{}).(*atomic.Int32); ok {
		lost.Add(1)
	}
}
