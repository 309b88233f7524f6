package command

import (
	"errors"
	"fmt"
	"io"

	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
	"github.com/bearerkit/bearerkit/internal/credential"
)

// Proof writes a DPoP proof (RFC 9449, Section 4.2) for one request to stdout, so
// that a shell can pass it to curl.
func Proof(args []string, stdout, stderr io.Writer) error {
	var key, method, url, token, nonce string
	flags := usage.NewFlagSet("protectedapi proof")
	flags.StringVar(&key, "key", "", "`file` of the private key, PEM; created if it does not exist")
	flags.StringVar(&method, "method", "GET", "`method` of the request")
	flags.StringVar(&url, "url", "", "`URL` of the request, with the origin of the API's -resource")
	flags.StringVar(&token, "token", "", "access `token` that goes with the request (default: none, for a token endpoint)")
	flags.StringVar(&nonce, "nonce", "", "`nonce` that the server gave last in DPoP-Nonce (default: none)")
	if err := parse(flags, args, "protectedapi proof -key FILE -url URL [flags]", stdout); err != nil {
		return err
	}
	var errs []error
	if key == "" {
		errs = append(errs, errors.New("no -key; want the file of the private key"))
	}
	if url == "" {
		errs = append(errs, errors.New("no -url; want the URL of the request"))
	}
	if method == "" {
		errs = append(errs, errors.New("-method is empty"))
	}
	if errs != nil {
		return usage.Mark(errors.Join(errs...))
	}
	signer, made, err := credential.Key(key)
	if err != nil {
		return usage.Errorf("-key: %w", err)
	}
	if made {
		_, _ = fmt.Fprintf(stderr, "protectedapi: made a new key in %q\n", key)
	}
	proof, err := dpop.NewProof(dpop.ProofConfig{
		Key: signer, Algorithm: credential.Algorithm(signer),
		Method: method, URL: url, AccessToken: token, Nonce: nonce,
	})
	if err != nil {
		return usage.Errorf("-url, -method and -nonce: %w", err)
	}
	_, err = fmt.Fprintln(stdout, proof)
	return err
}
