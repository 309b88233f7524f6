// Command bearer helps the developers and operators of protected APIs: it explains
// tokens and refusals, examines APIs and issuers, and runs an authorization server
// for development. Run it without arguments for a list of its commands.
//
// Package cli has the commands. Each of them is thin: what a command does is in a
// package of its own beside cli.
package main

import (
	"os"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], ui.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
