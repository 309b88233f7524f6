package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// devIssuer is where bearer dev serves its issuer.
const devIssuer = "http://127.0.0.1:9000"

// loginClient is the public client of bearer dev.
const loginClient = "app"

type tokenFlags struct {
	issuer          string
	scope, profile  string
	subject, client string
	audience        []string
	roles, claims   []string
	validFor        time.Duration
	out             string
	login           bool
}

func tokenCommand(p *program) *cobra.Command {
	var f tokenFlags
	c := &cobra.Command{
		Use:   "token",
		Short: "Get a token from a development issuer",
		Long: `token asks the development issuer that bearer dev runs for an access token, and prints
only the token. Such an issuer gives any token to any client. It may be on this
machine, or at an https URL.

With --login, a person signs in: it prints the address of the login page, and waits
until somebody has chosen a user there.`,
		Example: `  TOKEN=$(bearer token --scope orders:read)
  bearer token --subject alice --role admin --claim tenant=acme
  TOKEN=$(bearer token --login --scope orders:read)
  bearer token --profile keycloak --valid-for 10s -o token.txt`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.requestToken(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.issuer, "issuer", devIssuer, "`URL` of the issuer")
	flags.StringVar(&f.scope, "scope", "", "`scopes`, with spaces between them")
	flags.StringVar(&f.subject, "subject", "", "`user`, such as alice (default: the client itself)")
	flags.StringVar(&f.client, "client", "", "`ID` of the client")
	flags.BoolVar(&f.login, "login", false, "sign in with a browser")
	flags.StringSliceVar(&f.audience, "audience", nil, "`name` of the API (repeatable; default: the issuer's)")
	flags.StringSliceVar(&f.roles, "role", nil, "`role` (repeatable)")
	flags.StringArrayVar(&f.claims, "claim", nil, "`name=value` of a claim, as JSON or text (repeatable)")
	flags.DurationVar(&f.validFor, "valid-for", 0, "`time` until the token expires; negative: it has expired (default: the issuer's)")
	flags.StringVar(&f.profile, "profile", "", "`name` of the profile whose form the token has: "+profile.Names()+", "+profile.EntraIDv1)
	flags.StringVarP(&f.out, "output", "o", "-", "`file` for the token, readable by its owner only; - is standard output")
	completeProfiles(c, dev.ProfileNames()...)
	return c
}

// form returns the parameters of the token request.
func (f *tokenFlags) form() (url.Values, error) {
	var errs []error
	form := url.Values{"grant_type": {"client_credentials"}}
	set := func(name, value string) {
		if value != "" {
			form.Set(name, value)
		}
	}
	set("scope", f.scope)
	set("sub", f.subject)
	set("client_id", f.client)
	form["audience"], form["roles"], form["claim"] = f.audience, f.roles, f.claims
	for _, claim := range f.claims {
		if name, _, ok := strings.Cut(claim, "="); !ok || name == "" {
			errs = append(errs, fmt.Errorf("--claim %q; want name=value", claim))
		}
	}
	if f.profile != "" {
		p, err := profile.Find(f.profile)
		if err != nil {
			errs = append(errs, fmt.Errorf("--profile: %w", err))
		}
		set("profile", p.Shape)
	}
	if f.validFor != 0 {
		set("valid_for", f.validFor.String())
	}
	if f.login && f.subject != "" {
		errs = append(errs, errors.New("--login and --subject; want one of them, since the person who signs in chooses the user"))
	}
	if f.login && f.client == "" {
		form.Set("client_id", loginClient)
	}
	if f.out == "" {
		errs = append(errs, errors.New("--output is empty; want a file, or - for standard output"))
	}
	return form, errors.Join(errs...)
}

func (p *program) requestToken(ctx context.Context, f *tokenFlags) error {
	form, err := f.form()
	if err != nil {
		return err
	}
	client := fetch.New(nil, false)
	defer client.CloseIdleConnections()
	if _, err := client.CheckURL(f.issuer); err != nil {
		return fmt.Errorf("--issuer: %w", err)
	}
	issuer := strings.TrimSuffix(f.issuer, "/")
	if f.login {
		if err := p.login(ctx, issuer, form); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	response, err := client.Post(ctx, issuer+"/token", form, http.Header{}, fetch.MaxBody)
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		return failed(fmt.Errorf("the issuer refuses: %s", finding.Clip(cmp.Or(oauthError(response.Body), status.Error()))))
	}
	if err != nil {
		return unknown(fmt.Errorf("%w; start the issuer with bearer dev, end a trigger with bearer trigger up, or name another issuer by --issuer", err))
	}
	token := member(response.Body, "access_token")
	switch {
	case token == "":
		return failed(errors.New("the issuer's answer has no access_token"))
	case strings.Trim(token, printable) != "":
		return failed(errors.New("the issuer's access_token has characters that no token has (RFC 6749, Appendix A.12); it is not shown"))
	case f.out == "-":
		_, err = fmt.Fprintln(p.Out, token)
	default:
		err = writeSecret(f.out, token+"\n")
	}
	if err != nil {
		return failed(err)
	}
	return nil
}

// printable are the characters of a token: those of US-ASCII that can be printed,
// without the space, which no API accepts (RFC 6750, Section 2.1).
const printable = "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// writeSecret writes a file that only its owner may read, also if the file exists.
func writeSecret(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() { // not a device, such as /dev/stdout
		err = errors.Join(f.Chmod(0o600), f.Truncate(0))
	}
	if err == nil {
		_, err = f.WriteString(text)
	}
	return errors.Join(err, f.Close())
}

// oauthError returns the error of a token endpoint (RFC 6749, Section 5.2).
func oauthError(body []byte) string {
	code, description := member(body, "error"), member(body, "error_description")
	if description == "" {
		return code
	}
	return code + ": " + description
}

// member returns a text in a JSON object, or nothing.
func member(document []byte, name string) (text string) {
	_ = strictjson.Object(document, func(found []byte, value strictjson.Value) error {
		if string(found) == name {
			text, _ = strictjson.String(value)
		}
		return nil
	})
	return text
}
