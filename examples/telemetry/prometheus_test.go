package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

const artifacts = "../../adapters/bearerotel/prometheus"

// A real Prometheus reads the metrics of a program with faults: each query of the
// dashboard and of the runbooks returns numbers, each rule is evaluated, and the rules whose condition
// holds are pending.
func TestPrometheus(t *testing.T) {
	if _, err := exec.LookPath("prometheus"); err != nil && os.Getenv("CI") != "true" {
		t.Skip("prometheus is missing: install the Debian package prometheus")
	}
	shop := newShop(t)
	shop.fill(t)
	server := startPrometheus(t, shop.metrics)
	queries := append(dashboardQueries(t), runbookQueries(t)...)
	waiting := map[string]string{"the first look": ""}
	for deadline := time.Now().Add(90 * time.Second); len(waiting) > 0 && time.Now().Before(deadline); {
		shop.traffic(t)
		waiting = map[string]string{}
		for _, query := range queries {
			if why := server.lacksNumbers(t, query); why != "" {
				waiting[query] = why
			}
		}
		for alert, state := range server.states(t) {
			// The age of keys in hours is tested by promtool.
			if want := alert != "BearerkitKeysGoingStale"; (state == "pending" || state == "firing") != want {
				waiting[alert] = "is " + state
			}
		}
	}
	for query, why := range waiting {
		t.Errorf("%s: %s", query, why)
	}
}

// dashboardQueries returns the queries of all panels, with the dashboard's variables
// replaced.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile(filepath.Join(artifacts, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries = append(queries, strings.NewReplacer("$__rate_interval", "20s", "$job", ".*").Replace(target.Expr))
		}
	}
	if len(queries) < 25 {
		t.Fatalf("%d queries", len(queries))
	}
	return queries
}

// runbookQueries returns the queries that the runbooks show.
func runbookQueries(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/runbooks/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?s)```text\n(.*?)\n```").FindAllSubmatch(text, -1) {
			queries = append(queries, string(block[1]))
		}
	}
	if len(queries) < 2 {
		t.Fatalf("%d queries in %d runbooks", len(queries), len(pages))
	}
	return queries
}

type prometheusServer struct{ url string }

// startPrometheus starts a server that reads metrics every second and evaluates the
// rules.
func startPrometheus(t *testing.T, metrics http.Handler) prometheusServer {
	t.Helper()
	target := httptest.NewServer(metrics)
	t.Cleanup(target.Close)
	rules, err := filepath.Abs(filepath.Join(artifacts, "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n- job_name: shop\n  static_configs:\n  - targets: [%q]\n",
		rules, strings.TrimPrefix(target.URL, "http://"))
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	var log strings.Builder
	cmd := exec.CommandContext(ctx, "prometheus", "--config.file", file, "--storage.tsdb.path", filepath.Join(dir, "data"),
		"--web.listen-address", address, "--log.level", "warn")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was interrupted
		if t.Failed() {
			t.Logf("Prometheus: %s", &log)
		}
	})
	server := prometheusServer{"http://" + address}
	for deadline := time.Now().Add(30 * time.Second); ; {
		response, err := http.Get(server.url + "/-/ready")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return server
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Prometheus is not ready: %v", err)
		}
		<-time.After(100 * time.Millisecond)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// get reads a document of the HTTP API.
func (s prometheusServer) get(t *testing.T, path string, to any) error {
	t.Helper()
	response, err := http.Get(s.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(string(body))
	}
	return json.Unmarshal(body, to)
}

// lacksNumbers says why a query does not return a number, or nothing.
func (s prometheusServer) lacksNumbers(t *testing.T, query string) string {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	if err := s.get(t, "/api/v1/query?query="+url.QueryEscape(query), &answer); err != nil {
		return err.Error()
	}
	var values []string
	for _, series := range answer.Data.Result {
		value, _ := series.Value[1].(string)
		if _, err := strconv.ParseFloat(value, 64); err == nil && value != "NaN" {
			return ""
		}
		values = append(values, value)
	}
	return fmt.Sprintf("%d series, %q", len(answer.Data.Result), values)
}

// states returns the states of all alerts. A rule that cannot be evaluated is an
// error.
func (s prometheusServer) states(t *testing.T) map[string]string {
	t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, State, Health, LastError string }
			}
		}
	}
	if err := s.get(t, "/api/v1/rules", &answer); err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			states[rule.Name] = rule.State
			if rule.Health == "err" {
				t.Errorf("%s: %s", rule.Name, rule.LastError)
			}
		}
	}
	if len(states) < 8 {
		t.Fatalf("%v", states)
	}
	return states
}

// send sends each of the requests n times, and checks nothing: what the guard
// answers is seen by Prometheus.
func (s *shop) send(n int, authorizations ...string) {
	for a := range slices.Values(authorizations) {
		for range n {
			r := httptest.NewRequest(http.MethodGet, audience+"/orders/7", nil)
			if a != "" {
				r.Header.Set("Authorization", a)
			}
			s.api.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
}

// traffic sends requests of all kinds for a second.
func (s *shop) traffic(t *testing.T) {
	t.Helper()
	bound := s.good.Mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"jkt": strings.Repeat("a", 43)}}})
	for range 5 {
		s.send(3, "Bearer "+s.good.Mint(bearertest.Token{Scope: "orders:read"}), "Bearer "+s.token, "Bearer "+s.opaque)
		s.send(3, "", "Bearer "+s.good.Mint(bearertest.Token{}), "Bearer "+s.forged, "DPoP "+bound, "Bearer "+s.tenant)
		s.send(1, "Bearer "+s.down.Mint(bearertest.Token{}), "Bearer "+s.introspected.MintOpaque(bearertest.Token{}))
		<-time.After(200 * time.Millisecond)
	}
}
