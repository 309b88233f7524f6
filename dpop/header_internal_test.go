package dpop

import (
	"fmt"
	"strings"
	"testing"
)

func TestHeadersAreBounded(t *testing.T) {
	var h headers
	for n := range maxHeaders + 100 {
		jkt := fmt.Sprint(n)
		h.keep(header{segment: "segment " + jkt}, jkt)
		if found, ok := h.known("segment "+jkt, jkt); !ok || found.segment != "segment "+jkt {
			t.Fatalf("%d is not kept", n)
		}
		if _, ok := h.known("segment", jkt); ok {
			t.Fatal("another header is known")
		}
	}
	if len(h.byJKT) != maxHeaders {
		t.Errorf("%d are kept", len(h.byJKT))
	}
	longest := strings.Repeat("x", maxHeaderLength)
	h.keep(header{segment: longest}, "longest")
	if _, ok := h.known(longest, "longest"); !ok {
		t.Error("one as long as it may be is not kept")
	}
	long := strings.Repeat("x", maxHeaderLength+1)
	h.keep(header{segment: long}, "long")
	if _, ok := h.known(long, "long"); ok {
		t.Error("one that is too long is kept")
	}
	// One header per key: a changed header replaces only the client's own
	// entry.
	for n := range 100 {
		h.keep(header{segment: fmt.Sprint(n)}, "one")
	}
	if _, ok := h.known("99", "one"); !ok || len(h.byJKT) != maxHeaders {
		t.Errorf("%d are kept", len(h.byJKT))
	}
}
