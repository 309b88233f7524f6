package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// No error of this file quotes an argument that may be a token: a token in the wrong
// place is still a secret.

// secrets matches what may be a token. A token that begins with a dash looks like a
// flag.
var secrets = regexp.MustCompile(`[\w.~+/=-]{24,}|"[^"]{24,}"`)

// jwts matches a JWT, or the start of one.
var jwts = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*)*`)

const notShown = "(not shown, since it may be a token)"

// flagMistake returns the error about a flag.
func flagMistake(c *cobra.Command, err error) error {
	return fmt.Errorf("%s; %s --help lists the flags", secrets.ReplaceAllString(err.Error(), notShown), c.CommandPath())
}

// maxWord is the length of the longest argument that an error quotes.
const maxWord = 16

// noArguments accepts no argument.
func noArguments(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.HasParent():
		return errors.New("an argument that belongs to no flag; it is not shown, since it may be a token")
	case len(args[0]) > maxWord:
		return errors.New("the first argument is no command; to explain a token, write: bearer explain TOKEN")
	}
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		return fmt.Errorf("%q is no command; did you mean %s?", args[0], strings.Join(similar, " or "))
	}
	return fmt.Errorf("%q is no command; bearer help lists them", args[0])
}

// oneURL accepts one argument, a URL such as example.
func oneURL(example string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("%s; want one URL, as in: %s %s", count(len(args), "argument"), c.CommandPath(), example)
	}
}

// oneOf accepts at most one argument, which is one of words.
func oneOf(words []string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 || len(args) == 1 && slices.Contains(words, args[0]):
			return nil
		case len(args) == 1 && len(args[0]) <= maxWord:
			return fmt.Errorf("%q; want one of %s", args[0], strings.Join(words, ", "))
		case len(args) == 1:
			return fmt.Errorf("the argument, which is not shown, since it may be a token; want one of %s", strings.Join(words, ", "))
		}
		return fmt.Errorf("%d arguments; want one of %s", len(args), strings.Join(words, ", "))
	}
}

// tokenArgument accepts at most one argument.
func tokenArgument(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%d arguments; want one token, in quotes if it contains spaces", len(args))
	}
	return nil
}

// completeProfiles lets shells complete the names of profiles after --profile.
func completeProfiles(c *cobra.Command, names ...string) {
	_ = c.RegisterFlagCompletionFunc("profile", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}
