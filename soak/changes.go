package main

import (
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// gone adds a token to a list of those that are good no longer.
func gone(list []token, t token) []token {
	if len(list) == maxGone {
		list = append([]token(nil), list[1:]...) // readers may have the old list
	}
	return append(list, t)
}

// rotate replaces the rotating key at once, and mints new tokens for the old ones.
func (p *purse) rotate() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	// From now on an instance may learn that the old key is gone, and a request
	// with an old token may be under way.
	before := time.Now()
	if _, err := p.issuer.Rotate(rotating); err != nil {
		return err
	}
	p.published[rotating] = time.Now()
	p.replace(rotating, before)
	p.fillHostile()
	return nil
}

// addKey publishes the successor of the withdrawing key.
func (p *purse) addKey() (old string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old = p.kid
	kid, err := p.issuer.AddKey(withdrawing)
	p.kid = kid
	p.published[withdrawing] = time.Now()
	return old, err
}

// withdraw withdraws a key that has a successor.
func (p *purse) withdraw(kid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := time.Now()
	p.issuer.Withdraw(kid)
	p.replace(withdrawing, before)
}

// replace moves the tokens of an algorithm to the withdrawn ones, and mints new
// tokens in their place. The caller holds mu.
func (p *purse) replace(algorithm string, at time.Time) {
	for i, old := range p.pool {
		if old.algorithm == algorithm {
			old.event, old.published = at, time.Time{}
			p.withdrawn = gone(p.withdrawn, old.token)
			p.pool[i].token = p.mint(algorithm, bearertest.Token{})
		}
	}
}

// maxBorn is how many keys of newborn tokens stay published: requests with the
// last ones may be under way.
const maxBorn = 4

// bear publishes a new key that signs the newborn token. Hidden says that no
// instance can fetch the key while the present fault is in force.
func (p *purse) bear(hidden bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	kid, err := p.issuer.AddKey(replacing)
	if p.born = append(p.born, kid); len(p.born) > maxBorn {
		p.issuer.Withdraw(p.born[0])
		p.born = p.born[1:]
	}
	p.published[replacing] = time.Now()
	p.unborn = hidden
	p.newborn = p.mint(replacing, bearertest.Token{})
	p.unborn = false
	return err
}

// revoke revokes an opaque token in use, and mints another one in its place.
func (p *purse) revoke() {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.opaque[0]
	p.opaque = append(append([]token(nil), p.opaque[1:]...), p.mintOpaque())
	old.revoked.Store(true) // before it is true, since requests are under way
	p.issuer.Revoke(old.value)
	old.event = time.Now()
	p.revoked = gone(p.revoked, old)
}

// deny passes a new token to tell, which denies it, and keeps it if that worked.
func (p *purse) deny(tell func(id string) bool) {
	p.mu.Lock()
	one := p.mint(lasting, bearertest.Token{})
	p.mu.Unlock()
	if !tell(one.id) {
		return // it may be denied or not
	}
	one.event = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied = gone(p.denied, one)
}
