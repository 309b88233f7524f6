package denylist

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// receipt is what became of an accepted event.
type receipt struct {
	event  *bearer.SecurityEvent
	report report
	result string
}

// The results of accepted events, for the log.
const (
	resultDenied   = "denied"
	resultRepeated = "repeated: the event was accepted before"
	resultOld      = "nothing to do: all tokens from before the event have expired"
	resultIgnored  = "nothing to do: the receiver knows none of these events"
)

// receive verifies an event and denies the tokens that it concerns.
func (rc *Receiver) receive(ctx context.Context, p protocol, token string) (*receipt, *refusal) {
	event, err := rc.config.Verifier.VerifyEvent(ctx, token)
	if err != nil {
		return nil, refusalOf(err)
	}
	report, refused := rc.judge(p, event)
	if refused != nil {
		refused.reason.Principal = &bearer.Principal{Issuer: event.Issuer, TokenID: event.TokenID}
		return nil, refused
	}
	done := &receipt{event: event, report: report}
	if done.result, refused = rc.apply(ctx, event, report); refused != nil {
		return nil, refused
	}
	return done, nil
}

// judge checks what the verifier left open, and returns what the event reports.
func (rc *Receiver) judge(p protocol, event *bearer.SecurityEvent) (report, *refusal) {
	types := []string{"logout+jwt", "jwt", ""} // the type is recommended (Back-Channel Logout, Section 2.4)
	if p == push {
		types = []string{"secevent+jwt"} // RFC 8417, Section 2.3
	}
	if !slices.Contains(types, event.Type) {
		return report{}, invalidRequest("typ", fmt.Sprintf("one of %q", types), fmt.Sprintf("%.64q", event.Type))
	}
	if !slices.ContainsFunc(event.Audience, func(a string) bool { return slices.Contains(rc.config.Audience, a) }) {
		refused := invalidRequest("aud", fmt.Sprintf("one of %q (ReceiverConfig.Audience)", rc.config.Audience),
			fmt.Sprintf("%.200q", strings.Join(event.Audience, " ")))
		refused.code = invalidAudience
		return report{}, refused
	}
	r := reader{event: event, withSID: !slices.Contains(rc.config.IssuersWithoutSID, event.Issuer)}
	found, reason := r.read(p)
	if reason != nil {
		return report{}, &refusal{http.StatusBadRequest, invalidRequestCode, reason}
	}
	return found, nil
}

// changeTimeout limits the change of the list. The change goes on if the issuer
// disconnects: the sign-out should not depend on its patience.
const changeTimeout = 5 * time.Second

// apply adds the entries of a report to the list and returns the result for the
// log. Only then it remembers the event: an event whose entries could not be added
// must count as new when the issuer sends it again. Adding them twice, as after a
// crash in between, changes nothing.
func (rc *Receiver) apply(ctx context.Context, event *bearer.SecurityEvent, r report) (string, *refusal) {
	now := time.Now()
	life := rc.config.MaxTokenLife + MaxLeeway
	switch {
	case len(r.entries) == 0:
		return resultIgnored, nil
	case now.Sub(event.IssuedAt) > life:
		return resultOld, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), changeTimeout)
	defer cancel()
	seen := memoryOf(event, event.IssuedAt.Add(life+MaxLeeway))
	switch repeated, refused := rc.remembers(ctx, seen); {
	case refused != nil:
		return "", refused
	case repeated:
		return resultRepeated, nil
	}
	for _, e := range r.entries {
		e.Issuer, e.Until = event.Issuer, now.Add(life)
		if err := rc.config.List.Deny(ctx, e); err != nil {
			return "", unavailable("deny list", err)
		}
	}
	for _, e := range [...]Entry{seen.event, seen.id} {
		if err := rc.config.List.Deny(ctx, e); err != nil {
			return "", unavailable("deny list", err)
		}
	}
	return resultDenied, nil
}

// memory has the entries by which a list remembers an event: one for its jti, and
// one for all its claims. They have the form of entries by token ID, but no token
// has such an ID, because it is a hash. So instances that share a list also share
// what they remember.
type memory struct{ id, event Entry }

// memoryOf returns the memory of an event. An event that is delivered after the
// given time has no effect, and an expired one is refused, so nothing needs to be
// remembered for longer.
func memoryOf(event *bearer.SecurityEvent, until time.Time) memory {
	if exp := event.Expires.Add(MaxLeeway); !event.Expires.IsZero() && exp.Before(until) {
		until = exp
	}
	entry := func(kind, text string) Entry {
		sum := sha256.Sum256([]byte(text))
		return Entry{Issuer: event.Issuer, TokenID: kind + base64.RawURLEncoding.EncodeToString(sum[:]), Until: until}
	}
	return memory{id: entry("event-jti:", event.TokenID), event: entry("event:", event.Claims)}
}

// remembers reports whether the list remembers the event. It refuses another event
// with the same jti (Back-Channel Logout, Section 2.6). The claims decide whether
// two events are the same, so an issuer may sign an event again.
func (rc *Receiver) remembers(ctx context.Context, m memory) (bool, *refusal) {
	for i, e := range [...]Entry{m.event, m.id} {
		known, err := rc.config.List.Denied(ctx, &bearer.Principal{Issuer: e.Issuer, TokenID: e.TokenID})
		switch {
		case err != nil:
			return false, unavailable("deny list", err)
		case known && i == 0:
			return true, nil
		case known:
			return false, invalidRequest("jti", "a jti that no other event has", "that of another event")
		}
	}
	return false, nil
}
