package main

import (
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"time"
)

// The dimensions of the drawing in pixels.
const (
	drawnWidth  = 960
	leftEdge    = 104
	rightEdge   = 16
	plotWidth   = drawnWidth - leftEdge - rightEdge
	laneHeight  = 17
	panelHeight = 120
	panelGap    = 46
	lanesTop    = 52
)

const drawingStyle = `<style>
text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px } .head { font-weight: 600 }
.note { font-size: 11px; fill: #59636e } .in { font-size: 9.5px; fill: #1f2328 }
.grid { stroke: #d1d9e0; stroke-width: 1 } .lane { fill: #f6f8fa }
.issuer { fill: #f0c36d } .redis { fill: #f2a6a0 } .instance { fill: #b6a6e0 }
.shade { opacity: .16 }
.ok { fill: #4c9f70 } .no { fill: #8c959f } .busy { fill: #e0873c } .gone { fill: #b05fc0 } .bad { fill: #cf222e }
.line { fill: none; stroke-width: 1.5 }
.c0 { stroke: #0969da } .c1 { stroke: #bc4c00 } .c2 { stroke: #1a7f37 } .c3 { stroke: #8250df }
.f0 { fill: #0969da } .f1 { fill: #bc4c00 } .f2 { fill: #1a7f37 } .f3 { fill: #8250df }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .note { fill: #9198a1 } .in { fill: #0d1117 }
.grid { stroke: #30363d } .lane { fill: #161b22 }
.c0 { stroke: #4493f8 } .c1 { stroke: #f0883e } .c2 { stroke: #3fb950 } .c3 { stroke: #ab7df8 }
.f0 { fill: #4493f8 } .f1 { fill: #f0883e } .f2 { fill: #3fb950 } .f3 { fill: #ab7df8 }
}
</style>
`

// x returns the place of a time.
func (r *report) x(at float64) float64 {
	return leftEdge + math.Max(0, math.Min(1, at/r.Seconds))*plotWidth
}

// draw writes the run as SVG: the faults in lanes, and below them the answers, the
// latency and the memory over time, with the faults of the servers shaded.
func (r *report) draw(w io.Writer) {
	lanes := int(instances) + len(r.Instances)
	first := lanesTop + lanes*laneHeight + panelGap
	height := first + 3*panelHeight + 2*panelGap + 44
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="Faults, answers, latency and memory of a soak">`+"\n",
		drawnWidth, height, drawnWidth, height)
	fmt.Fprint(w, drawingStyle)
	fmt.Fprintf(w, `<text class="title" x="8" y="22">%d answers in %.0f s, %d of them wrong</text>`+"\n", r.Answers, r.Seconds, r.WrongCount)
	fmt.Fprintf(w, `<text class="note" x="8" y="40">%d faults; seed %d; %s</text>`+"\n", len(r.Windows), r.Seed, r.Date)
	r.drawLanes(w, lanes)
	for _, s := range r.Windows {
		if s.track < instances {
			fmt.Fprintf(w, `<rect class="shade %s" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n",
				laneClass(s.track), r.x(s.Begin), first, math.Max(1, r.x(s.End)-r.x(s.Begin)), 3*panelHeight+2*panelGap)
		}
	}
	r.drawAnswers(w, first)
	r.drawLatency(w, first+panelHeight+panelGap)
	r.drawMemory(w, first+2*(panelHeight+panelGap))
	r.drawAxis(w, first+3*panelHeight+2*panelGap)
	fmt.Fprintln(w, "</svg>")
}

func laneClass(t track) string {
	switch {
	case t <= issuerB:
		return "issuer"
	case t < instances:
		return "redis"
	}
	return "instance"
}

// drawLanes draws the faults of each track in a lane.
func (r *report) drawLanes(w io.Writer, lanes int) {
	for t := range lanes {
		y := lanesTop + t*laneHeight
		fmt.Fprintf(w, `<rect class="lane" x="%d" y="%d" width="%d" height="%d"/><text x="%d" y="%d" text-anchor="end">%s</text>`+"\n",
			leftEdge, y, plotWidth, laneHeight-2, leftEdge-8, y+12, trackNames[t])
	}
	for _, s := range r.Windows {
		y, x := lanesTop+int(s.track)*laneHeight, r.x(s.Begin)
		wide := math.Max(2, r.x(s.End)-x)
		name := html.EscapeString(s.Fault)
		fmt.Fprintf(w, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d"><title>%s, %.1f to %.1f s</title></rect>`+"\n",
			laneClass(s.track), x, y, wide, laneHeight-2, name, s.Begin, s.End)
		if float64(len(s.Fault))*5.2+4 < wide {
			fmt.Fprintf(w, `<text class="in" x="%.1f" y="%d">%s</text>`+"\n", x+3, y+11, name)
		}
	}
}

