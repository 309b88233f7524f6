package dev_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
)

// docs/dev-issuer.md has a configuration that works, all triggers, and the paths of
// all endpoints in the metadata.
func TestDocs(t *testing.T) {
	document, err := os.ReadFile("../../../../docs/dev-issuer.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(document)
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(page)
	if block == nil {
		t.Fatal("no configuration")
	}
	c, err := dev.ParseConfig([]byte(block[1]))
	if err != nil {
		t.Fatal(err)
	}
	c.URL = "http://127.0.0.1:9000"
	if _, err := dev.New(c); err != nil {
		t.Error(err)
	}
	for _, trigger := range dev.Triggers {
		if !strings.Contains(page, "\n| `"+trigger.Name+"` | ") {
			t.Errorf("the page does not say what %s does", trigger.Name)
		}
	}

	s := start(t, dev.Config{})
	a := s.get(t, "/.well-known/openid-configuration")
	var metadata map[string]any
	if err := json.Unmarshal([]byte(a.text), &metadata); err != nil {
		t.Fatal(err)
	}
	endpoints := 0
	for name, value := range metadata {
		url, _ := value.(string)
		if path, ok := strings.CutPrefix(url, s.url); ok && path != "" {
			endpoints++
			if !strings.Contains(page, "`"+path+"`") {
				t.Errorf("the page does not name %s, the %s", path, name)
			}
		}
	}
	if endpoints != 9 {
		t.Errorf("%d endpoints in the metadata, want 9", endpoints)
	}
	for _, line := range regexp.MustCompile(`(?m)^(?:curl .*)$`).FindAllString(page, -1) {
		if !strings.Contains(line, "http://127.0.0.1:9000/token") {
			t.Errorf("%s: not the address where bearer dev listens", line)
		}
	}
}
