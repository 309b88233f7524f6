package keysource

import (
	"log/slog"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Config configures a [Source].
type Config struct {
	// Issuer is the issuer identifier. Errors and log records contain it
	// unchanged, so the caller must have checked it. Required for discovery
	// and with MetadataURL.
	Issuer string

	// JWKSURI is the URL of the key set. Default: the jwks_uri of the issuer's
	// metadata.
	JWKSURI string

	// MetadataURL is the URL of the issuer's metadata. Default: the well-known
	// URLs of Issuer.
	MetadataURL string

	// File is the path of a file with a JWK set or PEM, which is read every
	// 2 s. Its keys without an ID match any key ID. Default: the keys are
	// fetched.
	File string

	// Client makes the requests, and decides which URLs may use http. Sources may
	// share it, so Close leaves its connections open. Default: a client of this
	// source alone, fetch.New(nil, InsecureHTTP).
	Client *fetch.Client

	// InsecureHTTP allows a nil Client to use http beyond loopback.
	InsecureHTTP bool

	// RefreshBudget is the least time between fetches that unknown keys cause,
	// after a burst of two. Zero or less: 10 s.
	RefreshBudget time.Duration

	// MaxStale is how long a key may be used after it was fetched, even if no
	// later fetch succeeds. Zero or less: 24 h.
	MaxStale time.Duration

	// OnDemand makes the source fetch at once, and then only for lookups and
	// after [Source.Touch]: an unused source fetches nothing, and the next
	// lookup waits for fresh keys. Default: the source keeps its keys fresh.
	OnDemand bool

	// Delay postpones the first fetch in the background, so that a program with
	// many issuers does not ask all of them at once. A lookup does not wait for
	// it. It has no effect on a File.
	Delay time.Duration

	// Logger receives a record of failed fetches and of skipped keys. Default:
	// no logging.
	Logger *slog.Logger

	// OnFetch is called after each fetch over HTTP, unless Close ended it.
	// Default: nothing is called.
	OnFetch func(Fetch)

	// Random returns a random duration of at least zero and less than n. It
	// spreads the fetches of programs that were started together. A test that
	// must be repeatable sets it. Default: [rand.N].
	Random func(n time.Duration) time.Duration
}
