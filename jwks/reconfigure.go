package jwks

import "errors"

// Reconfigure replaces the configuration. The error reports all mistakes, and then
// nothing changes; after [Verifier.Close] it is an error too. Reconfigure does not
// wait for keys. Concurrent calls take effect one after the other.
//
// An issuer keeps its keys if URL, Keys, InsecureAllowHTTP, the client and the
// timing (RefreshBudget, MaxStale) stay the same. It keeps its cached tokens too if
// everything else about it stays the same, and Config.Leeway and the cache's bounds
// as well. It keeps the Logger and the OnFetch that it was opened with, too, for its
// fetches.
//
// From the time when Reconfigure returns, the tokens of a removed issuer are
// refused, also cached ones. A call of Verify that waits for keys meanwhile judges
// its token by the new configuration.
//
// The answers of [Config.Resolve] are forgotten: each issuer is asked for again
// when its next token comes, and keeps its keys if the answer is the same. So call
// Reconfigure, with the same Config if nothing else has changed, when a tenant must
// not be accepted any more.
func (v *Verifier) Reconfigure(c Config) error {
	next, err := v.compile(c)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return errors.New("jwks: Reconfigure after Close; build another Verifier with New")
	}
	v.replace(next)
	return nil
}

// replace makes next the configuration. Only New calls it without v.mu.
func (v *Verifier) replace(next *snapshot) {
	old := v.current.Load()
	unused := v.inherit(old, next)
	if r := old.resolver; r != nil {
		unused = append(unused, r.retire(next, func() { v.current.Store(next) })...)
	} else {
		v.current.Store(next)
	}
	if next.resolver != nil {
		next.resolver.start()
	}
	for _, i := range unused {
		v.shut(i)
	}
}

// Close stops the background work of v and waits until it has stopped, calls of
// [Config.Resolve] included. Verify then still uses the keys it has, and fetches no
// new ones.
func (v *Verifier) Close() {
	v.close()
	v.resolving.Wait() // without v.mu, since Resolve may call Reconfigure
}

func (v *Verifier) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.closed = true
	s := v.current.Load()
	for _, i := range s.issuers {
		v.shut(i)
	}
	if s.resolver == nil {
		return
	}
	for _, i := range s.resolver.end() {
		v.shut(i)
	}
}
