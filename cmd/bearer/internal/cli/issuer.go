package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/inspect"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

func issuerCommand(p *program) *cobra.Command {
	var network network
	var token string
	command := &cobra.Command{
		Use:   "issuer URL",
		Short: "Show an issuer's identifier, endpoints and keys, and the Go lines for it",
		Long: `Find the metadata of an authorization server and show what an API must know about
it: the issuer's identifier, the endpoints, the keys and whether bearerkit can use
them, the clock, the profile that fits the issuer's tokens, and the Go lines to paste.

The URL may also be that of a metadata document or of an endpoint, or lack its scheme.
The profile is a guess by the host and the metadata. With --token, an access token of
the issuer is verified with the issuer's keys, under each profile; its expiry and its
audience do not count. The token is neither printed nor sent anywhere.

JSON (--json): result (ok, warning or fault), issuer, metadata_url, endpoints, keys
(kid, kty, size, alg, use, usable, reason, algorithms, certificate_expires), algorithms,
dpop_algorithms, mtls_bound_tokens, keys_fresh_seconds, clock_seconds, profile (name,
sure, reason, others), go, notes, attempts (url, problem), findings (code, severity,
text, do, spec).`,
		Example: `  bearer issuer https://sso.example.com/realms/shop
  bearer issuer login.microsoftonline.com/contoso.onmicrosoft.com
  bearer issuer https://sso.example.com/realms/shop --token token.txt
  bearer issuer http://localhost:9000 --json`,
		Args: oneURL("https://sso.example.com/realms/shop"),
		RunE: func(command *cobra.Command, args []string) error {
			return p.issuer(command.Context(), args[0], token, network)
		},
	}
	network.flags(command)
	command.Flags().StringVar(&token, "token", "", "`file` with an access token of the issuer, or - for standard input")
	return command
}

func (p *program) issuer(ctx context.Context, input, tokenFile string, network network) error {
	config := inspect.Config{Input: input}
	if tokenFile != "" {
		argument, file := "", tokenFile
		if tokenFile == "-" {
			argument, file = "-", ""
		}
		token, err := p.readToken(ctx, argument, file, "--token")
		if err != nil {
			return err
		}
		if token == "" {
			return errors.New("--token: there is no token")
		}
		config.Token = token
	}
	client, err := network.client()
	if err != nil {
		return err
	}
	defer client.Close()
	config.Client = client
	p.progress("asking the issuer …")
	report, err := inspect.Inspect(ctx, config)
	p.progress("")
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return unknown(errors.New("interrupted"))
	case p.json:
		if err := p.document(report); err != nil {
			return failed(err)
		}
	default:
		p.showIssuer(report)
	}
	switch {
	case report.Unreachable():
		return unknown(nil)
	case report.Result() == string(finding.Fault):
		return negative()
	}
	return nil
}

func (p *program) showIssuer(r *inspect.Report) {
	s := p.sheet()
	if r.Issuer == "" {
		s.line("%s", s.Paint(ui.Bad, "No issuer found."))
	} else {
		s.line("issuer    %s", s.Paint(ui.Strong, finding.Clip(r.Issuer)))
		s.line("metadata  %s", finding.Clip(r.MetadataURL))
		s.profile(*r.Profile)
		s.line("found     %s", severities(r.Findings))
	}
	for _, note := range r.Notes {
		s.line("note      %s", note)
	}
	for _, f := range r.Findings {
		s.line("")
		s.finding(f, "")
	}
	if r.Issuer == "" {
		return
	}
	s.endpoints(r)
	s.keys(r)
	if r.Go != "" {
		s.line("\nGo:\n\n%s", r.Go)
	}
}

func (s sheet) profile(profile inspect.Profile) {
	how := "a guess: "
	if profile.Sure {
		how = "sure: "
	}
	s.line("profile   %s (%s%s)", profile.Name, how, profile.Reason)
	if len(profile.Others) > 0 {
		s.line("          the token also fits %s", strings.Join(profile.Others, ", "))
	}
}

func (s sheet) endpoints(r *inspect.Report) {
	s.line("\nEndpoints:")
	table := tabwriter.NewWriter(s, 0, 0, 2, ' ', 0)
	for _, name := range r.Names() {
		_, _ = fmt.Fprintf(table, "  %s\t%s\n", name, finding.Clip(r.Endpoints[name]))
	}
	_ = table.Flush()
	if len(r.DPoP) > 0 {
		s.line("  tokens can be bound to a key (DPoP): %s", finding.Clip(strings.Join(r.DPoP, " ")))
	}
	if r.MTLS {
		s.line("  tokens can be bound to a client certificate")
	}
}

func (s sheet) keys(r *inspect.Report) {
	const most = 50
	if len(r.Keys) > 0 {
		s.line("\nKeys:")
	}
	table := tabwriter.NewWriter(s, 0, 0, 2, ' ', 0)
	for _, key := range r.Keys[:min(len(r.Keys), most)] {
		state := "usable"
		if !key.Usable {
			state = "not usable: " + key.Reason
		}
		if key.Expires != "" {
			state += "; certificate until " + key.Expires
		}
		algorithms := key.Algorithm
		if algorithms == "" {
			algorithms = strings.Join(key.Algorithms, " ")
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\n", or(key.ID, "no kid"), or(key.Type, "?"), or(key.Size, "-"), or(key.Use, "-"), or(algorithms, "-"), state)
	}
	_ = table.Flush()
	if len(r.Keys) > most {
		s.line("  and %d more", len(r.Keys)-most)
	}
	if r.KeysFresh != nil {
		s.line("  the issuer lets caches keep the keys for %s", time.Duration(*r.KeysFresh*float64(time.Second)))
	} else if len(r.Keys) > 0 {
		s.line("  the issuer does not say how long caches may keep the keys; bearerkit keeps them for 5m")
	}
	if r.ClockSeconds != nil {
		s.line("\nClock: the issuer's differs from this machine's by %s", time.Duration(*r.ClockSeconds)*time.Second)
	}
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
