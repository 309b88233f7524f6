package main

import (
	"fmt"
	"strings"
)

const unreleased = "## [Unreleased]\n"

// changelog gives the section Unreleased a version and a date, and begins a new
// one above it.
func changelog(text, version, date string) (string, error) {
	before, after, found := strings.Cut(text, unreleased)
	if !found {
		return "", fmt.Errorf("%w: it has no line %q", errChangelog, strings.TrimSpace(unreleased))
	}
	if strings.Contains(text, "\n## ["+version[1:]+"]") {
		return "", fmt.Errorf("%w: it has a section %s already", errChangelog, version[1:])
	}
	section, _, _ := strings.Cut(after, "\n## ")
	if !strings.Contains(section, "\n- ") {
		return "", fmt.Errorf("%w: the section Unreleased has no entry; say what changes for users", errChangelog)
	}
	return before + unreleased + "\n## [" + version[1:] + "] - " + date + "\n" + after, nil
}
