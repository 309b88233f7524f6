package jwks

import (
	"net/http"
	"sync"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// clients are the HTTP clients of the key sources. Sources with equal settings
// share one, and so its connections. The zero clients is empty and ready to use.
type clients struct {
	mu     sync.Mutex
	shared map[clientSettings]*sharedClient
}

type clientSettings struct {
	base         *http.Client // nil: the default
	insecureHTTP bool
	resolved     bool // Config.Resolve returned base; see release
}

type sharedClient struct {
	*fetch.Client
	users int
}

// get returns the client with the given settings. Call release when its key source
// is closed.
func (c *clients) get(s clientSettings) *fetch.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.shared[s]
	if shared == nil {
		shared = &sharedClient{Client: fetch.New(s.base, s.insecureHTTP)}
		if c.shared == nil {
			c.shared = make(map[clientSettings]*sharedClient)
		}
		c.shared[s] = shared
	}
	shared.users++
	return shared.Client
}

// release ends one use of a client. After the last use, it closes the idle
// connections of a default client, and of one that Config.Resolve returned: the
// program cannot know when that is no longer used.
func (c *clients) release(s clientSettings) {
	unused := c.forget(s)
	if unused == nil {
		return
	}
	unused.CloseIdleConnections()
	if s.resolved && s.base.Transport != nil { // otherwise unused has another transport
		s.base.CloseIdleConnections()
	}
}

// forget ends one use of a client, and returns the client after the last one.
func (c *clients) forget(s clientSettings) *fetch.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.shared[s]
	if shared == nil {
		return nil
	}
	if shared.users--; shared.users > 0 {
		return nil
	}
	delete(c.shared, s)
	return shared.Client
}
