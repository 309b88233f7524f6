// Command soak runs instances of an API on four frameworks through faults of
// issuers, of Redis and of the instances themselves, and checks every answer:
//
//	go run . -duration 60s
//
// It needs redis-server. See docs/soak.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bearerkit/bearerkit/soak/internal/instance"
)

func main() {
	if os.Getenv(instanceVariable) != "" {
		os.Exit(instance.Main(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command runs the program and returns its exit code: 0 if nothing was wrong, 1 if
// something was, and 2 for a mistake on the command line.
func command(ctx context.Context, args []string, out, errs io.Writer) int {
	c := config{frameworks: instance.Frameworks(), progress: out}
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&c.duration, "duration", time.Minute, "how long to send requests, at least 10s")
	flags.IntVar(&c.rate, "rate", 150, "requests a second, from 1 to 2000")
	flags.Uint64Var(&c.seed, "seed", 0, "the seed of the faults; 0 draws one")
	flags.StringVar(&c.out, "out", "", "the folder for soak.json and soak.svg (default: they are not written)")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if c.duration < 10*time.Second || c.rate < 1 || c.rate > 2000 || flags.NArg() > 0 {
		fmt.Fprintln(errs, "soak: want -duration of at least 10s, -rate from 1 to 2000, and no arguments")
		return 2
	}
	if c.seed == 0 {
		c.seed = uint64(mathrand.Uint32())
	}
	fmt.Fprintf(out, "%v of faults and %d requests a second; repeat with -seed %d\n", c.duration, c.rate, c.seed)
	r, err := run(ctx, c)
	if err != nil {
		fmt.Fprintln(errs, "soak:", err)
		return 1
	}
	r.print(out)
	if c.out != "" {
		if err := r.write(c.out); err != nil {
			fmt.Fprintln(errs, "soak:", err)
			return 1
		}
	}
	if !r.ok() {
		return 1
	}
	return 0
}
