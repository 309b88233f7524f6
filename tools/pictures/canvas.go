package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// canvas collects the elements of an SVG.
type canvas struct {
	title, desc   string
	width, height int
	elements      bytes.Buffer
}

// The size of text in pixels. Fonts differ, so letter is on the safe side.
const (
	letter     = 7
	lineHeight = 17
)

// style suits light and dark backgrounds.
const style = `<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.head { font-weight: 600 }
.line { stroke: #59636e; fill: none }
.life { stroke: #d1d9e0 }
.tip { fill: #59636e }
.box { fill: #ddf4ff; stroke: #0969da }
.refused { fill: #fff8c5; stroke: #9a6700 }
.good { fill: #dafbe1; stroke: #1a7f37 }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.line { stroke: #9198a1 } .life { stroke: #3d444d } .tip { fill: #9198a1 }
.box { fill: #121d2f; stroke: #4493f8 }
.refused { fill: #272215; stroke: #d29922 }
.good { fill: #12261e; stroke: #3fb950 }
}
</style>
`

func (c *canvas) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-labelledby="title desc">`+"\n", c.width, c.height)
	fmt.Fprintf(&b, `<title id="title">%s</title>`+"\n"+`<desc id="desc">%s</desc>`+"\n%s", escape(c.title), escape(c.desc), style)
	b.Write(c.elements.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text)) // a Buffer does not fail
	return b.String()
}

// point is a place on the canvas.
type point struct{ x, y int }

// text writes lines below each other; y is that of the first line. anchor is start,
// middle or end.
func (c *canvas) text(at point, class, anchor string, lines ...string) {
	for n, line := range lines {
		fmt.Fprintf(&c.elements, `<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", class, at.x, at.y+n*lineHeight, anchor, escape(line))
	}
}

// box draws a box with lines in its middle.
func (c *canvas) box(at point, width int, class string, lines ...string) (height int) {
	height = lineHeight*len(lines) + 14
	fmt.Fprintf(&c.elements, `<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="6"/>`+"\n", class, at.x, at.y, width, height)
	c.text(point{at.x + width/2, at.y + lineHeight + 2}, "", "middle", lines...)
	return height
}

// arrow draws a horizontal or vertical arrow.
func (c *canvas) arrow(from, to point, dashed bool) {
	dash := ""
	if dashed {
		dash = ` stroke-dasharray="5 4"`
	}
	fmt.Fprintf(&c.elements, `<path class="line" d="M%d %dL%d %d"%s/>`+"\n", from.x, from.y, to.x, to.y, dash)
	back, side := point{to.x - 8*sign(to.x-from.x), to.y - 8*sign(to.y-from.y)}, point{4, 4}
	if from.y == to.y {
		side.x = 0
	} else {
		side.y = 0
	}
	fmt.Fprintf(&c.elements, `<path class="tip" d="M%d %dL%d %dL%d %dz"/>`+"\n", to.x, to.y, back.x-side.x, back.y-side.y, back.x+side.x, back.y+side.y)
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}
