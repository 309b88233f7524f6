package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/explain"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
)

// explainTimeout bounds the requests of bearer explain together.
const explainTimeout = 40 * time.Second

type explainFlags struct {
	config    explain.Config
	profile   string
	scope, at string
	api       string
	send      bool
	tokenFile string
}

func explainCommand(p *program) *cobra.Command {
	var f explainFlags
	c := &cobra.Command{
		Use:   "explain [TOKEN | -]",
		Short: "Say why an API accepts or refuses a token",
		Long: `explain makes all checks of an API on an access token and says which one fails, why,
and what to do. The token is an argument, standard input (-), or a file. It is never
printed.

Name the API by --issuer and --audience, as its jwks.Issuer has them, or by its URL
with --api: its challenge and its metadata then name both. Without either, explain
only decodes the token, asks nobody, and labels what it says as unverified.

The profile is that of RFC 9068 by default, as for a jwks.Issuer. With --api, and
without an API, it is the one that the token seems to follow. The profiles are
` + wrapped(profile.Names(), 80) + `.

The first line is the verdict. Exit code: 0 if an API lets the token in, 1 if it
refuses the token, 3 if nobody can tell, such as without an API or its issuer's keys.

With --json, "verdict" has status, code, check (the field of the API's log record),
cause (a stable name) and text; "checks" has name, result (pass, fail, skipped),
rule, expected and got; "answer" is the API's answer, and "advice" what to do.`,
		Example: `  bearer explain "$TOKEN"
  bearer explain "$TOKEN" --issuer https://sso.example.com/realms/shop --audience orders-api --profile keycloak
  bearer explain - --issuer https://login.example.com --audience orders-api --scope "orders:read" < token.txt
  bearer explain "$TOKEN" --api https://api.example.com/orders --send`,
		Args: tokenArgument,
		RunE: func(c *cobra.Command, args []string) error { return p.explain(c.Context(), &f, args) },
	}
	flags := c.Flags()
	flags.StringVar(&f.config.Issuer, "issuer", "", "`URL` of the issuer, exactly as the API's jwks.Issuer has it")
	flags.StringSliceVar(&f.config.Audience, "audience", nil, "`name` of the API at the issuer, one of its Audience (repeatable)")
	flags.StringVar(&f.profile, "profile", "", "`name` of the issuer's profile")
	flags.StringVar(&f.scope, "scope", "", "`scopes` that the route requires, with spaces between them")
	flags.StringSliceVar(&f.config.Roles, "role", nil, "`role` that the route requires (repeatable)")
	flags.StringVar(&f.config.KeysURL, "jwks-uri", "", "`URL` of the issuer's keys (default: discovery)")
	flags.StringVar(&f.config.KeysFile, "keys", "", "`file` with the issuer's keys, a JWK Set or PEM")
	flags.DurationVar(&f.config.Leeway, "leeway", 0, "tolerated `difference` of clocks (default 5s; negative: none)")
	flags.StringVar(&f.at, "at", "", "judge at this `time`, as 2006-01-02T15:04:05Z, such as that of a log record")
	flags.StringVar(&f.api, "api", "", "`URL` of a route of the API")
	flags.BoolVar(&f.send, "send", false, "also send the token to the --api, and explain its answer")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the token")
	flags.BoolVar(&f.config.InsecureAllowHTTP, "insecure-allow-http", false, "allow http URLs on hosts other than this machine")
	completeProfiles(c, strings.Split(profile.Names(), ", ")...)
	return c
}

