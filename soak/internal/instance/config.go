// Package instance is the API that the soak puts under load: one process with a
// framework, two guards and a listener for the driver.
package instance

import "time"

// Audience and Origin are what the issuers and the clients call the API.
const (
	Audience = "https://api.example.com"
	Origin   = "https://api.example.com"
	Scope    = "orders:read"
	ClientID = "orders-api"
)

// The settings that decide how soon an instance must be right again after a fault.
// They are shorter than the defaults, so that a short run shows every recovery.
const (
	RefreshBudget  = 2 * time.Second
	MaxAge         = 4 * time.Second
	NegativeAge    = 2 * time.Second
	AskTimeout     = 2 * time.Second
	RedisTimeout   = time.Second
	CacheEntries   = 500
	ShutdownWithin = 20 * time.Second // longer than the 9 s that a request waits for keys
)

// Side is one half of the API: the routes below its path, with an issuer and a
// Redis of their own. A fault of one side must not reach the other.
type Side struct {
	Path   string // a path segment
	Issuer string // URL
	Secret string // of the API as a client of the issuer's introspection endpoint
	Redis  string // address, as in bearerredis.Config
}

// Config is what the driver writes to the standard input of an instance, as JSON.
type Config struct {
	Framework string
	Listen    string // HOST:PORT, with TLS
	Control   string // HOST:PORT of the driver's listener
	Cert, Key []byte // PEM
	Sides     []Side
}

// Frameworks returns the names that Config.Framework may have.
func Frameworks() []string { return []string{"nethttp", "echo", "gin", "echo5"} }

// State is what the driver's listener says about the instance.
type State struct {
	Goroutines  int
	Files       int    // open files and sockets, or zero where they cannot be counted
	Heap        uint64 // bytes of live objects after a collection
	Connections int    // of clients
	Fetches     uint64 // of keys
	Questions   uint64 // to introspection endpoints
	Ready       bool   // the keys of all issuers are there
}

// Denial is what the driver posts to deny a token.
type Denial struct {
	Side    int
	TokenID string
	Until   time.Time
}
