package main

import (
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// issuerEffect returns how a fault of its issuer changes the answers to a request,
// at an instance that had keys before.
func issuerEffect(r *request, w window, usual answers) effect {
	switch w.Fault {
	case down, hang, page, huge:
		switch {
		case r.asked():
			return unansweredEffect(r, usual)
		case r.judgedByKey():
			return unfetchedEffect(r, w, usual)
		}
	case empty:
		if r.judgedByKey() {
			e := effect{usual | later, keyWithin, later, usual | later, noKeysWithin}
			if r.kind == hostile { // most are malformed
				e.steady |= usual
			}
			return e
		}
	case foreign:
		if r.kind == opaque {
			return effect{admitted | refused, ageWithin, refused, admitted | refused, ageWithin}
		}
	}
	return effect{}
}

// unansweredEffect is that of an issuer that answers no question about a token.
// What it said before counts for a while.
func unansweredEffect(r *request, usual answers) effect {
	lead := negativeWithin
	if r.kind == opaque || r.kind == revoked {
		lead = ageWithin
	}
	return effect{usual | later, lead + instance.AskTimeout, later, usual | later, askedWithin}
}

// unfetchedEffect is that of an issuer whose keys cannot be fetched. It does not
// reach the tokens of keys that were known before.
func unfetchedEffect(r *request, w window, usual answers) effect {
	settle := keyWithin
	if w.Fault == hang {
		settle = hangWithin
	}
	switch {
	case r.kind == unknown, r.kind == withdrawn, r.token.needs == needsKeys:
		return effect{usual | later, keyWithin, later, usual | later, settle}
	case r.kind == hostile && r.token.published.Add(keyWithin).Before(w.Begin):
		return effect{}
	case r.token.unborn && r.token.published.After(w.Begin):
		return effect{0, 0, later, usual | later, settle}
	case r.token.published.Add(keyWithin).After(w.Begin):
		return effect{usual | later, 0, usual | later, usual | later, settle}
	}
	return effect{}
}

// coldEffect returns how a fault of an issuer changes the answers of an instance
// that was started meanwhile, or so shortly before that it may not have got the keys,
// and since when. Such an instance has no keys: nothing
// that a key decides may be admitted, or refused.
func coldEffect(r *request, w window, usual answers, since life) (effect, time.Time) {
	const fetching = 2 * time.Second
	start := since.started
	if since.served.Add(fetching).Before(w.Begin) || start.After(w.ended()) {
		return effect{}, w.Begin
	}
	settle := noKeysWithin
	if w.Fault == hang {
		settle = hangWithin
	}
	loose := usual | later
	switch {
	case r.asked() && w.Fault != empty:
		return effect{loose, 0, loose, loose, askedWithin}, start
	case !r.judgedByKey():
		return effect{}, w.Begin
	case r.kind == hostile, start.Before(w.Begin):
		return effect{loose, 0, loose, loose, settle}, start
	}
	return effect{0, 0, later, loose, settle}, start
}

// redisEffect returns how a fault of the side's Redis changes the answers to a
// request. Only proofs need Redis: opaque tokens are asked about at the issuer,
// and the deny list is known (see [oracle.denial]).
func redisEffect(r *request, w window, usual answers) effect {
	if r.kind != proven && r.kind != replayed {
		return effect{}
	}
	loose := usual | later
	switch w.Fault {
	case kill, freeze:
		return effect{loose, redisWithin, later, loose, redisWithin}
	case failover, frozen:
		if r.kind == replayed && r.firstAt.After(w.Begin.Add(-unreplicated)) && r.firstAt.Before(w.ended()) {
			loose |= admitted
		}
	}
	return effect{0, 0, loose, loose, redisWithin}
}
