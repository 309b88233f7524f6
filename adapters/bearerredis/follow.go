package bearerredis

import (
	"context"
	"strconv"
	"time"
)

const (
	// heartbeat is how often Redis is asked for news.
	heartbeat = 500 * time.Millisecond
	// page is how many changes are asked for at a time.
	page = 500
	// relearn is after how long without Redis the copy is made anew: what was
	// taken away in the meantime may no longer be in the news.
	relearn = 30 * time.Minute
)

// position is how far a copy has followed the list.
type position struct {
	version int64
	epoch   string // that it is of
}

// follow keeps the copy up to date until the cache is closed.
func (d *Denials) follow() {
	defer close(d.done)
	var at position
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for once := true; ; once = false {
		at = d.update(at)
		if once {
			close(d.first)
		}
		select {
		case <-tick.C:
		case <-d.cache.closed:
			return
		}
	}
}

// update asks for all news since a position, and returns the one that the copy
// has then.
func (d *Denials) update(at position) position {
	since, into := at, d.copied
	if d.copied.age() > relearn {
		since.version, into = 0, newCopied()
	}
	for {
		asked := time.Now()
		next, changes, err := d.news(since)
		if err != nil {
			return at // the log was told
		}
		if next.epoch != since.epoch {
			// A list that knows nothing of what was in the one before: the copy
			// keeps it.
			into = d.copied
			into.begin()
		}
		for change := changes; len(change) > 0; change = change[3:] {
			if err := into.change(change[0], change[1], change[2]); err != nil {
				d.cache.following.failed(err, nil)
				return at // what is no entry may stand for one
			}
		}
		since = next
		if len(changes) < 3*page {
			d.copied.heardAt(asked, into, since.version)
			d.cache.following.ended()
			return since
		}
	}
}

// news returns what the script of that name does.
func (d *Denials) news(since position) (next position, changes []string, err error) {
	var answer []string
	err = d.cache.run(context.Background(), judge, func(ctx context.Context) (err error) {
		answer, err = d.cache.evalKeys(ctx, news, d.keys, since.version, page, since.epoch).StringSlice()
		return err
	})
	if err != nil {
		return position{}, nil, err
	}
	if len(answer)%3 == 2 {
		if version, err := strconv.ParseInt(answer[0], 10, 64); err == nil {
			return position{version, answer[1]}, answer[2:], nil
		}
	}
	d.cache.following.failed(errNoList, nil)
	return position{}, nil, errNoList
}
