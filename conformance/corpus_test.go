package conformance_test

import (
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/bearerkit/bearerkit/conformance"
)

// The runner of the root module reads the corpus strictly and tests it. Here: what a
// user of the data alone sees.
func TestCorpus(t *testing.T) {
	names := map[string]bool{}
	files, err := fs.Glob(conformance.Corpus(), "*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		document, err := fs.ReadFile(conformance.Corpus(), name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Topic  string
			Groups []struct {
				Source []string
				Cases  []struct {
					Name, Does string
					Source     []string
				}
			}
		}
		if err := json.Unmarshal(document, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, group := range file.Groups {
			for _, c := range group.Cases {
				if names[c.Name] || c.Does == "" || len(group.Source)+len(c.Source) == 0 {
					t.Errorf("%s: case %q: a repeated name, or nothing that it does, or no source", name, c.Name)
				}
				names[c.Name] = true
			}
		}
	}
	if len(names) < 250 {
		t.Errorf("%d cases, want at least 250", len(names))
	}
}
