package bearerredis_test

import (
	"bytes"
	"encoding/binary"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/dpop"
)

func benchmark(b *testing.B, do func(c *bearerredis.Cache, key string, value []byte) error) {
	server := redistest.New(b, redistest.Config{})
	c := newCache(b, bearerredis.Config{Address: server.Address()})
	k, value := key("token"), bytes.Repeat([]byte("v"), 512)
	mustSet(b, c, k, value, time.Hour)
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := do(c, k, value); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := do(c, k, value); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, func(c *bearerredis.Cache, key string, _ []byte) error {
		_, err := c.Get(b.Context(), key)
		return err
	})
}

func BenchmarkSet(b *testing.B) {
	benchmark(b, func(c *bearerredis.Cache, key string, value []byte) error {
		return c.Set(b.Context(), key, value, time.Minute)
	})
}

// The cost of a call while Redis is unavailable.
func BenchmarkGetDuringAnOutage(b *testing.B) {
	server := redistest.New(b, redistest.Config{})
	c := newCache(b, bearerredis.Config{Address: server.Address()})
	server.Stop()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Get(b.Context(), "k"); err == nil {
			b.Fatal("no error")
		}
	}
}

// Each proof is new, as clients send them.
func BenchmarkBurn(b *testing.B) {
	server := redistest.New(b, redistest.Config{})
	replays := newClient(b, bearerredis.Config{Address: server.Address(), ProofsPerOwner: 1 << 30}).Replays()
	var n atomic.Uint64
	burn := func() error {
		var key [32]byte
		binary.BigEndian.PutUint64(key[:], n.Add(1))
		_, err := replays.Burn(b.Context(), dpop.UsedProof{
			ID: key, Owner: proofKey("owner"), JKT: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", Until: time.Now().Add(10 * time.Second),
		})
		return err
	}
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := burn(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := burn(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
	server.Stop()
	b.Run("outage", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := burn(); err == nil {
				b.Fatal("no error")
			}
		}
	})
}
