package main

import (
	"fmt"
	"strings"
)

// rung is a question, and the answer where it is not so; or a name without a question
// mark, and what it answers.
type rung struct {
	question string
	refusal  []string
}

// ladder draws questions below each other, each with its refusal at the right.
func (c *canvas) ladder(source []string) error {
	var rungs []rung
	var end string
	questions, refusals := 0, 0
	for _, line := range source {
		if text, ok := strings.CutPrefix(line, "= "); ok {
			end = text
			continue
		}
		parts := strings.Split(line, " | ")
		if len(parts) < 2 {
			return fmt.Errorf("%q: want a question | and an answer", line)
		}
		r := rung{parts[0], parts[1:]}
		rungs = append(rungs, r)
		questions, refusals = max(questions, widest([]string{r.question})), max(refusals, widest(r.refusal))
	}
	if end == "" || len(rungs) == 0 {
		return fmt.Errorf("want questions, and a line = where they lead")
	}
	const left, gap = 10, 60
	questions, refusals = max(questions, widest([]string{end}))+24, refusals+24
	y := 10
	for n, r := range rungs {
		height := c.box(point{left + questions + gap, y}, refusals, "refused", r.refusal...)
		middle := y + height/2
		own := lineHeight + 14
		c.box(point{left, middle - own/2}, questions, "box", r.question)
		c.arrow(point{left + questions, middle}, point{left + questions + gap, middle}, false)
		if strings.HasSuffix(r.question, "?") {
			c.text(point{left + questions + gap/2 - 4, middle - 5}, "", "middle", "no")
		}
		next := y + height + 14
		down := next // the top of the next box
		if n+1 < len(rungs) {
			down += lineHeight * (len(rungs[n+1].refusal) - 1) / 2
		}
		c.arrow(point{left + questions/2, middle + own/2}, point{left + questions/2, down}, false)
		y = next
	}
	y += c.box(point{left, y}, questions, "good", end)
	c.width, c.height = left+questions+gap+refusals+left, y+10
	return nil
}
