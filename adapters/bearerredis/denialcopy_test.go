package bearerredis

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/denylist"
)

func nameOf(i int) [sha256.Size]byte {
	var name [sha256.Size]byte
	binary.BigEndian.PutUint64(name[:], uint64(i))
	return name
}

// News that was asked for before this instance denied, or denied more, undoes
// nothing of it: Deny says that this instance knows.
func TestOldNewsUndoesNothing(t *testing.T) {
	c, name := newDenialCopy(), nameOf(1)
	until := time.Now().Add(time.Hour)
	spares := strconv.FormatInt(until.UnixMilli(), 10) + " 1000"
	c.add(name, denial{Times: denylist.Times{Until: until}, version: 8})
	for _, entry := range []string{"", spares} {
		if err := c.apply(encodeHash(name), "7", entry); err != nil {
			t.Fatal(err)
		}
		if d := c.entries[name]; d.Until.IsZero() || !d.IssuedBefore.IsZero() {
			t.Errorf("%q of version 7 makes of 8: %+v", entry, d)
		}
	}
	// A copy that is made anew keeps what came after it.
	c.add(nameOf(2), denial{Times: denylist.Times{Until: until}, version: 6})
	c.refresh(time.Now(), newDenialCopy(), 7)
	if len(c.entries) != 1 || c.entries[name].version != 8 {
		t.Errorf("a new copy of version 7 has %v", c.entries)
	}
	// Of another list all is news, whatever its version.
	c.restart()
	if err := c.apply(encodeHash(name), "1", ""); err != nil || len(c.entries) != 0 {
		t.Errorf("%v, %v", c.entries, err)
	}
}

// The copy is bounded, and what has ended makes room in it.
func TestCopyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newDenialCopy()
		soon := time.Now().Add(time.Minute)
		for i := range maxDenials {
			c.entries[nameOf(i)] = denial{Times: denylist.Times{Until: soon}}
		}
		entry := strconv.FormatInt(soon.Add(time.Hour).UnixMilli(), 10) + " *"
		more := encodeHash(nameOf(maxDenials))
		if err := c.apply(more, "1", entry); !errors.Is(err, errTooManyEntries) {
			t.Errorf("one more: %v", err)
		}
		if err := c.apply(encodeHash(nameOf(0)), "1", entry); err != nil {
			t.Errorf("one that is there: %v", err)
		}
		<-time.After(time.Minute)
		if err := c.apply(more, "1", entry); err != nil || len(c.entries) != 2 {
			t.Errorf("after most have ended: %v, %d entries", err, len(c.entries))
		}
	})
}
