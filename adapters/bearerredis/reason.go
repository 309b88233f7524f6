package bearerredis

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reason explains an error reply of Redis.
type reason struct {
	prefix     string // first words of the error
	text       string // state of Redis, for the log
	hint       string // what to do
	stopsReads bool   // whether Redis refuses to read too
}

// reasons are the error replies that describe the state of Redis. The first
// words of a reply identify it
// (https://redis.io/docs/latest/develop/reference/protocol-spec).
var reasons = []reason{
	{"LOADING", "Redis is loading its data", "wait until Redis has loaded its data from disk", true},
	{"MASTERDOWN", "Redis is a replica that has lost its master", "restore the master, or use the master's address", true},
	{"CLUSTERDOWN", "the Redis cluster is down", "restore its nodes; CLUSTER INFO shows which are missing", true},
	{"TRYAGAIN", "the Redis cluster is moving keys", "wait until the keys are moved", true},
	{"MOVED", inCluster, clusterHint, true},
	{"ASK", inCluster, clusterHint, true},
	{"BUSY", "Redis is busy with a script", "find the script that does not end; SCRIPT KILL ends a script that has written nothing", true},
	{"NOAUTH", "Redis requires a password", "add the password to Config.Address: redis://user:password@host:port", true},
	{"WRONGPASS", "Redis rejects the user name or the password", "check both in Config.Address", true},
	{"ERR max number of clients reached", "Redis has too many connections", "raise maxclients in Redis, or set pool_size in Config.Address", true},

	{"READONLY", "Redis is a read-only replica", "use the master's address, or Sentinel", false},
	{"OOM", "Redis is out of memory", "raise maxmemory in Redis, and check its maxmemory-policy", false},
	{"MISCONF", "Redis cannot save its data and refuses writes until it can", "check the disk of Redis and its log", false},
	{"NOREPLICAS", "Redis has too few replicas and refuses writes", "restore its replicas, or lower min-replicas-to-write", false},
	{"NOPERM", notPermitted, permitHint, false},
	{"ERR The user executing the script", notPermitted, permitHint, false}, // NOPERM inside a script
}

// unknownReason explains any other error reply of a Redis that is up.
var unknownReason = reason{text: "Redis replies with an error", hint: "read the error and the Redis log", stopsReads: true}

const (
	inCluster    = "Redis is a cluster node, and another node has the key"
	clusterHint  = "add cluster=true to the query of Config.Address"
	notPermitted = "the Redis user lacks a permission"
	permitHint   = "grant the user the permissions in the README: the commands, the keys and the channel of the prefix"
)

// reasonOf returns the reason of an error reply. It returns nil for an unknown
// reply and for an error that is not a reply.
func reasonOf(err error) *reason {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return nil
	}
	text := reply.Error()
	// Before Redis 7 the error of a script wraps the error of its command.
	if strings.HasPrefix(text, "ERR Error running script") {
		if _, inner, found := strings.Cut(text, ": -"); found {
			text = inner
		}
	}
	for i := range reasons {
		if rest, ok := strings.CutPrefix(text, reasons[i].prefix); ok && (rest == "" || rest[0] == ' ') {
			return &reasons[i]
		}
	}
	return nil
}
