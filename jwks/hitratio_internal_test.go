package jwks

import (
	"fmt"
	mathrand "math/rand/v2"
	"testing"
	"time"
)

// BenchmarkHitRatio says which part of requests meets a token that is known, by
// the number of clients of one instance, with the default of 10,000 entries.
// Each client has one token, which it renews every 300 requests, as one that
// calls each second and whose tokens live for five minutes. Clients are alike,
// or a few call most (Zipf's law with s = 1.1). Figures of docs/performance.md;
// the random numbers are the same each time.
func BenchmarkHitRatio(b *testing.B) {
	const renewal = 300
	for _, spread := range []string{"alike", "zipf"} {
		for _, clients := range []int{1000, 8000, 10_000, 12_000, 20_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", spread, clients), func(b *testing.B) {
				for b.Loop() {
					rng := mathrand.New(mathrand.NewPCG(1, 2))
					zipf := mathrand.NewZipf(rng, 1.1, 1, uint64(clients-1))
					next := func() int { return rng.IntN(clients) }
					if spread == "zipf" {
						next = func() int { return int(zipf.Uint64()) }
					}
					c, now := newCache(defaultCacheEntries, defaultCacheBytes), time.Now()
					asked := make([]int, clients)
					for i := range asked {
						asked[i] = rng.IntN(renewal)
					}
					hits, counted := 0, 0
					warm := 5 * clients
					for n := range warm + 20*clients {
						client := next()
						asked[client]++
						token := client + clients*(asked[client]/renewal)
						known := c.has(token)
						if !known {
							c.add(entryOf(token, 2000), now)
						}
						if n >= warm {
							counted++
							if known {
								hits++
							}
						}
					}
					b.ReportMetric(100*float64(hits)/float64(counted), "%hits")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
