// Package denylist names access tokens that are refused although they verify: a
// JWT cannot be taken back by its issuer, and this is the resource server's own
// way to do so. A token is denied by its jti, its subject or its client, each of
// one issuer, as RFC 7519, Sections 4.1.2 and 4.1.7 say that they are unique
// there.
//
// [Memory] is a list of one instance. That of bearerredis.Cache.Denials is
// shared. Each is a bearer.DenyList, for bearer.Config:
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

// Entry denies the tokens of one issuer that have one jti, or one subject, or
// one client.
type Entry struct {
	// Issuer is the tokens' iss, exactly. Required.
	Issuer string

	// TokenID (jti), Subject (sub) or ClientID (client_id) is what denied
	// tokens have. Required: exactly one of these.
	TokenID, Subject, ClientID string

	// IssuedBefore spares the tokens of a user who signs in again: those whose
	// iat is later than this time plus the list's leeway, compared in whole
	// seconds as iat has them. The issuer's clock may be ahead of ours by the
	// leeway, so a token that looks newer may be older than IssuedBefore. A
	// client that gets a new token within the leeway is denied too, and has to
	// get another one. A token without iat is denied. Default: tokens are
	// denied whenever they were issued.
	IssuedBefore time.Time

	// Until is when the last of the denied tokens expires (its exp), or when a
	// ban is over. Required. The entry lasts longer than this by the list's
	// leeway, as verifiers accept tokens for that long after their exp. An
	// entry that is over denies nothing.
	Until time.Time
}

// List is a bearer.DenyList that can be changed.
type List interface {
	bearer.DenyList

	// Deny adds an entry. One that is there for the same tokens is never
	// weakened: the later Until holds, and the later IssuedBefore, of which
	// none is the latest. An error says that the tokens are not denied.
	Deny(ctx context.Context, e Entry) error

	// Lift takes the entry away that Deny added for the same issuer and jti,
	// subject or client, if there is one. Its times are not looked at.
	Lift(ctx context.Context, e Entry) error
}

// Kind says by what an [Entry] denies tokens.
type Kind byte

const (
	ByTokenID Kind = iota + 1
	BySubject
	ByClientID
)

// Key is what the tokens that an [Entry] denies have in common, for stores.
type Key struct {
	Kind          Kind
	Issuer, Value string
}

// Key returns the key of e, or all that is wrong with its names.
func (e Entry) Key() (Key, error) {
	var errs []error
	if e.Issuer == "" {
		errs = append(errs, errors.New("denylist: Entry.Issuer is empty; want the iss of the tokens"))
	}
	key, named := Key{Issuer: e.Issuer}, 0
	for kind, value := range map[Kind]string{ByTokenID: e.TokenID, BySubject: e.Subject, ByClientID: e.ClientID} {
		if value != "" {
			key.Kind, key.Value = kind, value
			named++
		}
	}
	if named != 1 {
		errs = append(errs, fmt.Errorf("denylist: Entry has %d of TokenID, Subject and ClientID; want exactly one", named))
	}
	return key, errors.Join(errs...)
}

// Check returns the key of e, or all that is wrong with e.
func (e Entry) Check() (Key, error) {
	key, err := e.Key()
	if e.Until.IsZero() {
		err = errors.Join(err, errors.New("denylist: Entry.Until is zero; want the time at which the last of these tokens has expired"))
	}
	return key, err
}

// Keys returns the keys by which the token of p may be denied, and how many of
// the three there are: a token without a jti cannot be denied by it.
func Keys(p *bearer.Principal) (keys [3]Key, n int) {
	for kind, value := range [...]string{ByTokenID: p.TokenID, BySubject: p.Subject, ByClientID: p.ClientID} {
		if value != "" {
			keys[n] = Key{Kind(kind), p.Issuer, value}
			n++
		}
	}
	return keys, n
}

// MaxLeeway is the most that the leeway of a list may be, as it is of the
// verifiers in this module.
const MaxLeeway = 5 * time.Minute

// Leeway returns the leeway for a value in a configuration: zero is the default
// of 5 s, which is the verifiers' default too, and a negative one is none. More
// than [MaxLeeway] is an error.
func Leeway(configured time.Duration) (time.Duration, error) {
	switch {
	case configured == 0:
		return 5 * time.Second, nil
	case configured > MaxLeeway:
		return 0, fmt.Errorf("%v; want at most %v", configured, MaxLeeway)
	}
	return max(configured, 0), nil
}

// Times are the times of an [Entry] with the leeway added, for stores. See
// [Entry.Times].
type Times struct{ IssuedBefore, Until time.Time }

// Times returns the times that a store keeps of e. The leeway is how far an
// issuer's clock may be off: a list needs at least that of the verifiers.
func (e Entry) Times(leeway time.Duration) Times {
	t := Times{Until: e.Until.Add(leeway)}
	if !e.IssuedBefore.IsZero() {
		t.IssuedBefore = e.IssuedBefore.Add(leeway)
	}
	return t
}

// Denies reports whether an entry of these times, for which p has the name,
// denies the token of p at now.
func (t Times) Denies(p *bearer.Principal, now time.Time) bool {
	spared := !t.IssuedBefore.IsZero() && !p.IssuedAt.IsZero() && p.IssuedAt.Unix() > t.IssuedBefore.Unix()
	return t.Until.After(now) && !spared
}

// Over returns what t becomes over the times that are there for the same
// tokens, as [List] says of Deny.
func (t Times) Over(there Times, now time.Time) Times {
	if !there.Until.After(now) {
		return t
	}
	if there.Until.After(t.Until) {
		t.Until = there.Until
	}
	if there.IssuedBefore.IsZero() || !t.IssuedBefore.IsZero() && there.IssuedBefore.After(t.IssuedBefore) {
		t.IssuedBefore = there.IssuedBefore
	}
	return t
}
