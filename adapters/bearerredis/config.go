package bearerredis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/denylist"
)

// Config configures a [Client].
type Config struct {
	// Address is required: HOST:PORT, or a URL such as
	// "redis://user:password@host:port/db", or rediss:// for TLS. The query of a
	// URL may contain client_name, db and pool_size (connections of this
	// instance, by default 10 per CPU). New rejects other parameters, since some
	// would silently weaken security, such as skip_verify.
	//
	// For Redis Cluster, name several of its nodes, or one node and
	// cluster=true:
	//
	//	rediss://user:password@node1:6379?addr=node2:6379&addr=node3:6379
	//	rediss://user:password@clustercfg.example.com:6379?cluster=true
	//
	// For Sentinel, name all Sentinels and the master. User and password are
	// those of Redis; Sentinel's have their own parameters. The port of the
	// first Sentinel may be omitted if it is 26379:
	//
	//	rediss://user:password@sentinel1:26379/0?addr=sentinel2:26379&addr=sentinel3:26379&master_name=mymaster&sentinel_username=app&sentinel_password=secret
	//
	// The user, the password, the scheme and pool_size then apply to each node.
	Address string

	// Prefix begins the name of every key and of the channel. Programs share a
	// cache by using the same prefix. Default: "bearerkit:".
	Prefix string

	// Timeout limits each call of Get, Set, Burn, Deny and Lift. Default:
	// 100 ms. A negative Timeout is a mistake: a request must not wait for a
	// cache without a limit.
	Timeout time.Duration

	// DenialsMaxStale is how long an instance trusts its copy of the deny list
	// while Redis is unavailable. After that the guard answers 503. The time
	// also counts from the start of the program, which knows no entries before
	// it has reached Redis. Default: 5 min. Minimum: 2 s.
	DenialsMaxStale time.Duration

	// DenialsLeeway is the clock difference between issuers and this program
	// that the deny list tolerates: it extends the times of every entry, as
	// denylist.Entry documents. Set it to the longest Leeway of your verifiers.
	// Default: 5 s, which is also the default of the verifiers. Maximum: 5 min.
	// Negative: none.
	DenialsLeeway time.Duration

	// ProofsPerOwner limits how many used proofs Redis remembers for one user,
	// or for a client that acts for itself, so that no client can fill Redis.
	// The count restarts when its first proof expires, so the number of stored
	// proofs can briefly be twice the limit. Default: 25,000, about 380 per
	// second at the default lifetime of 65 s. Negative: unlimited.
	ProofsPerOwner int

	// TLSConfig is used with a rediss:// address, for example to trust a private
	// certificate authority. It is copied. Nil: the system's roots, TLS 1.2 or
	// newer, and the host name of the address.
	TLSConfig *tls.Config

	// Logger receives a warning when Redis fails, at most once a minute for each
	// reason, and a line when Redis has recovered. Nil: no log.
	Logger *slog.Logger
}

const minStale = 2 * time.Second

// complete sets the defaults of c and returns its parsed address, or all mistakes
// in c. Errors never quote the address: any part of it may contain a password.
func (c *Config) complete() (*topology, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearerredis: Config."+format, args...))
	}
	if c.Prefix == "" {
		c.Prefix = "bearerkit:"
	}
	if strings.ContainsFunc(c.Prefix, func(r rune) bool { return r <= ' ' || r > '~' }) {
		mistake("Prefix %q: want visible ASCII characters without spaces", c.Prefix)
	}
	if c.Timeout == 0 {
		c.Timeout = 100 * time.Millisecond
	}
	if c.Timeout < 0 {
		mistake("Timeout %v: want a positive duration", c.Timeout)
	}
	if c.ProofsPerOwner == 0 {
		c.ProofsPerOwner = 25_000
	}
	if c.DenialsMaxStale == 0 {
		c.DenialsMaxStale = 5 * time.Minute
	}
	if c.DenialsMaxStale < minStale {
		mistake("DenialsMaxStale %v: want at least %v; an instance may need that long to read the list", c.DenialsMaxStale, minStale)
	}
	leeway, err := denylist.Leeway(c.DenialsLeeway)
	if err != nil {
		mistake("DenialsLeeway %w", err)
	}
	c.DenialsLeeway = leeway
	address, err := parseAddress(c.Address)
	if err != nil {
		mistake("Address: %w", err)
	}
	if c.TLSConfig != nil && address != nil && address.options != nil && address.options.TLSConfig == nil {
		mistake("TLSConfig: want a rediss:// URL in Address")
	}
	if address != nil && address.cluster && emptyTag(c.Prefix) {
		mistake("Prefix %q: its first { needs text before the next }, or the Cluster spreads the deny list over several nodes", c.Prefix)
	}
	return address, errors.Join(errs...)
}
