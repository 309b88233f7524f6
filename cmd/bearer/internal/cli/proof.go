package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/credential"
)

type proofFlags struct{ key, method, url, token, tokenFile, nonce string }

func proofCommand(p *program) *cobra.Command {
	var f proofFlags
	c := &cobra.Command{
		Use:   "proof --key FILE --url URL",
		Short: "Make a DPoP proof for one request",
		Long: `proof prints a DPoP proof (RFC 9449, Section 4.2) for one request, so that a shell can
pass it to curl. Each request needs a new proof. If the key's file does not exist,
proof makes a key and writes it.`,
		Example: `  TOKEN=$(curl -s http://127.0.0.1:9000/token -d grant_type=client_credentials \
    -H "DPoP: $(bearer proof --key client.pem --method POST --url http://127.0.0.1:9000/token)" | jq -r .access_token)
  curl https://api.example.com/me -H "Authorization: DPoP $TOKEN" \
    -H "DPoP: $(bearer proof --key client.pem --url https://api.example.com/me --token "$TOKEN")"`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return p.proof(c.Context(), &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.key, "key", "", "`file` of the private key, PEM; created if it does not exist")
	flags.StringVar(&f.method, "method", "GET", "`method` of the request")
	flags.StringVar(&f.url, "url", "", "`URL` of the request")
	flags.StringVar(&f.token, "token", "", "access `token` that goes with the request, or - for standard input (default: none, for a token endpoint)")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the access token")
	flags.StringVar(&f.nonce, "nonce", "", "`nonce` that the server gave last in DPoP-Nonce (default: none)")
	return c
}

func (p *program) proof(ctx context.Context, f *proofFlags) error {
	var errs []error
	if f.key == "" {
		errs = append(errs, errors.New("no --key; want the file of the private key"))
	}
	if f.url == "" {
		errs = append(errs, errors.New("no --url; want the URL of the request"))
	}
	if f.method == "" {
		errs = append(errs, errors.New("--method is empty"))
	}
	if errs != nil {
		return errors.Join(errs...)
	}
	token, err := p.readToken(ctx, f.token, f.tokenFile, "--token-file")
	if err != nil {
		return err
	}
	signer, made, err := credential.Key(f.key)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	if made {
		_, _ = fmt.Fprintf(p.Err, "bearer: made a new key in %q\n", f.key)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{
		Key: signer, Algorithm: credential.Algorithm(signer),
		Method: f.method, URL: f.url, AccessToken: token, Nonce: f.nonce,
	})
	if err != nil {
		return fmt.Errorf("--url, --method and --nonce: %w", err)
	}
	if _, err := fmt.Fprintln(p.Out, proof); err != nil {
		return failed(err)
	}
	return nil
}

func certificateCommand(p *program) *cobra.Command {
	var dir, name string
	c := &cobra.Command{
		Use:   "certificate --out DIRECTORY",
		Short: "Make a client certificate, to which tokens can be bound",
		Long: `certificate makes a self-signed client certificate (RFC 8705, Section 2.2) and its
key, and prints the thumbprint that binds tokens to the certificate.`,
		Example: `  bearer certificate --out keys --name client
  curl https://api.example.com/me --cert keys/client.pem --key keys/client-key.pem -H "Authorization: Bearer $TOKEN"`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return p.certificate(dir, name) },
	}
	c.Flags().StringVar(&dir, "out", "", "`directory` for NAME.pem and NAME-key.pem, which must not exist yet")
	c.Flags().StringVar(&name, "name", "client", "`name` of the client, and of the files")
	return c
}

func (p *program) certificate(dir, name string) error {
	var errs []error
	if dir == "" {
		errs = append(errs, errors.New("no --out; want a directory"))
	}
	if name == "" || name != filepath.Base(name) || name == "." || name == ".." {
		errs = append(errs, fmt.Errorf("--name %q; want one that can be a file's", name))
	}
	if errs != nil {
		return errors.Join(errs...)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed(err)
	}
	made, err := credential.NewCertificate(dir, name, nil)
	if err != nil {
		return failed(err)
	}
	if _, err := fmt.Fprintln(p.Out, "x5t#S256 "+made.Thumbprint()); err != nil {
		return failed(err)
	}
	return nil
}
