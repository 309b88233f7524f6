package main

import (
	"fmt"
	"io"
	"math"
)

// The dimensions of the drawing in pixels. It has two panels, with a row for each
// contender and a bar for each algorithm.
const (
	svgWidth   = 760
	svgNames   = 170 // left of the bars
	svgValues  = 60  // right of the longest bar
	svgRow     = 30
	svgBar     = 10
	svgHeading = 54
)

var drawnAlgorithms = parallelAlgorithms

const svgStyle = `<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.own { font-weight: 600 }
.value, .note { font-size: 11px; fill: #59636e }
.a { fill: #0969da } .b { fill: #8250df }
.peer .a { fill: #7fb2e8 } .peer .b { fill: #c0a6ee }
.range { stroke: #1f2328; stroke-width: 1 }
.floor { stroke: #bc4c00; stroke-width: 1.5; stroke-dasharray: 4 3 }
.floorname { fill: #bc4c00; font-size: 11px }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.value, .note { fill: #9198a1 }
.a { fill: #4493f8 } .b { fill: #ab7df8 }
.peer .a { fill: #2a5a96 } .peer .b { fill: #644a91 }
.range { stroke: #f0f6fc }
.floor { stroke: #f0883e } .floorname { fill: #f0883e }
}
</style>
`

// draw writes the comparison as SVG for light and dark backgrounds.
func (c *comparison) draw(w io.Writer) {
	panel := svgHeading + svgRow*len(contenders) + 16
	height := 2*panel + 26
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="Time for a request over that of bare crypto, by library">`+"\n",
		svgWidth, height, svgWidth, height)
	fmt.Fprint(w, svgStyle)
	longest := 1.0 // both panels use one scale
	for _, results := range []map[string]result{c.first, c.same} {
		for _, algorithm := range drawnAlgorithms {
			r := results[algorithm]
			for _, s := range r.series {
				longest = math.Max(longest, ratio(s, r.of(bareCrypto)).Center)
			}
		}
	}
	at := func(v float64) float64 { return svgNames + v/longest*(svgWidth-svgNames-svgValues) }
	c.panel(w, 0, "A first-seen token", c.first, at)
	c.panel(w, panel, "The same token again", c.same, at)
	y := 2*panel + 10
	x := svgNames
	for at, algorithm := range drawnAlgorithms {
		fmt.Fprintf(w, `<rect class="%c" x="%d" y="%d" width="10" height="10"/><text class="note" x="%d" y="%d">%s</text>`+"\n",
			'a'+at, x, y, x+15, y+9, algorithm)
		x += 80
	}
	fmt.Fprintf(w, `<text class="note" x="%d" y="%d">time for a request / bare crypto; shorter is better; lines: 95 %% intervals</text>`+"\n", x, y+9)
	fmt.Fprintln(w, "</svg>")
}

func (c *comparison) panel(w io.Writer, top int, title string, results map[string]result, at func(float64) float64) {
	fmt.Fprintf(w, `<text class="title" x="4" y="%d">%s</text>`+"\n", top+24, title)
	fmt.Fprintf(w, `<text class="floorname" x="%.1f" y="%d" text-anchor="middle">bare crypto</text>`+"\n", at(1), top+svgHeading-10)
	for row, contender := range contenders {
		y := top + svgHeading + row*svgRow
		class, name := "peer", ""
		if row == 0 {
			class, name = "ours", ` class="own"`
		}
		fmt.Fprintf(w, `<g class="%s"><text%s x="%d" y="%d" text-anchor="end">%s</text>`, class, name, svgNames-10, y+15, contender.name)
		for bar, algorithm := range drawnAlgorithms {
			r := results[algorithm]
			s := ratio(r.of(contender.name), r.of(bareCrypto))
			top := y + bar*(svgBar+1)
			middle := float64(top) + svgBar/2.0
			fmt.Fprintf(w, `<rect class="%c" x="%d" y="%d" width="%.1f" height="%d"/>`, 'a'+bar, svgNames, top, math.Max(1, at(s.Center)-svgNames), svgBar)
			high := math.Min(at(s.Hi), svgWidth-svgValues+20)
			fmt.Fprintf(w, `<path class="range" d="M%.1f %.1fH%.1f"/>`, at(s.Lo), middle, high)
			fmt.Fprintf(w, `<text class="value" x="%.1f" y="%.1f">%s</text>`, high+5, middle+4, ratioNumber(s.Center))
		}
		fmt.Fprintln(w, "</g>")
	}
	fmt.Fprintf(w, `<path class="floor" d="M%.1f %dV%d"/>`+"\n", at(1), top+svgHeading-5, top+svgHeading+svgRow*len(contenders)-6)
}
