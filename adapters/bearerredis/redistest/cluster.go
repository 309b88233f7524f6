package redistest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// NodeTimeout is how long a node of a [Cluster] may be silent before the others
// replace it by its replica.
const NodeTimeout = time.Second

const slots = 16384

// Cluster is a Redis Cluster of three masters. The first has a replica.
type Cluster struct {
	Masters [3]*Server
	Replica *Server // of the first master
}

// NewCluster starts a Cluster and stops it when the test ends. It returns when
// all nodes can be used.
func NewCluster(t testing.TB, config Config) *Cluster {
	t.Helper()
	c := new(Cluster)
	settings := []string{
		"cluster-enabled yes",
		"cluster-node-timeout " + strconv.FormatInt(NodeTimeout.Milliseconds(), 10),
		"repl-diskless-sync-delay 0",
		"repl-ping-replica-period 1", // a replica is announced only after it has received something
	}
	if config.TLS {
		settings = append(settings, "tls-cluster yes", "tls-replication yes")
	}
	for i := range c.Masters {
		c.Masters[i] = newServer(t, config, c.Masters[0], settings...)
	}
	c.Replica = newServer(t, config, c.Masters[0], settings...)

	// The cluster's bus has the port of the server and 10000.
	first := c.Masters[0]
	for i, server := range c.Masters {
		server.must("CLUSTER", "SET-CONFIG-EPOCH", i+1)
		assign := []any{"CLUSTER", "ADDSLOTS"}
		for slot := i * slots / 3; slot < (i+1)*slots/3; slot++ {
			assign = append(assign, slot)
		}
		server.must(assign...)
	}
	for _, server := range []*Server{c.Masters[1], c.Masters[2], c.Replica} {
		server.must("CLUSTER", "MEET", "127.0.0.1", first.port)
	}
	c.Replica.wait("the replica knows its master", func() bool {
		return c.Replica.do("CLUSTER", "REPLICATE", first.must("CLUSTER", "MYID")).Err() == nil
	})
	for _, server := range append(c.Masters[:], c.Replica) {
		server.wait("all nodes know the Cluster", func() bool {
			info, _ := server.do("CLUSTER", "INFO").Text()
			nodes, _ := server.do("CLUSTER", "SLOTS").Slice()
			replicas := 0
			for _, node := range nodes {
				if slots, ok := node.([]any); ok {
					replicas += len(slots) - 3
				}
			}
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:4") && replicas == 1
		})
	}
	c.Replica.waitForMaster()
	return c
}

// Addresses returns the HOST:PORT of all nodes.
func (c *Cluster) Addresses() []string {
	return []string{c.Masters[0].Address(), c.Masters[1].Address(), c.Masters[2].Address(), c.Replica.Address()}
}

func (s *Server) waitForMaster() {
	s.t.Helper()
	s.wait("the replica has its master's data", func() bool {
		info, _ := s.do("INFO", "replication").Text()
		return strings.Contains(info, "master_link_status:up")
	})
}

// do sends one command to the server.
func (s *Server) do(args ...any) *redis.Cmd {
	options := &redis.Options{Protocol: 2, Addr: s.Address(), Password: s.config.Password, DisableIdentity: true}
	if s.config.TLS {
		options.TLSConfig = s.TLSConfig()
	}
	client := redis.NewClient(options)
	defer client.Close()
	return client.Do(context.Background(), args...)
}

func (s *Server) must(args ...any) any {
	s.t.Helper()
	reply, err := s.do(args...).Result()
	if err != nil {
		s.t.Fatal(fmt.Sprint(args[:2]), ": ", err)
	}
	return reply
}

func (s *Server) wait(what string, yes func() bool) {
	s.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); !yes(); {
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatal("not after 30 s: ", what)
		}
	}
}

// WaitForReplica returns when a former master is a replica that may replace the
// new master.
func (c *Cluster) WaitForReplica(old *Server) {
	old.t.Helper()
	old.waitForMaster()
}
