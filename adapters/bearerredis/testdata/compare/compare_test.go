// Package compare compares two Redis clients that this adapter could use:
// REDIS=127.0.0.1:6379 go test -bench . -count 6
//
// It also shows how each client handles a server that violates the protocol, such
// as a faulty proxy: OUT_OF_STEP=rueidis go test -run OutOfStep, or goredis.
package compare

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

var value = bytes.Repeat([]byte("v"), 512)

const key = "bearerkit:0123456789abcdef0123456789abcdef0123456789a"

const script = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"

func address() string { return os.Getenv("REDIS") }

func run(b *testing.B, op func(ctx context.Context) error) {
	do := func(b *testing.B) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := op(ctx); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			do(b)
		}
	})
	b.Run("parallel64", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				do(b)
			}
		})
	})
}

func BenchmarkGoRedis(b *testing.B) {
	c := redis.NewClient(&redis.Options{Addr: address(), MaxRetries: -1, ContextTimeoutEnabled: true, Protocol: 2})
	defer c.Close()
	b.Run("SET", func(b *testing.B) {
		run(b, func(ctx context.Context) error { return c.Set(ctx, key, value, time.Minute).Err() })
	})
	b.Run("GET", func(b *testing.B) {
		run(b, func(ctx context.Context) error { _, err := c.Get(ctx, key).Bytes(); return err })
	})
	script := redis.NewScript(script)
	b.Run("EVALSHA", func(b *testing.B) {
		run(b, func(ctx context.Context) error { return script.Run(ctx, c, []string{key}, value, 60000).Err() })
	})
}

func BenchmarkRueidis(b *testing.B) {
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{address()}, DisableCache: true, DisableRetry: true, ForceSingleClient: true})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.Run("SET", func(b *testing.B) {
		run(b, func(ctx context.Context) error {
			return c.Do(ctx, c.B().Set().Key(key).Value(rueidis.BinaryString(value)).Px(time.Minute).Build()).Error()
		})
	})
	b.Run("GET", func(b *testing.B) {
		run(b, func(ctx context.Context) error {
			_, err := c.Do(ctx, c.B().Get().Key(key).Build()).AsBytes()
			return err
		})
	})
	script := rueidis.NewLuaScript(script)
	b.Run("EVALSHA", func(b *testing.B) {
		run(b, func(ctx context.Context) error {
			return script.Exec(ctx, c, []string{key}, []string{rueidis.BinaryString(value), "60000"}).Error()
		})
	})
}

// One client answers with an error. The other panics in a goroutine of its own,
// which ends the program.
func TestOutOfStep(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for buf := make([]byte, 4096); ; {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					_, _ = conn.Write([]byte("-ERR unknown command 'HELLO'\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n"))
				}
			}()
		}
	}()
	var get func(ctx context.Context) error
	switch os.Getenv("OUT_OF_STEP") {
	case "goredis":
		c := redis.NewClient(&redis.Options{Addr: l.Addr().String(), MaxRetries: -1})
		defer c.Close()
		get = func(ctx context.Context) error { return c.Get(ctx, key).Err() }
	case "rueidis":
		c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{l.Addr().String()}, DisableCache: true, DisableRetry: true, ForceSingleClient: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		get = func(ctx context.Context) error { return c.Do(ctx, c.B().Get().Key(key).Build()).Error() }
	default:
		t.Skip("set OUT_OF_STEP to goredis or rueidis")
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			t.Log(get(ctx))
		})
	}
	all.Wait()
}
