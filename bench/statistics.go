package main

import (
	"slices"

	"golang.org/x/perf/benchmath"
)

func (r result) of(name string) series {
	for _, s := range r.series {
		if s.name == name {
			return s
		}
	}
	return series{name: name}
}

// summary returns the median and its confidence interval as benchstat computes
// them. It assumes no distribution.
func summary(values []float64) benchmath.Summary {
	thresholds := benchmath.DefaultThresholds
	sample := benchmath.NewSample(slices.Clone(values), &thresholds) // NewSample sorts
	return benchmath.AssumeNothing.Summary(sample, 0.95)
}

// combine computes a figure from the times of several series in each round, and
// summarizes it.
func combine(figure func(ns ...float64) float64, of ...series) benchmath.Summary {
	var values []float64
	for round := range of[0].ns {
		var ns []float64
		for _, s := range of {
			ns = append(ns, s.ns[round])
		}
		values = append(values, figure(ns...))
	}
	return summary(values)
}

func ratio(s, to series) benchmath.Summary {
	return combine(func(ns ...float64) float64 { return ns[0] / ns[1] }, s, to)
}
