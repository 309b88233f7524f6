package user_test

import (
	"testing"

	"example.com/owner/tiny/user"
)

func TestSize(t *testing.T) {
	if user.Size(3) != 3 || user.Size(99) != 10 {
		t.Error("Size is wrong")
	}
}
