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

// A change that Redis made before this instance's own change of the entry is
// ignored: Deny promises that this instance enforces the entry.
func TestOlderChangesAreIgnored(t *testing.T) {
	c, name := newDenialCopy(), nameOf(1)
	until := time.Now().Add(time.Hour)
	spares := strconv.FormatInt(until.UnixMilli(), 10) + " 1000"
	c.add(name, denial{Times: denylist.Times{Until: until}, version: 8})
	for _, entry := range []string{"", spares} {
		if err := c.apply(encodeHash(name), "7", entry); err != nil {
			t.Fatal(err)
		}
		if d := c.entries[name]; d.Until.IsZero() || !d.IssuedBefore.IsZero() {
			t.Errorf("%q of version 7 changed version 8: %+v", entry, d)
		}
	}
	// A rebuilt copy keeps the entries that were added since.
	c.add(nameOf(2), denial{Times: denylist.Times{Until: until}, version: 6})
	c.refresh(time.Now(), newDenialCopy(), 7)
	if len(c.entries) != 1 || c.entries[name].version != 8 {
		t.Errorf("a rebuilt copy of version 7 has %v", c.entries)
	}
	// After a restart, changes of any version apply.
	c.restart()
	if err := c.apply(encodeHash(name), "1", ""); err != nil || len(c.entries) != 0 {
		t.Errorf("%v, %v", c.entries, err)
	}
}

// The copy is limited, and expired entries make room.
func TestCopyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newDenialCopy()
		c.limit = 100
		soon := time.Now().Add(time.Minute)
		for i := range c.limit {
			c.entries[nameOf(i)] = denial{Times: denylist.Times{Until: soon}}
		}
		entry := strconv.FormatInt(soon.Add(time.Hour).UnixMilli(), 10) + " *"
		more := encodeHash(nameOf(c.limit))
		if err := c.apply(more, "1", entry); !errors.Is(err, errTooManyEntries) {
			t.Errorf("one more: %v", err)
		}
		if err := c.apply(encodeHash(nameOf(0)), "1", entry); err != nil {
			t.Errorf("an existing entry: %v", err)
		}
		<-time.After(time.Minute)
		if err := c.apply(more, "1", entry); err != nil || len(c.entries) != 2 {
			t.Errorf("after most have expired: %v, %d entries", err, len(c.entries))
		}
	})
}
