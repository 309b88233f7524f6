package bearerredis

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// parseAddress parses [Config.Address]. Its errors do not quote the address.
func parseAddress(address string) (*topology, error) {
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

	u, err := parseURL(address)
	if err != nil {
		return nil, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("malformed query; write ? in a password as %3F")
	}
	t, wrong := parseTopology(u, query)
	for name := range query {
		if !slices.Contains([]string{"client_name", "db", "pool_size"}, name) {
			return nil, errors.Join(wrong, errors.New("unknown query parameter; want only client_name, db, pool_size, addr, cluster, master_name, sentinel_username and sentinel_password"))
		}
	}
	u.RawQuery = query.Encode()
	options, err := redis.ParseURL(u.String())
	switch {
	case err != nil: // err may quote a password after a misplaced slash
		return nil, errors.Join(wrong, errors.New("want redis://user:password@host:port/db with a database number, and numbers for db and pool_size"))
	case options.DB < 0:
		return nil, errors.Join(wrong, errors.New("want a database number of 0 or more"))
	case options.PoolSize < 0 || query.Has("pool_size") && options.PoolSize == 0:
		return nil, errors.Join(wrong, errors.New("want a pool_size of 1 or more"))
	case t.cluster && options.DB != 0:
		wrong = errors.Join(wrong, errors.New("want no database number: a Cluster has only database 0"))
	}
	t.options = options
	options.Addr = t.addrs[0]
	return t, wrong
}

func parseURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil: // err quotes the URL
		return nil, errors.New("not a valid URL; percent-encode special characters in the user name and the password")
	case u.Scheme != "redis" && u.Scheme != "rediss":
		return nil, errors.New("unknown scheme; want redis:// or rediss://")
	case u.Fragment != "" || strings.HasSuffix(address, "#"):
		return nil, errors.New("unexpected fragment; write # in a password as %23")
	case u.Hostname() == "":
		return nil, errors.New("no host")
	case u.Port() != "" && !isPort(u.Port()):
		return nil, errors.New("want a port from 1 to 65535")
	}
	return u, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}
