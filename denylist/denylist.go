// Package denylist rejects access tokens that are otherwise valid. An issuer
// cannot revoke a JWT before it expires; a deny list lets the resource server
// do it. An entry denies tokens of one issuer by jti, subject, client or session.
// These are unique only within an issuer (RFC 7519, Sections 4.1.2 and 4.1.7).
//
// [Memory] is a deny list for a single instance. For several instances, use the
// list of package bearerredis. Both implement bearer.DenyList:
//
//	denied, err := denylist.NewMemory(denylist.MemoryConfig{})
//	guard, err := bearer.New(bearer.Config{Verifiers: …, DenyList: denied})
//	// alice signs out everywhere:
//	err = denied.Deny(ctx, denylist.Entry{Issuer: issuer, Subject: "alice",
//		IssuedBefore: time.Now(), Until: time.Now().Add(longestTokenLife)})
package denylist

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

// Entry denies the tokens of one issuer that have a certain jti, subject, client
// or session.
type Entry struct {
	// Issuer is the exact iss of the tokens. Required.
	Issuer string

	// TokenID (jti), Subject (sub), ClientID (client_id) or SessionID (sid)
	// selects the tokens to deny. Required: exactly one of them. Only some
	// issuers put sid into access tokens; docs/sign-out.md lists them.
	TokenID, Subject, ClientID, SessionID string

	// IssuedBefore limits the entry to old tokens, so that a user can sign in
	// again. Tokens are denied unless their iat is later than IssuedBefore plus
	// the list's leeway, in whole seconds. The leeway is needed because the
	// issuer's clock may be ahead; as a consequence, a new token issued within
	// the leeway is denied too, and the client must get another one later. A
	// token without iat is denied. Default: tokens are denied regardless of
	// their iat.
	IssuedBefore time.Time

	// Until is when the entry expires: the exp of the last denied token, or the
	// end of a ban. Required. The list adds its leeway, because verifiers
	// accept tokens for that long after exp. An expired entry denies nothing.
	Until time.Time
}

// List is a bearer.DenyList with methods to change it.
type List interface {
	bearer.DenyList

	// Deny adds an entry. If the list has an entry for the same tokens, Deny
	// merges the two: the later Until and the later IssuedBefore apply, and a
	// zero IssuedBefore counts as later than any other. So Deny never weakens
	// an entry. After an error, the tokens may not be denied.
	Deny(ctx context.Context, e Entry) error

	// Lift removes the entry for the same issuer and jti, subject, client or
	// session. It ignores the times in e. It is not an error if there is no such entry.
	Lift(ctx context.Context, e Entry) error
}

// Kind is the claim by which an [Entry] selects tokens.
type Kind byte

const (
	ByTokenID Kind = iota + 1
	BySubject
	ByClientID
	BySessionID
)

// Key identifies the tokens of an [Entry]. It is for implementations of [List].
type Key struct {
	Kind          Kind
	Issuer, Value string
}

// Key returns the key of e. It ignores the times in e. The error reports all
// mistakes in the other fields.
func (e Entry) Key() (Key, error) {
	var errs []error
	if e.Issuer == "" {
		errs = append(errs, errors.New("denylist: Entry.Issuer is empty; want the iss of the tokens"))
	}
	key, named := Key{Issuer: e.Issuer}, 0
	for kind, value := range map[Kind]string{ByTokenID: e.TokenID, BySubject: e.Subject, ByClientID: e.ClientID, BySessionID: e.SessionID} {
		if value != "" {
			key.Kind, key.Value = kind, value
			named++
		}
	}
	if named != 1 {
		errs = append(errs, fmt.Errorf("denylist: Entry has %d of TokenID, Subject, ClientID and SessionID; want exactly one", named))
	}
	return key, errors.Join(errs...)
}

// Check returns the key of e. The error reports all mistakes in e.
func (e Entry) Check() (Key, error) {
	key, err := e.Key()
	if e.Until.IsZero() {
		err = errors.Join(err, errors.New("denylist: Entry.Until is zero; want the time at which the last of these tokens expires"))
	}
	return key, err
}

// Keys returns the keys that would deny the token of p. The first n elements
// are set: one for each of jti, subject, client and session that the token
// has.
func Keys(p *bearer.Principal) (keys [4]Key, n int) {
	for kind, value := range [...]string{ByTokenID: p.TokenID, BySubject: p.Subject, ByClientID: p.ClientID, BySessionID: p.SessionID} {
		if value != "" {
			keys[n] = Key{Kind(kind), p.Issuer, value}
			n++
		}
	}
	return keys, n
}

// MaxLeeway is the maximum leeway of a list. The verifiers in this module have
// the same maximum.
const MaxLeeway = 5 * time.Minute

// defaultLeeway is also the verifiers' default.
const defaultLeeway = 5 * time.Second

// Leeway returns the leeway to use for a configured value: 5 s, the verifiers'
// default, for zero, and none for a negative value. A value above [MaxLeeway]
// is an error.
func Leeway(configured time.Duration) (time.Duration, error) {
	switch {
	case configured == 0:
		return defaultLeeway, nil
	case configured > MaxLeeway:
		return 0, fmt.Errorf("%v; want at most %v", configured, MaxLeeway)
	}
	return max(configured, 0), nil
}

// Times holds the times of an [Entry] with the leeway added; see [Entry.Times].
// It is for implementations of [List].
type Times struct{ IssuedBefore, Until time.Time }

// Times returns the times of e with the leeway added. The leeway is how far the
// clocks of issuers may differ. It must not be less than the leeway of the
// verifiers.
func (e Entry) Times(leeway time.Duration) Times {
	t := Times{Until: e.Until.Add(leeway)}
	if !e.IssuedBefore.IsZero() {
		t.IssuedBefore = e.IssuedBefore.Add(leeway)
	}
	return t
}

// Denies reports whether an entry with times t denies the token of p at now.
// The entry's key must be one of [Keys].
func (t Times) Denies(p *bearer.Principal, now time.Time) bool {
	// A token without iat is older than any time.
	spared := !t.IssuedBefore.IsZero() && p.IssuedAt.Unix() > t.IssuedBefore.Unix()
	return t.Until.After(now) && !spared
}

// Merge returns the times of the merged entry if the list already has an entry
// with the same key. See [List] on how Deny merges. An existing entry that has
// expired at now is ignored.
func (t Times) Merge(existing Times, now time.Time) Times {
	if !existing.Until.After(now) {
		return t
	}
	if existing.Until.After(t.Until) {
		t.Until = existing.Until
	}
	if existing.IssuedBefore.IsZero() || !t.IssuedBefore.IsZero() && existing.IssuedBefore.After(t.IssuedBefore) {
		t.IssuedBefore = existing.IssuedBefore
	}
	return t
}
