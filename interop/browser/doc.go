// Package browser tests pages in a real browser: it presses their buttons, as a
// person would.
package browser
