// Package command holds the subcommands, which create what a client needs for
// bound tokens: DPoP proofs and client certificates.
package command

import (
	"flag"
	"io"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
)

// parse parses the flags of a subcommand, which takes no arguments.
func parse(flags *flag.FlagSet, args []string, synopsis string, stdout io.Writer) error {
	if err := usage.Parse(flags, args, synopsis, stdout); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usage.Mark(usage.ErrUnexpectedArgument)
	}
	return nil
}
