package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// mutant is one change of the source.
type mutant struct {
	id            int
	file          string
	line          int
	function      string // that contains the change
	before, after string // the changed statement or condition
	nth           int    // among those with the same text in the function, from 1
	declaration   string // the source of the function, for the cache
}

// key names the mutant in the list of equivalents. It contains no line number, so
// that changes elsewhere in the file keep it.
func (m *mutant) key() string {
	key := fmt.Sprintf("%s: %s => %s", m.function, m.before, m.after)
	if m.nth > 1 {
		key += fmt.Sprintf(" #%d", m.nth)
	}
	return key
}

// form says how a site's mutants are written into the source.
type form int

const (
	condition form = iota // an expression of type bool
	value                 // an expression of a type that can be named
	statement             // a call, which is left out
	hidden                // the operand of a type switch
)

// site is a part of the source that has mutants.
type site struct {
	form       form
	start, end int    // offsets in the file
	typ        string // the type, for value and hidden
	mutants    []*mutant
	instead    []string // the source of each mutant
}

// variants collects the sites of a package.
type variants struct {
	*source
	sites   map[string][]*site // by file
	mutants []*mutant
	seen    map[string]int // keys
	last    int            // the last id
	// Where the search is:
	file        string
	function    string
	declaration string
	imports     map[string]string // path to name
}

// place is a part of the source: a node, and the statement or condition around
// it, which describes the change to people.
type place struct {
	node   ast.Node
	around ast.Node
	until  token.Pos // the end of around, unless it is too long to show
}

func (p place) end() token.Pos {
	if p.until != token.NoPos {
		return p.until
	}
	return p.around.End()
}

// add registers a mutant that has the text instead of the node at the place.
// The text shown to people may be shorter.
func (v *variants) add(p place, f form, typ, instead, shown string) {
	start, end := v.files.Position(p.node.Pos()), v.files.Position(p.node.End())
	var at *site
	for _, s := range v.sites[v.file] {
		if s.start == start.Offset && s.end == end.Offset && s.form == f {
			at = s
		}
	}
	if at == nil {
		at = &site{form: f, start: start.Offset, end: end.Offset, typ: typ}
		v.sites[v.file] = append(v.sites[v.file], at)
	}
	for _, other := range at.instead {
		if other == instead && f != hidden {
			return
		}
	}
	v.last++
	m := &mutant{
		id: v.last, file: v.file, line: start.Line, function: v.function, declaration: v.declaration,
		before: short(v.text(p.around.Pos(), p.end())),
		after:  short(oneLine(v.text(p.around.Pos(), p.node.Pos()) + gap(v, p.node.Pos()) + shown + gap(v, p.node.End()) + v.text(p.node.End(), p.end()))),
	}
	if m.before == m.after {
		return
	}
	v.seen[m.key()]++
	m.nth = v.seen[m.key()]
	at.mutants, at.instead = append(at.mutants, m), append(at.instead, instead)
	v.mutants = append(v.mutants, m)
}

// gap returns the space beside a position, which text drops at its ends.
func gap(v *variants, pos token.Pos) string {
	at := v.files.Position(pos)
	text := v.texts[at.Filename]
	near := ""
	if at.Offset > 0 {
		near += string(text[at.Offset-1])
	}
	if at.Offset < len(text) {
		near += string(text[at.Offset])
	}
	if strings.ContainsAny(near, " \t\n") {
		return " "
	}
	return ""
}

// short returns the beginning of a long text. The number of the mutant among
// those with the same text tells it from others.
func short(text string) string {
	if letters := []rune(text); len(letters) > 240 {
		return string(letters[:240]) + "…"
	}
	return text
}
