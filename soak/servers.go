package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis/redistest"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// keeper is the testing.TB that package redistest needs outside of a test. It
// collects the cleanups.
type keeper struct {
	testing.TB // nil: redistest uses only the methods below

	mu       sync.Mutex
	cleanups []func()
	err      error
}

func (k *keeper) Helper() {}

func (k *keeper) Cleanup(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cleanups = append(k.cleanups, f)
}

func (k *keeper) TempDir() string {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(func() { _ = os.RemoveAll(dir) }) // it is a temporary folder
	return dir
}

func (k *keeper) Fatal(args ...any) {
	k.mu.Lock()
	k.err = errors.New(strings.TrimSpace(fmt.Sprintln(args...)))
	k.mu.Unlock()
	runtime.Goexit()
}

func (k *keeper) Skip(args ...any) { k.Fatal(args...) }

// do calls f, which uses redistest, and returns the error with which it failed.
func (k *keeper) do(f func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *keeper) close() {
	for i := len(k.cleanups) - 1; i >= 0; i-- {
		k.cleanups[i]()
	}
}

// servers are the issuers and the Redis servers of a run.
type servers struct {
	keeper  keeper
	issuers [2]*bearertest.Issuer
	one     *redistest.Server
	cluster *redistest.Cluster
	// replicated is the present master of the Cluster that has a replica.
	replicated, replica *redistest.Server
}

const secret = "soak" // of the API at the issuers, which only this program reaches

func newServers() (*servers, error) {
	s := &servers{}
	for i := range s.issuers {
		var err error
		for range 20 {
			s.issuers[i], err = bearertest.NewIssuer(bearertest.IssuerConfig{
				Addr: freeAddress(), Audience: []string{instance.Audience},
				Clients: []bearertest.Client{{ID: instance.ClientID, Secret: secret}},
			})
			if err == nil {
				break
			}
		}
		if err != nil {
			return s, err
		}
	}
	err := s.keeper.do(func() {
		s.one = redistest.New(&s.keeper, redistest.Config{Durable: true})
		s.cluster = redistest.NewCluster(&s.keeper, redistest.Config{Durable: true})
		s.replicated, s.replica = s.cluster.Masters[0], s.cluster.Replica
	})
	return s, err
}

// sides returns how an instance reaches the servers.
func (s *servers) sides() []instance.Side {
	nodes := s.cluster.Addresses()
	return []instance.Side{
		{Path: "a", Issuer: s.issuers[0].URL(), Secret: secret, Redis: "redis://" + s.one.Address()},
		{Path: "b", Issuer: s.issuers[1].URL(), Secret: secret, Redis: "redis://" + nodes[0] + "?addr=" + strings.Join(nodes[1:], "&addr=")},
	}
}

func (s *servers) close() {
	for _, issuer := range s.issuers {
		if issuer != nil {
			issuer.Close()
		}
	}
	s.keeper.close()
}

// waitForCluster waits until every node says that all slots are served. A node that
// has returned is called failed for up to twice the node timeout.
func (s *servers) waitForCluster(ctx context.Context) {
	for _, address := range s.cluster.Addresses() {
		until(ctx, func() bool { return says(address, "CLUSTER INFO", "cluster_state:ok") })
	}
}

// until waits until yes returns true, but at most 20 s.
func until(ctx context.Context, yes func() bool) {
	for attempt := 0; !yes() && attempt < 400 && pause(ctx, 50*time.Millisecond); attempt++ {
	}
}

// says reports whether the reply of a Redis to a command has a line.
func says(address, command, line string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second)) // a failure shows when it is read
	if _, err := io.WriteString(conn, command+"\r\nQUIT\r\n"); err != nil {
		return false
	}
	reply, _ := io.ReadAll(conn) // an incomplete reply may have the line, too
	return strings.Contains(string(reply), line)
}

// freeAddress returns an address with a port below the range of outgoing
// connections: within it, a client of a stopped server could connect to itself.
func freeAddress() string {
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+mathrand.IntN(10000))
		if listener, err := net.Listen("tcp", address); err == nil {
			_ = listener.Close()
			return address
		}
	}
}

// start starts an instance of each framework.
func (s *servers) start(ctx context.Context, c *client, names []string) ([]*process, error) {
	var processes []*process
	for _, name := range names {
		p := newProcess(instance.Config{
			Framework: name, Listen: freeAddress(), Control: freeAddress(), Cert: c.cert, Key: c.certKey, Sides: s.sides(),
		})
		processes = append(processes, p)
		if err := p.start(ctx); err != nil {
			return processes, err
		}
	}
	return processes, nil
}