// wrapped breaks a list at commas into lines of at most width characters.
func wrapped(list string, width int) string {
	var lines []string
	line := ""
	for _, word := range strings.SplitAfter(list, ", ") {
		if len(line)+len(word) > width {
			lines, line = append(lines, strings.TrimSpace(line)), ""
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n")
}

// compile checks the flags, and reports all mistakes.
func (f *explainFlags) compile() error {
	var errs []error
	var err error
	if f.profile != "" {
		if f.config.Profile, err = profile.Find(f.profile); err != nil {
			errs = append(errs, fmt.Errorf("--profile: %w", err))
		}
	}
	if f.at != "" {
		if f.config.At, err = time.Parse(time.RFC3339, f.at); err != nil {
			errs = append(errs, fmt.Errorf("--at %q; want a time such as 2006-01-02T15:04:05Z", f.at))
		}
	}
	f.config.Scope = strings.Fields(f.scope)
	if f.config.KeysURL != "" && f.config.KeysFile != "" {
		errs = append(errs, errors.New("--jwks-uri and --keys; want one of them"))
	}
	if f.send && f.api == "" {
		errs = append(errs, errors.New("--send without --api; want the URL to send the token to"))
	}
	if f.api == "" && (f.config.Issuer == "") != (len(f.config.Audience) == 0) {
		errs = append(errs, errors.New("--issuer and --audience belong together; want both, or --api, or neither"))
	}
	if f.config.Issuer == "" && f.api == "" && (f.config.KeysURL != "" || f.config.KeysFile != "" || f.scope != "" || len(f.config.Roles) > 0) {
		errs = append(errs, errors.New("--jwks-uri, --keys, --scope and --role need --issuer and --audience, or --api"))
	}
	return errors.Join(errs...)
}

func (p *program) explain(ctx context.Context, f *explainFlags, args []string) error {
	if err := f.compile(); err != nil {
		return err
	}
	argument := ""
	if len(args) == 1 {
		argument = args[0]
	}
	if argument == "" && f.tokenFile == "" && len(args) == 0 {
		return errors.New("no token; want it as an argument, - for standard input, or --token-file")
	}
	token, err := p.readToken(ctx, argument, f.tokenFile, "--token-file")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	api, err := p.askAPI(ctx, f, token)
	if err != nil {
		return err
	}
	done := func() {}
	if f.config.Issuer != "" {
		done = p.waiting("asking the issuer for its keys …")
	}
	report, err := explain.Token(ctx, token, f.config)
	done()
	if err != nil {
		return errors.New(flagNames.Replace(err.Error()))
	}
	if ctx.Err() != nil {
		return unknown(errors.New("interrupted, or the issuer and the API took too long"))
	}
	report.WithAPI(api)
	if !p.json {
		report.Write(p.Out, ui.For(p.Out))
	} else if err := p.document(report); err != nil {
		return failed(err)
	}
	return outcomeOf(report)
}

// flagNames replaces the fields in a mistake of the SDK's configuration by the flags
// that set them.
var flagNames = strings.NewReplacer(
	"jwks: Config.Issuers[0]: ", "", "URL: the URL", "--issuer: the URL", "URL: contains", "--issuer: contains", "set AllowNonHTTPSIdentifier and Keys", "name its keys by --jwks-uri or --keys",
	"with InsecureAllowHTTP", "with --insecure-allow-http", "Audience[0]", "--audience", "Keys: KeysFromFile", "--keys", "Keys: KeysFromURL", "--jwks-uri", "jwks: Config.Leeway", "--leeway",
)

// outcomeOf returns the exit code of a report. What the API really answered counts
// more than what it would answer.
func outcomeOf(r *explain.Report) error {
	status := r.Verdict.Status
	if r.API != nil && r.API.Sent != nil {
		status = r.API.Sent.Status
	}
	switch {
	case status == 0, status == http.StatusServiceUnavailable, status == http.StatusTooManyRequests:
		return unknown(nil)
	case status < 300:
		return nil
	}
	return negative()
}

// askAPI learns the issuer, the audience and the scope from the API, and sends the
// token if the user says so. It returns nil without --api.
func (p *program) askAPI(ctx context.Context, f *explainFlags, token string) (*explain.API, error) {
	if f.api == "" {
		return nil, nil
	}
	done := p.waiting("asking the API …")
	defer done()
	caller := explain.Caller{URL: f.api, InsecureAllowHTTP: f.config.InsecureAllowHTTP}
	api, err := caller.Discover(ctx)
	if err != nil {
		return nil, unknown(fmt.Errorf("--api: %w", err))
	}
	c := &f.config
	c.URL, c.Metadata, c.GuessProfile = f.api, api.Metadata, true
	if c.Issuer == "" {
		c.Issuer = api.Issuer(token)
	}
	if len(c.Audience) == 0 && c.Issuer != "" {
		c.Audience = []string{api.Resource}
	}
	if len(c.Scope) == 0 {
		c.Scope = api.Scope
	}
	if c.Issuer == "" || c.Audience[0] == "" {
		c.Issuer, c.Audience, c.Scope, c.Roles = "", nil, nil, nil
		api.Problems = append(api.Problems, "the API does not say who its issuer is: name it by --issuer and --audience")
	}
	if f.send {
		if api.Sent, err = caller.Send(ctx, token); err != nil {
			return nil, unknown(fmt.Errorf("--send: %w", err))
		}
	}
	return api, nil
}
