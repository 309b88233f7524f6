// Package browser tests pages in a real browser: it presses their buttons, as a
// person would. The programs under test are built without the race detector, so the
// tests are left out when it is on.
package browser
