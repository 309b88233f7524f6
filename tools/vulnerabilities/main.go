// Vulnerabilities runs govulncheck on every module of a repository:
//
//	vulnerabilities [-db URL] [-required] REPOSITORY
//
// It exits with 0 if no code calls a known vulnerability, and with 3 if some code
// does. If the database cannot be reached, it says so, and exits with 0, or with 1
// under -required.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/vuln/scan"

	"github.com/bearerkit/bearerkit/tools/internal/modules"
)

var (
	errFound       = errors.New("found vulnerabilities; update the modules that govulncheck names")
	errUnreachable = errors.New("could not be checked: the vulnerability database cannot be reached")
)

func main() {
	db := flag.String("db", "https://vuln.go.dev", "the `URL` of the vulnerability database")
	required := flag.Bool("required", false, "fail if the database cannot be reached")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: vulnerabilities [-db URL] [-required] REPOSITORY")
		os.Exit(2)
	}
	err := check(context.Background(), flag.Arg(0), *db, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vulnerabilities:", err)
	}
	os.Exit(exitCode(err, *required))
}

func exitCode(err error, required bool) int {
	switch {
	case err == nil, errors.Is(err, errUnreachable) && !required:
		return 0
	case errors.Is(err, errFound):
		return 3
	}
	return 1
}

// check examines all modules, also after it has found something.
func check(ctx context.Context, repository, db string, out io.Writer) error {
	if err := reach(ctx, db); err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	all, err := modules.List(repository)
	if err != nil {
		return err
	}
	found := false
	for _, m := range all {
		fmt.Fprintf(out, "== %s\n", m.Path())
		cmd := scan.Command(ctx, "-C", filepath.Join(repository, m.Dir), "-db", db, "-test", "./...")
		cmd.Env = append(os.Environ(), "GOWORK=off")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			return err
		}
		err := cmd.Wait()
		var exit interface{ ExitCode() int }
		if errors.As(err, &exit) && exit.ExitCode() == 3 {
			found = true
		} else if err != nil {
			return fmt.Errorf("%s: %w", m.Path(), err)
		}
	}
	if found {
		return errFound
	}
	fmt.Fprintf(out, "checked %d modules: none calls a known vulnerability\n", len(all))
	return nil
}

// reach checks that the database answers. Its index is at /index/db.json:
// https://go.dev/doc/security/vuln/database.
func reach(ctx context.Context, db string) error {
	if folder, ok := strings.CutPrefix(db, "file://"); ok {
		_, err := os.Stat(filepath.Join(filepath.FromSlash(folder), "index", "db.json"))
		return err
	}
	address, err := url.JoinPath(db, "index", "db.json")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %s", address, response.Status)
	}
	return nil
}
