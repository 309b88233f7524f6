package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

// instanceVariable makes this program run an instance.
const instanceVariable = "BEARERKIT_SOAK_INSTANCE"

// process is an instance of the API, running or stopped.
type process struct {
	config  instance.Config
	control *http.Client
	logs    *logs

	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed when cmd has ended
	code  int           // read it after done is closed
}

func newProcess(config instance.Config) *process {
	transport := &http.Transport{DisableKeepAlives: true}
	return &process{config: config, logs: &logs{}, control: &http.Client{Timeout: 10 * time.Second, Transport: transport}}
}

// start starts the instance and returns when it serves.
func (p *process) start(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	config, err := json.Marshal(p.config)
	if err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), instanceVariable+"=1")
	cmd.Stderr = p.logs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	done, ready := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if lines.Text() == "ready" {
				close(ready)
			}
		}
		_ = cmd.Wait() // ProcessState has the code
		p.code = cmd.ProcessState.ExitCode()
	}()
	p.mu.Lock()
	p.cmd, p.stdin, p.done = cmd, stdin, done
	p.mu.Unlock()
	if _, err := stdin.Write(config); err != nil {
		p.kill()
		return err
	}
	select {
	case <-ready:
		return nil
	case <-done:
		return fmt.Errorf("%s ended with code %d: %s", p.config.Framework, p.code, p.logs.tail())
	case <-ctx.Done():
		p.kill()
		return ctx.Err()
	case <-time.After(30 * time.Second):
		p.kill()
		return fmt.Errorf("%s does not serve after 30 s", p.config.Framework)
	}
}

// kill ends the instance at once.
func (p *process) kill() {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill() // it may have ended
		<-done
	}
}

// stop ends the instance gracefully. The error says what it left behind.
func (p *process) stop() error {
	p.mu.Lock()
	cmd, done, stdin := p.cmd, p.done, p.stdin
	p.mu.Unlock()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s has ended before it was stopped: %s", p.config.Framework, p.logs.tail())
	}
	select {
	case <-done:
	case <-time.After(instance.ShutdownWithin + 5*time.Second):
		p.kill()
		return fmt.Errorf("%s does not stop", p.config.Framework)
	}
	_ = stdin.Close() // nobody reads it any more
	if p.code != 0 {
		return fmt.Errorf("%s ended with code %d: %s", p.config.Framework, p.code, p.logs.tail())
	}
	return nil
}

// state asks the instance for its state.
func (p *process) state(ctx context.Context) (s instance.State, err error) {
	err = p.call(ctx, http.MethodGet, "/state", nil, &s)
	return s, err
}

func (p *process) deny(ctx context.Context, d instance.Denial) error {
	return p.call(ctx, http.MethodPost, "/deny", d, nil)
}

func (p *process) call(ctx context.Context, method, path string, body, answer any) error {
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+p.config.Control+path, &sent)
	if err != nil {
		return err
	}
	resp, err := p.control.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: status %d", p.config.Control, path, resp.StatusCode)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(answer)
}

// logs keeps the end of an instance's log, and looks for what must not be there.
type logs struct {
	mu    sync.Mutex
	last  []byte
	wrong error
}

const keptLog = 16 << 10

// unwanted is a JWT, a panic, or a race.
var unwanted = regexp.MustCompile(`eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}|panic|DATA RACE`)

// Write implements io.Writer.
func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := max(0, len(l.last)-200) // what was cut in two
	l.last = append(l.last, p...)
	if l.wrong == nil {
		switch found := unwanted.Find(l.last[from:]); {
		case bytes.HasPrefix(found, []byte("eyJ")):
			l.wrong = errors.New("the log has a token")
		case found != nil:
			l.wrong = fmt.Errorf("the log has %q: %s", found, l.last[from:])
		}
	}
	if len(l.last) > keptLog {
		l.last = append([]byte(nil), l.last[len(l.last)-keptLog/2:]...)
	}
	return len(p), nil
}

func (l *logs) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.last[max(0, len(l.last)-4000):])
}

func (l *logs) err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wrong
}
