package jwks

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// maxProfiles bounds the profiles that are shared. Programs need a few; this bound
// matters only if each issuer has a profile of its own.
const maxProfiles = 256

// profiles compiles profiles. Issuers with equal profiles share one.
type profiles struct {
	mu     sync.Mutex
	shared map[string]*profile // by the text of the Profile

	// names are the claims to read from a token before its issuer is known: the
	// claims of all shared profiles. Their own Names are forks with the same
	// origin.
	names atomic.Pointer[claims.Names]
}

func newProfiles() *profiles {
	t := new(profiles)
	t.reset()
	return t
}

// reset forgets the shared profiles. Their issuers keep them, and their tokens are
// then read twice.
func (t *profiles) reset() {
	t.shared = make(map[string]*profile)
	t.names.Store(claims.NewNames())
}

func (t *profiles) compile(p Profile) (*profile, error) {
	text := fmt.Sprintf("%#v", p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.shared[text]; c != nil {
		return c, nil
	}
	if len(t.shared) >= maxProfiles {
		t.reset()
	}
	c, err := p.compile(t.names.Load().Fork())
	if err != nil {
		return nil, err
	}
	t.names.Store(c.Names) // has all names of the one that it is a fork of
	t.shared[text] = c
	return c, nil
}
