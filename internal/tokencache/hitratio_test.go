package tokencache_test

import (
	"fmt"
	mathrand "math/rand/v2"
	"testing"
)

// BenchmarkHitRatio reports the share of requests whose token is in a cache of
// the default size, by the number of clients of one instance. Each client renews
// its token every 300 requests, as a client does that calls once a second with
// tokens that live for five minutes. Either all clients call equally often, or a
// few call most (Zipf, s = 1.1). docs/performance.md quotes the figures. The
// random numbers are the same in each run.
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
					c := newCache(10_000, 32<<20)
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
						known := has(c, token)
						if !known {
							add(b, c, token, 2000)
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
