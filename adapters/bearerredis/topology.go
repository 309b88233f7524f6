package bearerredis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// topology is the parsed form of [Config.Address]: one server, a Cluster, or a
// master that Sentinels name.
type topology struct {
	options *redis.Options // of each connection; Addr is the first address
	addrs   []string       // the server, or nodes of the Cluster, or Sentinels
	cluster bool
	master  string // the name of the master; empty without Sentinel

	sentinelUsername, sentinelPassword string
}

func (t *topology) String() string {
	if t.master != "" {
		return t.master + " by " + strings.Join(t.addrs, ",")
	}
	return strings.Join(t.addrs, ",")
}

// topologyParameters are the query parameters of an address that choose a
// Cluster or Sentinel. All but cluster have the names and the meaning that
// [redis.ParseClusterURL] and [redis.ParseFailoverURL] give them.
var topologyParameters = []string{"addr", "cluster", "master_name", "sentinel_username", "sentinel_password"}

// parseTopology parses topologyParameters and removes them from query. The URL
// named first. Its errors do not quote parameters, which may be secrets.
func parseTopology(first *url.URL, query url.Values) (*topology, error) {
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, name := range topologyParameters[1:] {
		if values := query[name]; len(values) > 1 || len(values) == 1 && values[0] == "" {
			mistake("%s: want it once, with a value", name)
		}
	}
	t := &topology{
		cluster:          query.Get("cluster") == "true",
		master:           query.Get("master_name"),
		sentinelUsername: query.Get("sentinel_username"),
		sentinelPassword: query.Get("sentinel_password"),
	}
	if !t.cluster && query.Get("cluster") != "" {
		mistake("cluster: want true")
	}
	port := first.Port()
	switch {
	case port != "":
	case t.master != "":
		port = "26379"
	default:
		port = "6379"
	}
	t.addrs = []string{net.JoinHostPort(first.Hostname(), port)}
	for i, addr := range query["addr"] {
		host, port, err := net.SplitHostPort(addr)
		switch {
		case err != nil || host == "" || !isPort(port):
			mistake(`addr number %d: want "HOST:PORT" with a port from 1 to 65535`, i+1)
		case slices.Contains(t.addrs, addr):
			mistake("addr number %d: duplicate address", i+1)
		default:
			t.addrs = append(t.addrs, addr)
		}
	}
	switch {
	case t.cluster && t.master != "":
		mistake("cluster and master_name: want one of them; Sentinel does not watch a Cluster")
	case t.master == "" && len(query["addr"]) > 0:
		t.cluster = true
	}
	if t.master == "" && (t.sentinelUsername != "" || t.sentinelPassword != "") {
		mistake("sentinel_username and sentinel_password: want master_name too")
	}
	if t.sentinelUsername != "" && t.sentinelPassword == "" {
		mistake("sentinel_username: want sentinel_password too")
	}
	for _, name := range topologyParameters {
		query.Del(name)
	}
	return t, errors.Join(errs...)
}
