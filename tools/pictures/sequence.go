package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// message is a line of a sequence: an arrow, or what somebody does.
type message struct {
	from, to int // equal: what from does
	answer   bool
	lines    []string
}

// sequence draws messages between participants, from top to bottom.
func (c *canvas) sequence(source []string) error {
	var who []string
	var messages []message
	for _, line := range source {
		if names, ok := strings.CutPrefix(line, "who: "); ok {
			who = strings.Split(names, ", ")
			continue
		}
		m, err := parseMessage(line, who)
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	at := columns(who, messages)
	last := len(who) - 1
	c.width, c.height = at[last]+margin(messages, last), 54
	var drawn canvas // above the lifelines
	for _, m := range messages {
		drawn.message(m, at, &c.height)
	}
	for n, name := range who {
		c.text(point{at[n], 22}, "head", "middle", name)
		fmt.Fprintf(&c.elements, `<path class="life" d="M%d 32V%d"/>`+"\n", at[n], c.height)
	}
	c.height += 8
	c.elements.Write(drawn.elements.Bytes())
	return nil
}

// message draws m at the height y, and moves y below it.
func (c *canvas) message(m message, at []int, y *int) {
	if m.from == m.to {
		width := widest(m.lines) + 20
		*y += c.box(point{at[m.from] - width/2, *y - 8}, width, "box", m.lines...) + 12
		return
	}
	c.text(point{(at[m.from] + at[m.to]) / 2, *y + 8}, "", "middle", m.lines...)
	*y += lineHeight*len(m.lines) + 1
	c.arrow(point{at[m.from], *y}, point{at[m.to], *y}, m.answer)
	*y += 22
}

func parseMessage(line string, who []string) (message, error) {
	head, text, found := strings.Cut(line, ": ")
	m := message{lines: strings.Split(text, " | ")}
	from, to := head, head
	if a, b, ok := strings.Cut(head, " --> "); ok {
		from, to, m.answer = a, b, true
	} else if a, b, ok := strings.Cut(head, " -> "); ok {
		from, to = a, b
	}
	m.from, m.to = slices.Index(who, from), slices.Index(who, to)
	if !found || m.from < 0 || m.to < 0 {
		return m, fmt.Errorf("%q: want a message between two of %q", line, who)
	}
	return m, nil
}

// columns returns the x of each participant, so that every message has room.
func columns(who []string, messages []message) []int {
	at := make([]int, len(who))
	at[0] = margin(messages, 0)
	for n := 1; n < len(who); n++ {
		at[n] = at[n-1] + 130
		for _, m := range messages {
			low, high, room := min(m.from, m.to), max(m.from, m.to), widest(m.lines)+30
			switch {
			case high == n && low < n:
				at[n] = max(at[n], at[low]+room)
			case low == high && (low == n || low == n-1):
				at[n] = max(at[n], at[n-1]+room/2+20)
			}
		}
	}
	return at
}

// margin returns the room beside the outer participant n.
func margin(messages []message, n int) int {
	room := 60
	for _, m := range messages {
		if m.from == n && m.to == n {
			room = max(room, widest(m.lines)/2+20)
		}
	}
	return room
}

func widest(lines []string) (pixels int) {
	for _, line := range lines {
		pixels = max(pixels, utf8.RuneCountInString(line)*letter)
	}
	return pixels
}
