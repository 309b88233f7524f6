package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// fieldCommand is the command that writes the tables.
const fieldCommand = "make conform"

// runField runs the corpus on every entrant and writes the tables.
func runField(out output, progress io.Writer) error {
	list, err := conformAll(context.Background(), fieldEntrants, progress)
	if err != nil {
		return err
	}
	cases, err := bearertest.ConformanceCases(corpusOfField)
	if err != nil {
		return err
	}
	if file := os.Getenv("FIELD_JSON"); file != "" {
		if err := writeField(file, list); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s, `%s`, %s on %s/%s, %d cases.\n\n", time.Now().Format("2 January 2006"), fieldCommand,
		runtime.Version(), runtime.GOOS, runtime.GOARCH, len(cases))
	writeLevels(&text, list)
	fmt.Fprintln(&text)
	writeFailures(&text, list)
	return out.write(text.Bytes())
}

// writeField writes all results, with the requests and the answers.
func writeField(file string, list []conformity) error {
	results := map[string][]bearertest.ConformanceResult{}
	for _, c := range list {
		results[c.name] = c.results
	}
	document, err := json.MarshalIndent(results, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, document, 0o600)
}

const notOffered = "–"

// writeLevels prints a row for each entrant: the failed requirements and the
// recommendations that are not followed, by level.
func writeLevels(w io.Writer, list []conformity) {
	var titles []string
	for _, level := range fieldLevels {
		titles = append(titles, level.title)
	}
	heading(w, titles...)
	versions := versionsOf()
	for _, c := range list {
		cells := []string{c.label(versions)}
		for _, level := range fieldLevels {
			must, should, unknown, run := c.count(level.name)
			cell := fmt.Sprintf("%d / %d", must, should)
			switch {
			case run == 0:
				cell = notOffered
			case unknown > 0:
				cell += fmt.Sprintf(" (%d not judged)", unknown)
			}
			cells = append(cells, cell)
		}
		row(w, cells...)
	}
}

// writeFailures prints which requirements an entrant fails. Cases whose names begin
// with the same word are counted together.
func writeFailures(w io.Writer, list []conformity) {
	row(w, "", "requirements that fail, by the names of the cases")
	row(w, "---", "---")
	for _, c := range list {
		var words []string
		names := map[string][]string{}
		for _, r := range c.results {
			if r.Verdict != "fail" {
				continue
			}
			word, _, _ := strings.Cut(r.Name, "-")
			if names[word] == nil {
				words = append(words, word)
			}
			names[word] = append(names[word], r.Name)
		}
		slices.Sort(words)
		var parts []string
		for _, word := range words {
			part := "`" + names[word][0] + "`"
			if n := len(names[word]); n > 1 {
				part = fmt.Sprintf("`%s-*` %d", word, n)
			}
			parts = append(parts, part)
		}
		if parts != nil {
			row(w, c.name, strings.Join(parts, ", "))
		}
	}
}

// label returns the linked name of an entrant with its versions.
func (c conformity) label(versions map[string]string) string {
	label := fmt.Sprintf("[%s](%s)", c.name, c.link)
	var found []string
	for _, module := range c.modules {
		if version := versions[module]; version != "" {
			found = append(found, strings.TrimPrefix(version, "v"))
		}
	}
	if found != nil {
		label += " " + strings.Join(found, ", ")
	}
	return label
}

// versionsOf returns the versions of Go modules and of npm packages.
func versionsOf() map[string]string {
	versions := map[string]string{}
	for name, version := range nodeVersions() {
		versions["npm:"+name] = version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return versions
	}
	for _, dependency := range info.Deps {
		if dependency.Replace == nil {
			versions[dependency.Path] = dependency.Version
		}
	}
	return versions
}
