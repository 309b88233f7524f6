package dev_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
)

// A profile has the same name in all commands. The name of a form, which the token
// endpoint of a bearertest.Issuer knows, is understood too.
func TestProfilesHaveOneName(t *testing.T) {
	want := []string{profile.EntraIDv1}
	for _, p := range profile.All() {
		want = append(want, p.Name)
	}
	slices.Sort(want)
	if got := dev.ProfileNames(); !slices.Equal(got, want) {
		t.Errorf("bearer dev has %q, the other commands %q", got, want)
	}
	shapes := map[bearertest.Shape]bool{}
	for _, name := range want {
		shape, err := dev.ParseProfile(strings.ToUpper(name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shapes[shape] = true
		if p, err := profile.Find(name); err == nil {
			if again, err := dev.ParseProfile(p.Shape); err != nil || again != shape {
				t.Errorf("the form %s is %q, %v; want %q", p.Shape, again, err, shape)
			}
		}
	}
	if len(shapes) != len(bearertest.Shapes()) {
		t.Errorf("the names stand for %d forms of %d", len(shapes), len(bearertest.Shapes()))
	}
	if _, err := dev.ParseProfile("x"); err == nil {
		t.Error("an unknown name is accepted")
	}
}
