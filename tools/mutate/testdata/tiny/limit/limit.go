// Package limit has checks of every form that mutate changes. Its tests forget
// some of them.
package limit

import (
	"errors"
	"fmt"
)

// Most is the largest size.
const Most = 10

// maxLines is the number of lines that Lines allows. Its test counts them.
const maxLines = 3

func count(lines, most int) bool { return lines <= most }

// Lines reports whether there are not too many lines.
func Lines(n int) bool { return count(n, maxLines) }

// ErrLarge says that a size is too large.
var ErrLarge = errors.New("limit: too large")

// Check refuses sizes above the limit. Its test covers the boundary.
func Check(size int) error {
	if size > Most {
		return ErrLarge
	}
	return nil
}

// Loose is as Check, but its test does not cover the boundary.
func Loose(size int) error {
	if size > Most {
		return ErrLarge
	}
	return nil
}

// Both needs both conditions. The test does not try the second alone.
func Both(signed, fresh bool) bool { return signed && fresh }

// Kind names the kind of a number. No test tries three.
func Kind(n int) string {
	switch n {
	case 1:
		return "one"
	case 3:
		return "three"
	}
	return "many"
}

// Type names the type of a value.
func Type(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case int:
		return "number"
	}
	return "unknown"
}

// Checker collects mistakes.
type Checker struct{ mistakes []error }

func (c *Checker) add(err error) { c.mistakes = append(c.mistakes, err) }

// Name refuses an empty name.
func (c *Checker) Name(name string) error {
	if len(name) == 0 {
		c.add(fmt.Errorf("no name"))
	}
	return errors.Join(c.mistakes...)
}

// Cut returns the smaller number. Only a test of another package calls it.
func Cut(n int) int { return min(n, Most) }

// Unused is called by no test.
func Unused(ok bool) bool { return !ok }

// Repeat ends only while its condition holds.
func Repeat(n int) (rounds int) {
	for n > 0 {
		n--
		rounds++
	}
	return rounds
}
