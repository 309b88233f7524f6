// Package usage marks the mistakes that a user made on the command line, and
// prints them.
package usage

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Error is a mistake on the command line. The program exits with status 2.
type Error struct{ err error }

// Mark returns err as an *Error.
func Mark(err error) error { return &Error{err} }

// Errorf formats an *Error as [fmt.Errorf] does.
func Errorf(format string, args ...any) error { return &Error{fmt.Errorf(format, args...)} }

func (e *Error) Error() string { return e.err.Error() }

func (e *Error) Unwrap() error { return e.err }

// ErrUnexpectedArgument reports an argument without quoting it: if a secret
// contains a space and is not quoted in the shell, its second part becomes an
// argument.
var ErrUnexpectedArgument = errors.New("an argument that belongs to no flag; it is not shown, since it may be part of a secret")

// NewFlagSet returns an empty flag set that prints nothing by itself.
func NewFlagSet(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	return flags
}

// Parse parses the flags. The error is [flag.ErrHelp] when the user asked for
// help, which Parse then prints to stdout, and an *Error otherwise.
func Parse(flags *flag.FlagSet, args []string, synopsis string, stdout io.Writer) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = fmt.Fprintln(stdout, "usage: "+synopsis)
		flags.SetOutput(stdout)
		flags.PrintDefaults()
		return err
	case err != nil:
		return Mark(err)
	}
	return nil
}

// Line returns the text of err as one line of printable characters, even if err
// joins several errors or quotes a flag's value.
func Line(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}
