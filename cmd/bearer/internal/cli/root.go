// Package cli has the commands of the program bearer, one file each.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// The exit codes, which scripts may rely on. The help of the program lists them.
const (
	exitOK       = 0 // the token is good, the API has no fault, the work is done
	exitNegative = 1 // the token is refused, or the API or the issuer has a fault
	exitUsage    = 2 // the command line has a mistake
	exitUnknown  = 3 // nobody can tell, for example because the issuer is out of reach
)

// commands are the commands in the order of the help.
var commands = []func(*program) *cobra.Command{
	explainCommand,
	tokenCommand,
	proofCommand,
	certificateCommand,
	devCommand, triggerCommand,
	probeCommand,
	issuerCommand,
	manCommand,
	conformCommand,
}

// program is one run of bearer.
type program struct {
	ui.Streams
	json bool // print JSON for programs, not text for people
}

// Run runs the program with the arguments of the command line, and returns its exit
// code. The first interrupt ends the command gracefully, and the second at once.
func Run(args []string, streams ui.Streams) int {
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(signals, stop)

	p := &program{Streams: streams}
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(signals)
	var outcome outcome
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &outcome):
		if outcome.err != nil {
			p.complain(outcome.err)
		}
		return outcome.code
	}
	p.complain(err)
	return exitUsage
}

// complain prints an error on standard error, without a token that is a part of it.
func (p *program) complain(err error) {
	_, _ = fmt.Fprintln(p.Err, "bearer: "+jwts.ReplaceAllString(ui.Line(err), notShown))
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "bearer",
		Short: "Explain access tokens, and examine the APIs and issuers that use them",
		Long: `bearer helps with APIs that are protected by OAuth 2.0 access tokens.

Exit codes: 0 if all is well, 1 if a token is refused or a fault is found, 2 for a
mistake on the command line, and 3 if bearer cannot tell.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArguments,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(flagMistake)
	root.SuggestionsMinimumDistance = 2
	if info, ok := debug.ReadBuildInfo(); ok {
		root.Version = cmp.Or(info.Main.Version, "of an unknown version")
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.Err)
	root.PersistentFlags().BoolVar(&p.json, "json", false, "print JSON for programs")
	root.SetHelpCommand(helpCommand(root))
	for _, command := range commands {
		c := command(p)
		c.Args = cobra.MatchAll(noLostValue, c.Args)
		root.AddCommand(c)
	}
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			quiet(c)
		}
	}
	return root
}

// noLostValue refuses a flag whose value is the next flag: the shell's variable for
// the value was empty.
func noLostValue(c *cobra.Command, _ []string) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		value := strings.TrimPrefix(f.Value.String(), "[") // a list's
		name, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(value, "]"), "--"), "=")
		if err == nil && strings.HasPrefix(value, "--") && c.Flags().Lookup(name) != nil {
			err = fmt.Errorf("--%s has no value: the flag --%s follows; perhaps a variable of the shell is empty", f.Name, name)
		}
	})
	return err
}

// quiet makes a command of cobra's refuse arguments without repeating them.
func quiet(c *cobra.Command) {
	c.Args = noArguments
	if c.RunE == nil {
		c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	for _, sub := range c.Commands() {
		sub.Args = noArguments
	}
}

// helpCommand replaces cobra's, which repeats an unknown topic.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return errors.New("no such command; bearer help lists the commands")
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// outcome is an error that decides the exit code. All other errors are mistakes on
// the command line.
type outcome struct {
	code int
	err  error // nil: the command has printed what there is to say
}

func (o outcome) Error() string { return fmt.Sprintf("exit code %d: %v", o.code, o.err) }
func (o outcome) Unwrap() error { return o.err }

// negative ends a command that has printed why a token is refused, or a fault.
func negative() error { return outcome{code: exitNegative} }

// unknown ends a command that cannot tell because of err.
func unknown(err error) error { return outcome{exitUnknown, err} }

// failed ends a command that did not do its work because of err.
func failed(err error) error { return outcome{exitNegative, err} }
