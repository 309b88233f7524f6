package main

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

const unreleased = "## [Unreleased]\n"

// changelog gives the section Unreleased a version and a date, and begins a new
// one above it. The version must be newer than the last one there.
func changelog(text, version, date string) (string, error) {
	before, after, found := strings.Cut(text, unreleased)
	if !found {
		return "", fmt.Errorf("%w: it has no line %q", errChangelog, strings.TrimSpace(unreleased))
	}
	if strings.Contains(text, "\n## ["+version[1:]+"]") {
		return "", fmt.Errorf("%w: it has a section %s already", errChangelog, version[1:])
	}
	section, older, _ := strings.Cut(after, "\n## [")
	if last, _, _ := strings.Cut(older, "]"); older != "" && semver.Compare(version, "v"+last) <= 0 {
		return "", fmt.Errorf("%w: got %s, want one after %s, the last one in CHANGELOG.md", errVersion, version, last)
	}
	if !strings.Contains(section, "\n- ") {
		return "", fmt.Errorf("%w: the section Unreleased has no entry; say what changes for users", errChangelog)
	}
	return before + unreleased + "\n## [" + version[1:] + "] - " + date + "\n" + after, nil
}
