package main

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// The answers that the documentation promises, at each part of a fault.
func TestAllowed(t *testing.T) {
	const lasts = 30 * time.Second
	began := time.Now().Add(-time.Hour)
	known := token{published: began.Add(-time.Minute)}
	hidden := token{published: began.Add(time.Second), unborn: true}
	gone := token{event: began.Add(-time.Minute)}
	tests := []struct {
		name  string
		track track
		fault fault
		kind  kind
		token token
		at    time.Duration // since the beginning of the fault
		want  answers
	}{
		{"before an outage", issuerA, down, good, known, -time.Second, admitted},
		{"an outage, a known key", issuerA, down, fresh, known, 20 * time.Second, admitted},
		{"an outage, expired under a known key", issuerA, down, expired, known, 20 * time.Second, refused},
		{"an outage has just begun, an unknown key", issuerA, down, unknown, token{}, time.Second, refused | later},
		{"an outage, an unknown key", issuerA, down, unknown, token{}, 20 * time.Second, later},
		{"an outage, a key that nobody could fetch", issuerA, down, newborn, hidden, 2 * time.Second, later},
		{"an outage is over, a key that nobody could fetch", issuerA, down, newborn, hidden, lasts + time.Second, admitted | later},
		{"the budget allowed a fetch since", issuerA, down, newborn, hidden, lasts + keyWithin, admitted},
		{"a hanging issuer is well again", issuerA, hang, newborn, hidden, lasts + keyWithin, admitted | later},
		{"no fetch can hang any more", issuerA, hang, newborn, hidden, lasts + hangWithin, admitted},
		{"an outage has just begun, opaque", issuerA, down, opaque, token{}, time.Second, admitted | later},
		{"an outage, no answer is believed any more", issuerA, down, opaque, token{}, 20 * time.Second, later},
		{"an outage, a revoked token", issuerA, down, revoked, gone, 20 * time.Second, later},
		{"an outage is over, opaque", issuerA, down, opaque, token{}, lasts + askedWithin, admitted},
		{"an outage, no token", issuerA, down, anonymous, token{}, 20 * time.Second, refused},
		{"an outage of the other side", issuerB, down, opaque, token{}, 20 * time.Second, admitted},
		{"an empty set, a known token", issuerA, empty, good, known, 20 * time.Second, later},
		{"an empty set is over", issuerA, empty, good, known, lasts + noKeysWithin, admitted},
		{"an empty set, opaque", issuerA, empty, opaque, token{}, 20 * time.Second, admitted},
		{"a foreign answer, opaque", issuerA, foreign, opaque, token{}, 20 * time.Second, refused},
		{"a foreign answer, a JWT", issuerA, foreign, good, known, 20 * time.Second, admitted},
		{"Redis is down, DPoP", oneRedis, kill, proven, known, 20 * time.Second, later},
		{"Redis is back, DPoP", oneRedis, kill, proven, known, lasts + redisWithin, admitted},
		{"Redis is down, opaque", oneRedis, kill, opaque, token{}, 20 * time.Second, admitted},
		{"Redis is down, denied before", oneRedis, freeze, denied, gone, 20 * time.Second, refused},
		{"the Cluster is down, one Redis is not", cluster, failover, proven, known, 20 * time.Second, admitted},
		{"a graceful stop", instances, graceful, good, known, time.Second, admitted | none},
		{"another instance stops", instances + 1, graceful, good, known, time.Second, admitted},
	}
	for _, tt := range tests {
		w := newWorld()
		w.windows = []*window{{Track: tt.track, Fault: tt.fault, Begin: began, End: began.Add(lasts)}}
		w.started[instances] = &life{began.Add(-time.Hour), began.Add(-time.Hour)}
		from := began.Add(tt.at)
		r := &request{kind: tt.kind, token: tt.token, from: from, to: from.Add(time.Millisecond)}
		if got := (oracle{w}).allowed(r); got != tt.want {
			t.Errorf("%s: allowed %v, want %v", tt.name, got, tt.want)
		}
	}
}

// An instance without keys decides nothing that a key decides.
func TestAllowedWithoutKeys(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	w := newWorld()
	w.windows = []*window{{Track: issuerA, Fault: down, Begin: began, End: began.Add(time.Minute)}}
	w.started[instances] = &life{began.Add(10 * time.Second), began.Add(11 * time.Second)}
	for _, tt := range []struct {
		kind kind
		at   time.Duration
		want answers
	}{
		{good, 30 * time.Second, later},
		{expired, 30 * time.Second, later},
		{stolen, 30 * time.Second, later},
		{anonymous, 30 * time.Second, refused},
		{good, time.Minute + time.Second, admitted | later},
		{good, time.Minute + noKeysWithin, admitted},
	} {
		from := began.Add(tt.at)
		r := &request{kind: tt.kind, from: from, to: from.Add(time.Millisecond)}
		if got := (oracle{w}).allowed(r); got != tt.want {
			t.Errorf("%s after %v: allowed %v, want %v", tt.kind, tt.at, got, tt.want)
		}
	}
}

// What a failover may lose is allowed, and nothing else.
func TestAllowedAfterAFailover(t *testing.T) {
	began := time.Now().Add(-time.Hour)
	w := newWorld()
	w.windows = []*window{{Track: cluster, Fault: failover, Begin: began, End: began.Add(5 * time.Second)}}
	for _, tt := range []struct {
		name string
		used time.Duration
		want answers
	}{
		{"used long before", -2 * unreplicated, refused | later},
		{"used just before", -unreplicated / 2, admitted | refused | later},
	} {
		r := &request{kind: replayed, side: 1, first: admitted, firstAt: began.Add(tt.used), from: began.Add(time.Second), to: began.Add(time.Second)}
		if got := (oracle{w}).allowed(r); got != tt.want {
			t.Errorf("a proof %s: allowed %v, want %v", tt.name, got, tt.want)
		}
		r = &request{kind: denied, side: 1, token: token{event: began.Add(tt.used)}, from: began.Add(time.Minute), to: began.Add(time.Minute)}
		if got, want := (oracle{w}).allowed(r), tt.want&^later; got != want {
			t.Errorf("a token denied as a proof is %s: allowed %v, want %v", tt.name, got, want)
		}
	}
}

func TestAllowedAfterAChange(t *testing.T) {
	now := time.Now()
	for _, tt := range []struct {
		kind kind
		ago  time.Duration
		want answers
	}{
		{revoked, time.Second, admitted | refused},
		{revoked, instance.MaxAge + slack, refused},
		{denied, 500 * time.Millisecond, admitted | refused},
		{denied, time.Second + slack, refused},
		{withdrawn, time.Second, admitted | refused | later},
		{withdrawn, withdrawnWithin, refused},
	} {
		r := &request{kind: tt.kind, token: token{event: now.Add(-tt.ago)}, from: now, to: now.Add(time.Millisecond)}
		if got := (oracle{newWorld()}).allowed(r); got != tt.want {
			t.Errorf("%s %v ago: allowed %v, want %v", tt.kind, tt.ago, got, tt.want)
		}
	}
}