// drawAnswers draws how many answers of each kind there were in a second.
func (r *report) drawAnswers(w io.Writer, top int) {
	classes := []struct {
		class, name string
		set         answers
	}{{"ok", "200", admitted}, {"no", "401, 403 or 431", refused | forbidden | tooLong}, {"busy", "503", later}, {"gone", "no answer", none}, {"bad", "another answer", other}}
	most := 1
	bins := r.bins()
	for _, bin := range bins {
		most = max(most, bin.times.total)
	}
	r.drawPanel(w, top, "answers a second", []float64{0, 0.5, 1}, func(v float64) string {
		return fmt.Sprintf("%.0f", v*float64(most)/r.binSeconds())
	})
	x := leftEdge + 130.0
	for _, c := range classes {
		fmt.Fprintf(w, `<rect class="%s" x="%.0f" y="%d" width="9" height="9"/><text class="note" x="%.0f" y="%d">%s</text>`+"\n", c.class, x, top-17, x+13, top-9, c.name)
		x += 30 + 6.2*float64(len(c.name))
	}
	for i, bin := range bins {
		y := float64(top + panelHeight)
		left, right := r.x(float64(i)*r.binSeconds()), r.x(float64(i+1)*r.binSeconds())
		for _, c := range classes {
			high := float64(bin.of(c.set)) / float64(most) * panelHeight
			if y -= high; high > 0 {
				fmt.Fprintf(w, `<rect class="%s" x="%.1f" y="%.1f" width="%.2f" height="%.1f"/>`+"\n", c.class, left, y, math.Max(0.5, right-left-0.3), high)
			}
		}
	}
}

// maxBins bounds the size of the drawing of a long run.
const maxBins = 240

func (r *report) binSeconds() float64 { return math.Max(1, math.Ceil(r.Seconds/maxBins)) }

// bins joins the seconds of the run to at most maxBins.
func (r *report) bins() []*tally {
	var bins []*tally
	each := int(r.binSeconds())
	for i, second := range r.seconds {
		if i%each == 0 {
			bins = append(bins, &tally{})
		}
		bins[len(bins)-1].join(second)
	}
	return bins
}

// drawLatency draws the median and the 99th percentile on a logarithmic scale from
// 0.1 ms to 10 s.
func (r *report) drawLatency(w io.Writer, top int) {
	r.drawPanel(w, top, "latency", []float64{0, 0.2, 0.4, 0.6, 0.8, 1}, func(v float64) string {
		return time.Duration(float64(100*time.Microsecond) * math.Pow(10, 5*v)).String()
	})
	for i, q := range []float64{0.5, 0.99} {
		var points []string
		for at, bin := range r.bins() {
			if v := bin.times.quantile(q); v > 0 {
				high := math.Max(0, math.Min(1, math.Log10(float64(v)/float64(100*time.Microsecond))/5))
				points = append(points, fmt.Sprintf("%.1f,%.1f", r.x((float64(at)+0.5)*r.binSeconds()), float64(top)+panelHeight*(1-high)))
			}
		}
		drawLine(w, i, points)
		drawKey(w, i, leftEdge+130+60*i, top, []string{"p50", "p99"}[i])
	}
}

// drawMemory draws the live heap of each instance.
func (r *report) drawMemory(w io.Writer, top int) {
	most := float64(1 << 20)
	for _, s := range r.Samples {
		most = math.Max(most, float64(s.Heap))
	}
	r.drawPanel(w, top, "live heap, MiB", []float64{0, 0.5, 1}, func(v float64) string { return fmt.Sprintf("%.1f", v*most/(1<<20)) })
	for i, name := range r.Instances {
		var points []string
		for _, s := range r.Samples {
			if s.Instance == i {
				points = append(points, fmt.Sprintf("%.1f,%.1f", r.x(s.At), float64(top)+panelHeight*(1-float64(s.Heap)/most)))
			}
		}
		drawLine(w, i, points)
		drawKey(w, i, leftEdge+130+80*i, top, name)
	}
}

func drawLine(w io.Writer, color int, points []string) {
	fmt.Fprintf(w, `<polyline class="line c%d" points="%s"/>`+"\n", color, strings.Join(points, " "))
}

func drawKey(w io.Writer, color, x, top int, name string) {
	fmt.Fprintf(w, `<rect class="f%d" x="%d" y="%d" width="9" height="3"/><text class="note" x="%d" y="%d">%s</text>`+"\n", color, x, top-14, x+13, top-9, name)
}

// drawPanel draws the heading and the grid of a panel.
func (r *report) drawPanel(w io.Writer, top int, title string, at []float64, label func(float64) string) {
	fmt.Fprintf(w, `<text class="head" x="%d" y="%d">%s</text>`+"\n", leftEdge, top-9, title)
	for _, v := range at {
		y := float64(top) + panelHeight*(1-v)
		fmt.Fprintf(w, `<path class="grid" d="M%d %.1fH%d"/><text class="note" x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			leftEdge, y, leftEdge+plotWidth, leftEdge-8, y+4, label(v))
	}
}

// drawAxis draws the times.
func (r *report) drawAxis(w io.Writer, y int) {
	each := 10.0
	for r.Seconds/each > 12 {
		each *= 2
	}
	for at := 0.0; at <= r.Seconds; at += each {
		fmt.Fprintf(w, `<text class="note" x="%.1f" y="%d" text-anchor="middle">%.0f s</text>`+"\n", r.x(at), y+18, at)
	}
	x := leftEdge
	for _, t := range []track{issuerA, oneRedis} {
		name := map[track]string{issuerA: "a fault of an issuer", oneRedis: "a fault of Redis"}[t]
		fmt.Fprintf(w, `<rect class="%s" x="%d" y="%d" width="9" height="9"/><text class="note" x="%d" y="%d">%s</text>`+"\n", laneClass(t), x, y+26, x+13, y+34, name)
		x += 150
	}
}
