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

// release ends one use of a client. It closes the idle connections after the last
// use.
func (c *clients) release(s clientSettings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shared := c.shared[s]
	if shared == nil {
		return
	}
	if shared.users--; shared.users == 0 {
		delete(c.shared, s)
		shared.CloseIdleConnections()
	}
}
