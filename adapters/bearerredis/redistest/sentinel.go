package redistest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// DownAfter is how long a master may be silent before the Sentinels of a
// [Failover] replace it.
const DownAfter = time.Second

// MasterName is the name that the Sentinels of a [Failover] have for the master.
const MasterName = "bearerkit"

// Failover is a master with one replica and three Sentinels, of which two must
// agree to replace the master.
type Failover struct {
	Master, Replica *Server // at the start
	Sentinels       [3]*Server
}

// NewFailover starts the servers and stops them when the test ends. It returns
// when the Sentinels know each other and the replica. The Sentinels have the
// same password as the servers.
func NewFailover(t testing.TB, config Config) *Failover {
	t.Helper()
	f := &Failover{Master: newServer(t, config, nil, "repl-diskless-sync-delay 0", "repl-ping-replica-period 1")}
	more := []string{"repl-diskless-sync-delay 0", "repl-ping-replica-period 1", "replicaof 127.0.0.1 " + strconv.Itoa(f.Master.port)}
	if config.TLS {
		more = append(more, "tls-replication yes")
	}
	f.Replica = newServer(t, config, f.Master, more...)
	f.Replica.waitForMaster()
	for i := range f.Sentinels {
		f.Sentinels[i] = newSentinel(t, config, f.Master)
	}
	for _, s := range f.Sentinels {
		s.wait("the Sentinels know each other and the replica", func() bool {
			fields, _ := s.do("SENTINEL", "MASTER", MasterName).StringSlice()
			text := strings.Join(fields, " ") + " "
			return strings.Contains(text, "num-slaves 1 ") && strings.Contains(text, "num-other-sentinels 2 ") &&
				strings.Contains(s.replicas(), "master-link-status ok ")
		})
	}
	return f
}

// Addresses returns the HOST:PORT of all Sentinels.
func (f *Failover) Addresses() []string {
	return []string{f.Sentinels[0].Address(), f.Sentinels[1].Address(), f.Sentinels[2].Address()}
}

// MasterBySentinel returns the HOST:PORT that a Sentinel names.
func (f *Failover) MasterBySentinel() string {
	address, _ := f.Sentinels[0].do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName).StringSlice()
	if len(address) != 2 {
		return ""
	}
	return net.JoinHostPort(address[0], address[1])
}

func (s *Server) replicas() string {
	reply, _ := s.do("SENTINEL", "REPLICAS", MasterName).Result()
	return strings.NewReplacer("[", " ", "]", " ").Replace(fmt.Sprint(reply)) + " "
}

// newSentinel starts a Sentinel. Unlike a server it needs a configuration file,
// in which it keeps its state.
func newSentinel(t testing.TB, config Config, master *Server) *Server {
	t.Helper()
	s := &Server{t: t, program: master.program, dir: t.TempDir(), config: config}
	if config.TLS {
		s.copyCertificate(master)
	}
	t.Cleanup(s.Stop)
	var err error
	for range 20 {
		s.port = freePort(t)
		settings := []string{
			"bind 127.0.0.1",
			"dir " + strconv.Quote(s.dir),
			"daemonize no",
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", MasterName, master.port),
			fmt.Sprintf("sentinel down-after-milliseconds %s %d", MasterName, DownAfter.Milliseconds()),
			fmt.Sprintf("sentinel failover-timeout %s 5000", MasterName),
		}
		if config.Password != "" {
			settings = append(settings, "requirepass "+strconv.Quote(config.Password),
				fmt.Sprintf("sentinel auth-pass %s %s", MasterName, config.Password),
				"sentinel sentinel-pass "+config.Password)
		}
		if config.TLS {
			settings = append(settings, "tls-replication yes")
		}
		file := filepath.Join(s.dir, "sentinel.conf")
		lines := strings.Join(append(settings, s.listenSettings()...), "\n") + "\n"
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		if err = s.run(exec.Command(s.program, file, "--sentinel"), nil, "+monitor master"); err == nil {
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// WaitForReplica returns when a former master is a replica that may replace the
// new master.
func (f *Failover) WaitForReplica(old *Server) {
	old.t.Helper()
	old.waitForMaster()
	for _, s := range f.Sentinels {
		s.wait("the Sentinels know the replica", func() bool {
			replicas := s.replicas()
			return strings.Contains(replicas, "master-link-status ok ") && !strings.Contains(replicas, "down,") && !strings.Contains(replicas, ",disconnected")
		})
	}
}
