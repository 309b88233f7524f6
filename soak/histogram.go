package main

import (
	"math"
	"time"
)

// histogram counts latencies in steps of 2 %, from 10 µs to over a minute.
type histogram struct {
	counts [800]uint32
	total  int
}

const step = 1.02

func (h *histogram) add(d time.Duration) {
	at := int(math.Log(float64(d)/float64(10*time.Microsecond)) / math.Log(step))
	h.counts[max(0, min(at, len(h.counts)-1))]++
	h.total++
}

// quantile returns a value that the share q of the latencies does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank, seen := int(math.Ceil(q*float64(h.total))), 0
	for at, n := range h.counts {
		if seen += int(n); seen >= rank {
			return time.Duration(float64(10*time.Microsecond) * math.Pow(step, float64(at+1)))
		}
	}
	return 0
}

// join adds the latencies of another histogram.
func (h *histogram) join(more *histogram) {
	for at, n := range more.counts {
		h.counts[at] += n
	}
	h.total += more.total
}
