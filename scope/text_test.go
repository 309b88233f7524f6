package scope_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/scope"
)

// Reports G8: a Set is encoded as its text and decoded to the same Set.
func TestSetAsText(t *testing.T) {
	type holder struct {
		Scopes scope.Set         `json:"scopes"`
		By     map[scope.Set]int `json:"by,omitempty"`
	}
	tests := []struct {
		name string
		set  scope.Set
		want string
	}{
		{"empty", scope.Set{}, `{"scopes":""}`},
		{"one name", scope.Of("orders:read"), `{"scopes":"orders:read"}`},
		{"sorted names", scope.Of("profile", "orders:read"), `{"scopes":"orders:read profile"}`},
		{"what JSON escapes", scope.Of("a<b", "c&d"), `{"scopes":"a\u003cb c\u0026d"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(holder{Scopes: tt.set})
			if err != nil || string(text) != tt.want {
				t.Fatalf("%s, %v; want %s", text, err, tt.want)
			}
			var got holder
			if err := json.Unmarshal(text, &got); err != nil || got.Scopes != tt.set {
				t.Errorf("read back: %q, %v; want %q", got.Scopes, err, tt.set)
			}
		})
	}

	text, err := json.Marshal(holder{By: map[scope.Set]int{scope.Of("b", "a"): 1}})
	if want := `{"scopes":"","by":{"a b":1}}`; err != nil || string(text) != want {
		t.Errorf("as a map's key: %s, %v; want %s", text, err, want)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "scope", scope.Of("b", "a"))
	if !strings.Contains(log.String(), `"scope":"a b"`) {
		t.Errorf("in a log: %s", log.String())
	}
}

// An invalid text leaves the Set unchanged.
func TestSetFromAMalformedText(t *testing.T) {
	set := scope.Of("kept")
	for _, text := range []string{`"a\tb"`, `"a\"b"`, `"é"`, `["a"]`, `1`, `{}`} {
		if err := json.Unmarshal([]byte(text), &set); err == nil || set != scope.Of("kept") {
			t.Errorf("%s: %v, and the set is %q", text, err, set)
		}
	}
}
