package bearerredis

import (
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// reason is why Redis answers with an error, and what to do about it.
type reason struct {
	prefix string // of the error
	state  string // of Redis, for the log
	hint   string
	reads  bool // whether Redis refuses to read, too: nothing can be asked then
}

// reasons are the errors of Redis that say something of its state. Each is told
// by its first words (https://redis.io/docs/latest/develop/reference/protocol-spec).
var reasons = []reason{
	{"LOADING", "Redis is loading its data", "wait until Redis has loaded its data from disk", true},
	{"MASTERDOWN", "Redis is a replica that has lost its master", "bring the master back, or use the master's address", true},
	{"CLUSTERDOWN", "the Redis cluster is down", "bring its nodes back (CLUSTER INFO says what is missing)", true},
	{"TRYAGAIN", "the Redis cluster moves keys", "wait until it has moved them", true},
	{"MOVED", "Redis is a cluster node, and another node holds the key", "use a Redis server that is not part of a cluster", true},
	{"ASK", "Redis is a cluster node, and another node holds the key", "use a Redis server that is not part of a cluster", true},
	{"BUSY", "Redis is busy with a script", "find the script that does not end; SCRIPT KILL ends one that has written nothing", true},
	{"NOAUTH", "Redis wants a password", "put it into Config.Address: redis://user:password@host:port", true},
	{"WRONGPASS", "Redis does not know the user or the password", "check both in Config.Address", true},
	{"ERR max number of clients reached", "Redis has too many connections", "raise maxclients in Redis, or set pool_size in Config.Address", true},

	{"READONLY", "Redis is a replica, and takes no values", "use the master's address", false},
	{"OOM", "Redis has no memory left", "raise maxmemory in Redis, and check its maxmemory-policy", false},
	{"MISCONF", "Redis cannot save its data, and takes no values until it can", "check the disk of Redis, and its log", false},
	{"NOREPLICAS", "Redis has too few replicas to take values", "bring its replicas back, or lower min-replicas-to-write", false},
	{"NOPERM", notPermitted, permitHint, false},
	{"ERR The user executing the script", notPermitted, permitHint, false}, // NOPERM within a script
}

// unknownReason stands for every other error of a Redis that can be reached.
var unknownReason = reason{state: "Redis answers with an error", hint: "see the error, and the log of Redis", reads: true}

const (
	notPermitted = "Redis does not let its user do this"
	permitHint   = "give the user the permissions of the README: the commands, the keys and the channel of the prefix"
)

// reasonOf returns why Redis answers with an error, or nil if err is another
// error, or nothing is known of it.
func reasonOf(err error) *reason {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return nil
	}
	text := reply.Error()
	// Before Redis 7 an error within a script is part of the script's.
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
