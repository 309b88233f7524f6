package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func manCommand(*program) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "man --out DIRECTORY",
		Short: "Write the manual pages",
		Long:  "man writes a manual page for each command: bearer.1, bearer-explain.1, and so on.",
		Example: `  bearer man --out ~/.local/share/man/man1
  man bearer-explain`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if dir == "" {
				return errors.New("no --out; want a directory")
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return failed(err)
			}
			return writePages(c.Root(), dir)
		},
	}
	c.Flags().StringVar(&dir, "out", "", "`directory` of the pages; pages that exist are replaced")
	return c
}

// writePages writes the pages of a command and of those below it.
func writePages(c *cobra.Command, dir string) error {
	file := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
	if err := os.WriteFile(filepath.Join(dir, file), []byte(manPage(c)), 0o644); err != nil {
		return failed(err)
	}
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		if err := writePages(sub, dir); err != nil {
			return err
		}
	}
	return nil
}

// manPage returns a manual page in the language of man(7).
func manPage(c *cobra.Command) string {
	var b strings.Builder
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	section := func(title, text string) {
		if text != "" {
			fmt.Fprintf(&b, ".SH %s\n.nf\n%s\n.fi\n", title, roff(text))
		}
	}
	fmt.Fprintf(&b, ".TH %s 1\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n%s\n", strings.ToUpper(roff(name)), roff(name), roff(c.Short), roff(c.UseLine()))
	section("DESCRIPTION", c.Long)
	c.InitDefaultHelpFlag()
	b.WriteString(".SH OPTIONS\n")
	flags := func(set *pflag.FlagSet) {
		set.VisitAll(func(f *pflag.Flag) {
			value, usage := pflag.UnquoteUsage(f)
			line := strings.TrimSpace("--" + f.Name + " " + value)
			if f.Shorthand != "" {
				line = "-" + f.Shorthand + ", " + line
			}
			fmt.Fprintf(&b, ".TP\n%s\n%s\n", roff(line), roff(usage))
		})
	}
	flags(c.NonInheritedFlags())
	flags(c.InheritedFlags())
	section("EXAMPLES", c.Example)
	var others []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			others = append(others, name+"-"+sub.Name()+"(1)")
		}
	}
	if c.HasParent() {
		others = append(others, strings.ReplaceAll(c.Parent().CommandPath(), " ", "-")+"(1)")
	}
	section("SEE ALSO", strings.Join(others, "\n"))
	return b.String()
}

// roff returns a text of which man(7) obeys nothing.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
