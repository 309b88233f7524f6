package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/probe"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

func probeCommand(p *program) *cobra.Command {
	var network network
	var config probe.Config
	command := &cobra.Command{
		Use:   "probe URL",
		Short: "Check an API from outside, from DNS to the issuer's keys",
		Long: `Check an API as a client sees it: the host's name, the connection, TLS, the 401 and
its challenge, a wrong token, the protected resource metadata (RFC 9728), the issuers'
metadata and keys, and the clocks. With --origin, also what pages in a browser need.
The URL is that of a protected route.

The probe makes at most 20 requests, sends no token but random text, and follows no
redirect to another origin. It goes on after a fault where it can: also after a bad
certificate, since it sends no secrets. It uses no proxy.

JSON (--json): result (ok, warning or fault), url, requests, steps (step, title,
status: ok, fault, warning or skipped; found, because, findings (code, severity, text,
do, spec)).`,
		Example: `  bearer probe https://api.example.com/orders
  bearer probe http://localhost:8080/orders --origin https://app.example.com
  bearer probe https://mcp.example.com/mcp --method POST --thorough
  bearer probe https://localhost:8443/orders --cacert ca.pem --json`,
		Args: oneURL("https://api.example.com/orders"),
		RunE: func(command *cobra.Command, args []string) error {
			config.URL = args[0]
			return p.probe(command.Context(), config, network)
		},
	}
	network.flags(command)
	command.Flags().StringVar(&config.Method, "method", "GET", "`method` of the route")
	command.Flags().StringVar(&config.Origin, "origin", "", "`origin` of the pages that call the API, such as https://app.example.com")
	command.Flags().BoolVar(&config.Thorough, "thorough", false, "also send two Authorization fields, which an API must refuse")
	return command
}

func (p *program) probe(ctx context.Context, config probe.Config, network network) error {
	client, err := network.client()
	if err != nil {
		return err
	}
	defer client.Close()
	config.Client, config.Progress = client, p.progress
	report, err := probe.Run(ctx, config)
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
		p.showProbe(report)
	}
	if report.Result() == string(finding.Fault) {
		return negative()
	}
	return nil
}

func (p *program) showProbe(r *probe.Report) {
	s := p.sheet()
	findings := r.Findings()
	style := ui.Good
	if finding.Worst(findings) == finding.Fault {
		style = ui.Bad
	}
	s.line("%s: %s\n", finding.Clip(r.URL), s.Paint(style, severities(findings)))
	for _, step := range r.Steps {
		text := step.Title
		if step.Found != "" {
			text += ": " + step.Found
		}
		if step.Because != "" {
			text += s.Paint(ui.Faint, ": "+step.Because)
		}
		s.line("%s %s", s.mark(string(step.Status)), text)
		for _, f := range step.Findings {
			s.finding(f, "    ")
		}
	}
}
