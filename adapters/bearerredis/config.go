package bearerredis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/bearerkit/bearerkit/denylist"
)

// Config says which Redis a [Cache], its [Replays] and its [Denials] use, and how.
type Config struct {
	// Address is required: HOST:PORT, or a URL such as
	// "redis://user:password@host:port/db", or rediss:// for TLS. A URL's query
	// may have client_name, db and pool_size (connections of this instance,
	// 10 a CPU by default); nothing else, since the rest is decided here, and
	// skip_verify would switch a check off too quietly.
	Address string

	// Prefix begins every key in Redis, and the name of the channel. Programs
	// that share a cache have it in common. Default "bearerkit:".
	Prefix string

	// Timeout bounds each call of Get, Set, Burn and Deny. Default 100 ms. A negative one
	// is a mistake: there is no waiting without end for a cache.
	Timeout time.Duration

	// DenialsMaxStale is how long a deny list is believed while Redis is out of
	// reach; after that nobody can tell who is denied, and the guard answers 503.
	// It counts from the start of the program too, which knows no entry before
	// Redis was reached once. Default: 5 min. At least 2 s.
	DenialsMaxStale time.Duration

	// DenialsLeeway is how far the clocks of issuers may be off: the times of a
	// deny list's entries are extended by it, as denylist.Entry says. Set it to
	// the longest Leeway of your verifiers. Default: 5 s, which is theirs too.
	// At most 5 min; negative is none.
	DenialsLeeway time.Duration

	// ProofsPerOwner is how many used proofs of tokens for one user, or of those
	// that one client got for itself, are remembered at the same time, so that no
	// client fills Redis. They are counted from the first one until it is over,
	// and then anew, so for a moment there may be twice as many. Default: 25,000,
	// which is some 380 a second for the 65 s that a proof is remembered by
	// default. Negative: no bound.
	ProofsPerOwner int

	// TLSConfig is for a rediss:// address, as when the certificate is of a
	// private authority. It is copied. Nil: the system's roots, TLS 1.2 or
	// newer, and the host of the address.
	TLSConfig *tls.Config

	// Logger is told when Redis is lost (a warning, at most once a minute
	// while it lasts) and when it is back. Nil is silence.
	Logger *slog.Logger
}

// Connecting may take longer than a command, which does not wait for it: the
// connection serves a later one.
const dialTimeout = time.Second

const minStale = 2 * time.Second

// options completes c, and turns it into what the client needs. Errors never
// quote an address, which may hold a password in a place that nobody expects.
func (c *Config) options() (*redis.Options, error) {
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearerredis: Config."+format, args...))
	}

	if c.Prefix == "" {
		c.Prefix = "bearerkit:"
	}
	if strings.ContainsFunc(c.Prefix, func(r rune) bool { return r <= ' ' || r > '~' }) {
		mistake("Prefix %q; want visible ASCII without spaces", c.Prefix)
	}
	if c.Timeout == 0 {
		c.Timeout = 100 * time.Millisecond
	}
	if c.Timeout < 0 {
		mistake("Timeout is %v; want a positive duration", c.Timeout)
	}

	if c.ProofsPerOwner == 0 {
		c.ProofsPerOwner = 25_000
	}
	if c.DenialsMaxStale == 0 {
		c.DenialsMaxStale = 5 * time.Minute
	}
	if c.DenialsMaxStale < minStale {
		mistake("DenialsMaxStale is %v; want %v at least, which is more than it takes to hear of Redis", c.DenialsMaxStale, minStale)
	}

	leeway, err := denylist.Leeway(c.DenialsLeeway)
	if err != nil {
		mistake("DenialsLeeway is %w", err)
	}
	c.DenialsLeeway = leeway

	options, err := parseAddress(c.Address)
	if err != nil {
		mistake("Address: %w", err)
	}
	switch {
	case c.TLSConfig == nil:
	case options != nil && options.TLSConfig == nil:
		mistake("TLSConfig with an Address that is no rediss:// URL")
	case options != nil:
		host := options.TLSConfig.ServerName
		options.TLSConfig = c.TLSConfig.Clone()
		if options.TLSConfig.ServerName == "" {
			options.TLSConfig.ServerName = host
		}
		if options.TLSConfig.MinVersion == 0 {
			options.TLSConfig.MinVersion = tls.VersionTLS12
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}

	options.Protocol = 2 // RESP3 adds what the server sends unasked, and we ask for none of it
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.PipelinePoolSize = -1
	options.MaxRetries = -1
	options.DialerRetries = 1
	options.DialTimeout = dialTimeout
	options.Dialer = dialer(options.TLSConfig)
	options.ContextTimeoutEnabled = true
	options.ReadTimeout = c.Timeout
	options.WriteTimeout = c.Timeout
	options.PoolTimeout = c.Timeout
	return options, nil
}

func parseAddress(address string) (*redis.Options, error) {
	if address == "" {
		return nil, errors.New(`empty; want "HOST:PORT", or a redis:// or rediss:// URL`)
	}
	if !strings.Contains(address, "://") {
		if strings.ContainsAny(address, "@/?#") {
			return nil, errors.New("no scheme; want redis:// or rediss:// before a user, a database or parameters")
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil || host == "" || !isPort(port) {
			return nil, errors.New(`want "HOST:PORT" with a port from 1 to 65535`)
		}
		address = "redis://" + net.JoinHostPort(host, port)
	}

	u, err := url.Parse(address)
	switch {
	case err != nil: // it would quote the URL
		return nil, errors.New("not a URL; percent-encode what is special in a user name or a password")
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return nil, errors.New("another scheme; want redis:// or rediss://")
	case u.Fragment != "" || strings.HasSuffix(address, "#"):
		return nil, errors.New("a fragment; write # in a password as %23")
	case u.Hostname() == "":
		return nil, errors.New("no host")
	case u.Port() != "" && !isPort(u.Port()):
		return nil, errors.New("want a port from 1 to 65535")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the query is malformed; write ? in a password as %3F")
	}
	for name := range query {
		if !slices.Contains([]string{"client_name", "db", "pool_size"}, name) {
			return nil, errors.New("a parameter in the query other than client_name, db and pool_size")
		}
	}
	options, err := redis.ParseURL(address)
	switch {
	case err != nil: // it may quote what follows a misplaced slash
		return nil, errors.New("want redis://user:password@host:port/db with a database's number, and numbers for db and pool_size")
	case options.DB < 0:
		return nil, errors.New("want a database's number from 0")
	case options.PoolSize < 0 || query.Has("pool_size") && options.PoolSize == 0:
		return nil, errors.New("want a pool_size of 1 or more")
	}
	return options, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
