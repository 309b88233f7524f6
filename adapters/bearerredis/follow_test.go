package bearerredis

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/denylist"
)

// follower returns a list that the test updates by hand.
func follower(t *testing.T) *Denials {
	t.Helper()
	server := redistest.New(t, redistest.Config{})
	c, err := New(Config{Address: server.Address(), Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.newDenials()
}

func (d *Denials) mustDeny(t *testing.T, subject string) {
	t.Helper()
	if err := d.Deny(t.Context(), denylist.Entry{Issuer: "i", Subject: subject, Until: time.Now().Add(2 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
}

func (d *Denials) knows(subject string) bool {
	_, known := d.copy.entries[denialName(denylist.Key{Kind: denylist.BySubject, Issuer: "i", Value: subject})]
	return known
}

// A rebuilt copy drops lifted entries, but no entries that Redis has merely lost.
func TestRebuild(t *testing.T) {
	t.Parallel()
	d := follower(t)
	d.mustDeny(t, "alice")
	at := d.update(position{})
	if at.epoch == "" || at.version == 0 || !d.knows("alice") {
		t.Fatalf("%+v", at)
	}
	d.copy.entries[nameOf(1)] = denial{Times: denylist.Times{Until: time.Now().Add(time.Hour)}} // lifted two hours ago
	d.copy.asOf = time.Now().Add(-2 * time.Hour)
	if at = d.update(at); !d.knows("alice") || len(d.copy.entries) != 1 {
		t.Errorf("the same list: %v", d.copy.entries)
	}
	other := d.client.newDenials() // another instance's
	if err := d.client.redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	other.mustDeny(t, "bob")
	d.copy.asOf = time.Now().Add(-2 * time.Hour)
	if d.update(at); !d.knows("alice") || !d.knows("bob") || len(d.copy.entries) != 2 {
		t.Errorf("another list: %v", d.copy.entries)
	}
}

// After Redis has lost the list, no entry of the new list is missed, even if clocks
// differ and the new version is already higher than the old one.
func TestNewListIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	d := follower(t)
	d.mustDeny(t, "alice")
	at := d.update(position{})
	at.version = time.Now().Add(30 * time.Minute).UnixMilli() // by an instance whose clock is ahead
	other := d.client.newDenials()
	if err := d.client.redis.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	other.mustDeny(t, "bob")
	ahead := time.Now().Add(time.Hour).UnixMilli()
	if err := d.client.eval(t.Context(), liftScript, d.keys, ahead, encodeHash(nameOf(1)), "epoch").Err(); err != nil {
		t.Fatal(err)
	}
	if at = d.update(at); at.version < ahead || !d.knows("bob") {
		t.Errorf("it is at %+v, and knows %v", at, d.copy.entries)
	}
}
