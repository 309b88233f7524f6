package limit_test

import (
	"errors"
	"testing"

	"example.com/owner/tiny/limit"
)

func TestCheck(t *testing.T) {
	for size, want := range map[int]error{10: nil, 11: limit.ErrLarge} {
		if err := limit.Check(size); !errors.Is(err, want) {
			t.Errorf("Check(%d): %v, want %v", size, err, want)
		}
	}
}

func TestLoose(t *testing.T) {
	for size, want := range map[int]error{2: nil, 99: limit.ErrLarge} {
		if err := limit.Loose(size); !errors.Is(err, want) {
			t.Errorf("Loose(%d): %v, want %v", size, err, want)
		}
	}
}

func TestBoth(t *testing.T) {
	if !limit.Both(true, true) || limit.Both(true, false) {
		t.Error("Both is wrong")
	}
}

func TestKind(t *testing.T) {
	if limit.Kind(1) != "one" || limit.Kind(2) != "many" {
		t.Error("Kind is wrong")
	}
}

func TestType(t *testing.T) {
	if limit.Type("") != "text" || limit.Type(1) != "number" || limit.Type(nil) != "unknown" {
		t.Error("Type is wrong")
	}
}

func TestName(t *testing.T) {
	if new(limit.Checker).Name("a") != nil || new(limit.Checker).Name("") == nil {
		t.Error("Name is wrong")
	}
}

func TestLines(t *testing.T) {
	if !limit.Lines(3) || limit.Lines(4) {
		t.Error("Lines is wrong")
	}
}

func TestRepeat(t *testing.T) {
	if limit.Repeat(3) != 3 {
		t.Error("Repeat is wrong")
	}
}
