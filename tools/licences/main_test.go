package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

const repository = "../.."

// All licences are known and allowed, and docs/dependencies.md names each direct
// dependency and the licences that its files have.
func TestDependencies(t *testing.T) {
	found, err := scan(repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := judge(found); err != nil {
		t.Error(err)
	}
	if d := found["github.com/lestrrat-go/jwx/v2"]; d == nil || !d.built {
		t.Error("jwx must be in a user's build")
	}
	if d := found["honnef.co/go/tools"]; d == nil || d.built {
		t.Error("staticcheck must be in no user's build")
	}

	text, err := os.ReadFile(filepath.Join(repository, "docs/dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	all, err := modules.List(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		for _, r := range m.File.Require {
			path := r.Mod.Path
			if !r.Indirect && !strings.HasPrefix(path, "github.com/bearerkit/") && !strings.Contains(page, "`"+path+"`") {
				t.Errorf("docs/dependencies.md does not name %s, which %s requires", path, m.Path())
			}
		}
	}
	stated := documented(page)
	if len(stated) < 25 {
		t.Errorf("docs/dependencies.md states %d licences, want at least 25", len(stated))
	}
	for path, licence := range stated {
		d := found[path]
		if d == nil {
			t.Errorf("docs/dependencies.md names %s, which no module uses", path)
		} else if got := strings.Join(d.licences, ", "); got != licence {
			t.Errorf("docs/dependencies.md says that %s is under %s; its files say %s", path, licence, got)
		}
	}
}

// documented returns the licences of the modules in the tables with a column
// licence, sorted as in the table.
func documented(page string) map[string]string {
	stated := map[string]string{}
	column := -1
	for _, line := range strings.Split(page, "\n") {
		if !strings.HasPrefix(line, "|") {
			column = -1
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i, cell := range cells {
			if strings.TrimSpace(cell) == "licence" {
				column = i
			}
		}
		if column < 0 || strings.Contains(cells[0], "(") {
			continue // no column for licences, or a package of npm or Debian
		}
		for _, path := range regexp.MustCompile("`([a-z0-9-]+\\.[^`]+/[^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			stated[path[1]] = strings.TrimSpace(cells[column])
		}
	}
	return stated
}

func TestJudge(t *testing.T) {
	apache, err := os.ReadFile(filepath.Join(repository, "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, file, text string
		built            bool
		want             error
	}{
		{"allowed", "LICENSE", string(apache), true, nil},
		{"no file", "README", string(apache), true, errUnknown},
		{"unknown text", "LICENSE.txt", "You may not use this.", false, errUnknown},
		{"not allowed in a build", "COPYING", "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. " +
			"If a copy of the MPL was not distributed with this file, You can obtain one at http://mozilla.org/MPL/2.0/.", true, errNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			licences, err := licencesOf(dir)
			if err != nil {
				t.Fatal(err)
			}
			err = judge(map[string]*dependency{"example.com/a": {dir: dir, licences: licences, built: tt.built}})
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("got %v of %q, want %v", err, licences, tt.want)
			}
		})
	}
}
