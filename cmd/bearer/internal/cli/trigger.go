package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// triggerTimeout bounds a trigger; notices of a sign-out take the longest.
const triggerTimeout = 15 * time.Second

func triggerCommand(p *program) *cobra.Command {
	var server string
	var command dev.Command
	var names []string
	help := "trigger makes something happen at the server that \"bearer dev\" runs. Without a\nname it prints the states of the issuers.\n\n"
	for _, t := range dev.Triggers {
		help += fmt.Sprintf("  %-9s %s\n", t.Name, t.Does)
		names = append(names, t.Name)
	}
	c := &cobra.Command{
		Use:       "trigger [" + strings.Join(names, "|") + "]",
		Short:     "Make a development server rotate keys, fail, revoke or sign out",
		Long:      strings.TrimSpace(help),
		Example:   "  bearer trigger\n  bearer trigger rotate\n  bearer trigger down --issuer /staff\n  bearer trigger logout --user alice",
		Args:      oneOf(names),
		ValidArgs: names,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				command.Trigger = args[0]
			} else if command.Issuer != "" || command.User != "" {
				return errors.New("--issuer and --user need a trigger, such as: bearer trigger revoke --user alice")
			}
			if command.User != "" && command.Trigger != "revoke" && command.Trigger != "logout" {
				return errors.New("--user is for revoke and logout")
			}
			return p.trigger(c.Context(), server, command)
		},
	}
	flags := c.Flags()
	flags.StringVar(&server, "server", defaultDevURL, "`URL` of the server")
	flags.StringVar(&command.Issuer, "issuer", "", "`path` of the issuer, / for the root (default all issuers)")
	flags.StringVar(&command.User, "user", "", "`name` of the user, for revoke and logout (default all users)")
	return c
}

func (p *program) trigger(ctx context.Context, server string, command dev.Command) error {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" || !weburl.IsLoopback(u.Hostname()) || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--server %q: want the URL that bearer dev prints, such as %s", server, defaultDevURL)
	}
	ctx, cancel := context.WithTimeout(ctx, triggerTimeout)
	defer cancel()
	states, err := sendTrigger(ctx, strings.TrimRight(server, "/")+dev.TriggerPath, command)
	if err != nil {
		return err
	}
	if p.json {
		return p.documentLine(states)
	}
	paint := ui.For(p.Out)
	for _, s := range states {
		if command.Trigger != "" && command.Issuer != "" && s.Path != command.Issuer {
			continue
		}
		style := ui.Good
		if s.State != "up" {
			style = ui.Bad
		}
		_, _ = fmt.Fprintf(p.Out, "%s is %s\n", ui.Printable(s.Issuer), paint.Paint(style, ui.Printable(s.State)))
		if s.Did != "" {
			_, _ = fmt.Fprintf(p.Out, "  done      %s\n", ui.Printable(s.Did))
		}
		signedIn := strings.Join(s.Sessions, ", ")
		if signedIn == "" {
			signedIn = "nobody"
		}
		_, _ = fmt.Fprintf(p.Out, "  keys      %s\n  tokens    %d active\n  signed in %s\n  clients   %d registered\n",
			ui.Printable(strings.Join(s.Keys, " ")), s.Tokens, ui.Printable(signedIn), s.Clients)
	}
	return nil
}

// sendTrigger sends a command, or asks for the states.
func sendTrigger(ctx context.Context, url string, command dev.Command) ([]dev.State, error) {
	method, body := http.MethodGet, []byte(nil)
	if command.Trigger != "" {
		var err error
		if body, err = json.Marshal(command); err != nil {
			return nil, failed(err)
		}
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, failed(err)
	}
	r.Header.Set(dev.TriggerHeader, "trigger")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return nil, unknown(fmt.Errorf("%w; is \"bearer dev\" running? --server says where", err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, unknown(err)
	}
	if resp.StatusCode != http.StatusOK {
		var refused struct {
			Text string `json:"error_description"`
		}
		if json.Unmarshal(answer, &refused) == nil && refused.Text != "" && resp.StatusCode == http.StatusBadRequest {
			return nil, errors.New(ui.Printable(refused.Text))
		}
		return nil, unknown(fmt.Errorf("%s answers %s, so it is perhaps not \"bearer dev\"", url, resp.Status))
	}
	var states []dev.State
	if json.Unmarshal(answer, &states) != nil {
		return nil, unknown(fmt.Errorf("%s is not \"bearer dev\"", url))
	}
	return states, nil
}
