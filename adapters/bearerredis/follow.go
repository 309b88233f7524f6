package bearerredis

import (
	"context"
	"strconv"
	"time"
)

const (
	// pollInterval is how often an instance asks Redis for changes.
	pollInterval = 500 * time.Millisecond
	// pageSize is how many changes an instance asks for at a time.
	pageSize = 500
	// rebuildAfter is the age at which a copy is rebuilt from scratch: Redis
	// forgets lifted entries after an hour, so an older copy could miss them.
	rebuildAfter = 30 * time.Minute
)

// position identifies a state of the list in Redis.
type position struct {
	version int64
	epoch   string // of the list; changes when Redis loses the list
}

// follow keeps the copy up to date until the client is closed.
func (d *Denials) follow() {
	defer close(d.done)
	var at position
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for first := true; ; first = false {
		at = d.update(at)
		if first {
			close(d.asked)
		}
		select {
		case <-tick.C:
		case <-d.client.closed:
			return
		}
	}
}

// update applies all changes since a position and returns the new position. If
// that fails, it logs the error and returns the old position.
func (d *Denials) update(at position) position {
	since, into := at, d.copy
	if d.copy.age() > rebuildAfter {
		since.version, into = 0, newDenialCopy()
	}
	for {
		asked := time.Now()
		next, changes, err := d.changes(since)
		if err != nil {
			return at
		}
		if next.epoch != since.epoch {
			// Redis lost the old list. The entries in the copy stay in force.
			into = d.copy
			into.restart()
		}
		for change := changes; len(change) > 0; change = change[3:] {
			if err := into.apply(change[0], change[1], change[2]); err != nil {
				d.client.logs.denials.failed(err, nil)
				return at // the malformed change may deny somebody
			}
		}
		since = next
		if len(changes) < 3*pageSize {
			d.copy.refresh(asked, into, since.version)
			d.client.logs.denials.recovered()
			return since
		}
	}
}

// changes reads one page of changes since a position. Each change is a name, a
// version and an entry; see changesScript.
func (d *Denials) changes(since position) (next position, changes []string, err error) {
	var reply []string
	err = d.client.run(context.Background(), readDenials, func(ctx context.Context) (err error) {
		reply, err = d.client.eval(ctx, changesScript, d.keys, since.version, pageSize, since.epoch).StringSlice()
		return err
	})
	if err != nil {
		return position{}, nil, err
	}
	if len(reply)%3 == 2 {
		if version, err := strconv.ParseInt(reply[0], 10, 64); err == nil {
			return position{version, reply[1]}, reply[2:], nil
		}
	}
	d.client.logs.denials.failed(errNotList, nil)
	return position{}, nil, errNotList
}
