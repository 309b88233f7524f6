package bearerredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// askInterval is how often an instance asks the Sentinels for the master.
	askInterval = 500 * time.Millisecond
	// knownFor is how long an answer is good enough for a new connection.
	knownFor = 2 * time.Second
	// askTimeout limits one round of questions. After the first answer the other
	// Sentinels have only askGrace.
	askTimeout = 500 * time.Millisecond
	askGrace   = 100 * time.Millisecond
)

var (
	errNoSentinel  = errors.New("no Sentinel answers; check their addresses in Config.Address")
	errOldSentinel = errors.New("the Sentinels that answer know only an earlier master")
)

// sentinels follow the master that Sentinel names. They replace the failover
// client of go-redis, which parses answers in goroutines of its own and panics
// there on a malformed one, and which writes to the program's standard error.
//
// When the master changes, sentinels close all connections to the old one: it may
// be alive, and must not be asked any more.
type sentinels struct {
	name    string
	clients []*redis.Client
	connect dial

	start  sync.Once // of follow
	follow sync.WaitGroup
	wake   chan struct{}
	closed chan struct{}

	asking sync.Mutex // held while the Sentinels are asked
	mu     sync.Mutex
	master answer // the latest; its zero value is unknown
	asked  time.Time
	conns  map[*trackedConn]string // by address
}

// answer is what a Sentinel says about the master.
type answer struct {
	address string
	epoch   int64 // of the Sentinel's knowledge; each failover increases it
	moving  bool  // the Sentinel has promoted address just now
}

func newSentinels(redisOptions *redis.Options, t *topology) *sentinels {
	s := &sentinels{
		name:    t.master,
		connect: dialFunc(redisOptions.TLSConfig),
		wake:    make(chan struct{}, 1),
		closed:  make(chan struct{}),
		conns:   make(map[*trackedConn]string),
	}
	for _, addr := range t.addrs {
		options := *redisOptions
		options.Addr, options.DB, options.ClientName, options.PoolSize = addr, 0, "", 2
		options.Username, options.Password = t.sentinelUsername, t.sentinelPassword
		s.clients = append(s.clients, redis.NewClient(&options))
	}
	return s
}

// masterOptions returns options for a client of the master.
func (s *sentinels) masterOptions(o *redis.Options) *redis.Options {
	options := *o
	options.Dialer = dialer(s.dial)
	options.OnConnect = checkRole
	return &options
}

// checkRole refuses a server that is no master, as Redis asks clients to do
// (https://redis.io/docs/latest/develop/reference/sentinel-clients): a replica
// answers questions too, and its answers may be old.
func checkRole(ctx context.Context, conn *redis.Conn) error {
	cmd := redis.NewSliceCmd(ctx, "ROLE")
	if err := conn.Process(ctx, cmd); err != nil {
		return err
	}
	if role := cmd.Val(); len(role) == 0 || role[0] != "master" {
		return errors.New("the server that Sentinel names is not a master yet")
	}
	return nil
}

// dial connects to the master. The address given by go-redis is ignored.
func (s *sentinels) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	s.start.Do(func() { s.follow.Go(s.run) })
	address, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := s.connect(ctx, network, address)
	if err != nil {
		s.refresh()
		return nil, err
	}
	return s.track(conn, address)
}

// run asks the Sentinels until close.
func (s *sentinels) run() {
	tick := time.NewTicker(askInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-tick.C:
		case <-s.wake:
		}
		_ = s.locate(context.Background()) // the next dial reports the error
	}
}

// refresh makes run ask now.
func (s *sentinels) refresh() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sentinels) close() {
	s.start.Do(func() {}) // a later dial must not start a goroutine
	close(s.closed)
	s.follow.Wait()
	for _, client := range s.clients {
		_ = client.Close() // nothing is lost
	}
}

// current returns the address of the master.
func (s *sentinels) current(ctx context.Context) (string, error) {
	for try := 0; ; try++ {
		s.mu.Lock()
		address, known := s.master.address, s.master.address != "" && time.Since(s.asked) < knownFor
		s.mu.Unlock()
		if known {
			return address, nil
		}
		if try > 0 {
			return "", errNoSentinel
		}
		if err := s.locate(ctx); err != nil {
			return "", err
		}
	}
}

// locate asks all Sentinels and follows the newest answer.
func (s *sentinels) locate(ctx context.Context) error {
	began := time.Now()
	s.asking.Lock()
	defer s.asking.Unlock()
	s.mu.Lock()
	recent := s.asked.After(began) // another caller asked meanwhile
	s.mu.Unlock()
	if recent {
		return nil
	}
	asked := time.Now()
	best, answers, err := s.ask(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// A lower epoch is an answer from before a failover, unless most Sentinels
	// give it: they were reset.
	if best.epoch < s.master.epoch && 2*answers <= len(s.clients) {
		return errOldSentinel
	}
	s.master, s.asked = best, asked
	for conn, address := range s.conns {
		if address != best.address {
			delete(s.conns, conn)
			_ = conn.Conn.Close() // its user gets an error and connects again
		}
	}
	return nil
}

// ask returns the newest answer of the Sentinels and the number of answers.
func (s *sentinels) ask(ctx context.Context) (best answer, answers int, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	type result struct {
		answer
		err error
	}
	results := make(chan result, len(s.clients))
	for _, client := range s.clients {
		go func() {
			var r result
			r.err = attempt(ctx, func(ctx context.Context) (err error) {
				r.answer, err = askSentinel(ctx, client, s.name)
				return err
			})
			results <- r
		}()
	}
	err = errNoSentinel
	for range s.clients {
		select {
		case r := <-results:
			if r.err != nil {
				err = fmt.Errorf("%w: %w", errNoSentinel, r.err)
				continue
			}
			if answers == 0 {
				defer time.AfterFunc(askGrace, cancel).Stop()
			}
			if answers++; answers == 1 || r.newer(best) {
				best = r.answer
			}
		case <-ctx.Done():
			if answers == 0 {
				return best, 0, err
			}
			return best, answers, nil
		}
	}
	if answers == 0 {
		return best, 0, err
	}
	return best, answers, nil
}

func (a answer) newer(b answer) bool { return a.epoch > b.epoch || a.epoch == b.epoch && a.moving }

// askSentinel asks one Sentinel. Only the first question tells the address of a
// replica that is being promoted, and only the second one tells the epoch.
func askSentinel(ctx context.Context, client *redis.Client, name string) (answer, error) {
	address, err := client.Do(ctx, "SENTINEL", "get-master-addr-by-name", name).StringSlice()
	switch {
	case errors.Is(err, redis.Nil):
		return answer{}, fmt.Errorf("it does not know the master %q; check master_name in Config.Address", name)
	case err != nil:
		return answer{}, err
	case len(address) != 2:
		return answer{}, errProtocol
	}
	fields, err := client.Do(ctx, "SENTINEL", "master", name).StringSlice()
	if err != nil {
		return answer{}, err
	}
	a := answer{address: net.JoinHostPort(address[0], address[1])}
	var ip, port string
	for ; len(fields) >= 2; fields = fields[2:] {
		switch fields[0] {
		case "ip":
			ip = fields[1]
		case "port":
			port = fields[1]
		case "config-epoch":
			if a.epoch, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
				return answer{}, errProtocol
			}
		}
	}
	a.moving = a.address != net.JoinHostPort(ip, port)
	return a, nil
}
