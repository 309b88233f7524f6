// Package introspection holds the flags for introspection, by which the API asks
// its first issuer about tokens (RFC 7662).
package introspection

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/usage"
	"github.com/bearerkit/bearerkit/introspect"
)

// Flags are the flags for introspection.
type Flags struct {
	ClientID string        // empty: the API asks no issuer
	Secret   string        // of the client
	All      bool          // the API asks about JWTs too
	MaxAge   time.Duration // zero: the API asks on each request
	Redis    string        // address; empty: none

	endpoint   string
	clientAuth string
	clientKey  string // a file
}

// The values of -client-auth.
const (
	basic         = "basic"
	post          = "post"
	privateKeyJWT = "private_key_jwt"
)

var clientAuths = []string{basic, post, privateKeyJWT}

// secretVariable is the environment variable with the client's secret. Any user
// of the machine may read a command line.
const secretVariable = "CLIENT_SECRET"

// Register adds the flags to a flag set.
func (f *Flags) Register(flags *flag.FlagSet) {
	flags.StringVar(&f.endpoint, "introspection-endpoint", "", "`URL` of the first issuer's introspection endpoint (default: discovered in its metadata)")
	flags.StringVar(&f.ClientID, "client-id", "", "`id` of this API at the first issuer; the API then asks that issuer about opaque tokens")
	flags.StringVar(&f.Secret, "client-secret", "", "the client's `secret`; prefer the environment variable "+secretVariable)
	flags.StringVar(&f.clientAuth, "client-auth", basic, "`how` the client authenticates: basic, post or private_key_jwt")
	flags.StringVar(&f.clientKey, "client-key", "", "`file` of the private key for private_key_jwt, PEM or JWK")
	flags.BoolVar(&f.All, "introspect-all", false, "verify the first issuer's JWTs and also introspect them, to detect their revocation")
	flags.DurationVar(&f.MaxAge, "introspection-max-age", time.Minute, "how long an answer is used, and so how long a revoked token may work; 0s introspects every request")
	flags.StringVar(&f.Redis, "redis", "", "`address` of a Redis that shares answers, used DPoP proofs and the deny list between instances: HOST:PORT, or a redis:// or rediss:// URL; more nodes of a Cluster by ?addr=HOST:PORT or ?cluster=true, Sentinels by ?master_name=NAME")
}

// Check returns the mistakes in the flags; given names the flags that the user
// set. Check reads the secret from the environment. No error contains it.
func (f *Flags) Check(dev bool, given map[string]bool) []error {
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	client := slices.DeleteFunc([]string{"introspection-endpoint", "client-id", "client-secret", "client-auth", "client-key"},
		func(name string) bool { return !given[name] })
	switch {
	case dev && len(client) > 0:
		mistake("-%s and -dev exclude each other: the program is a client of the development issuer, which knows no other", client[0])
	case dev || f.ClientID != "":
	case len(client) > 0:
		mistake("-%s without -client-id; want the ID of the client that introspects", client[0])
	default:
		if f.All {
			client = append(client, "introspect-all")
		}
		if given["introspection-max-age"] {
			client = append(client, "introspection-max-age")
		}
		if len(client) > 0 {
			mistake("-%s without -client-id; no issuer is asked about tokens", strings.Join(client, " and -"))
		}
	}
	if f.MaxAge < 0 {
		mistake("-introspection-max-age %v; want 0s or more", f.MaxAge)
	}
	if !slices.Contains(clientAuths, f.clientAuth) {
		mistake("-client-auth %q; want one of %s", f.clientAuth, strings.Join(clientAuths, ", "))
		return errs
	}
	if dev || f.ClientID == "" {
		return errs
	}
	return append(errs, f.checkCredentials()...)
}

// checkCredentials returns the mistakes in how the client authenticates.
func (f *Flags) checkCredentials() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	variable := os.Getenv(secretVariable)
	switch {
	case f.Secret != "" && variable != "":
		mistake("-client-secret and the environment variable %s exclude each other", secretVariable)
	case f.Secret == "":
		f.Secret = variable
	}
	switch {
	case f.clientAuth != privateKeyJWT && f.clientKey != "":
		mistake("-client-key with -client-auth %s; the key is for private_key_jwt", f.clientAuth)
	case f.clientAuth != privateKeyJWT && f.Secret == "":
		mistake("no secret of the client; want -client-secret, or the environment variable %s", secretVariable)
	case f.clientAuth == privateKeyJWT && f.clientKey == "":
		mistake("no -client-key; want the file of the key for private_key_jwt")
	case f.clientAuth == privateKeyJWT && f.Secret != "":
		mistake("a secret (-client-secret or %s) with -client-auth private_key_jwt, which has none", secretVariable)
	}
	return errs
}

// Config returns base with the settings of the flags, or nil if the API asks no
// issuer about tokens.
func (f *Flags) Config(base introspect.Config) (*introspect.Config, error) {
	if f.ClientID == "" {
		return nil, nil
	}
	var err error
	if base.Auth, err = f.auth(); err != nil {
		return nil, err
	}
	base.Endpoint = f.endpoint
	base.MaxAge, base.NegativeAge = f.MaxAge, min(f.MaxAge, 10*time.Second)
	if f.MaxAge == 0 { // in introspect.Config, zero means the default
		base.MaxAge, base.NegativeAge = -1, -1
	}
	return &base, nil
}

func (f *Flags) auth() (introspect.Auth, error) {
	switch f.clientAuth {
	case post:
		return introspect.ClientSecretPost(f.ClientID, f.Secret), nil
	case privateKeyJWT:
		key, err := os.ReadFile(f.clientKey)
		if err != nil {
			return introspect.Auth{}, usage.Errorf("-client-key: %w", err)
		}
		return introspect.PrivateKeyJWT(f.ClientID, key), nil
	}
	return introspect.ClientSecretBasic(f.ClientID, f.Secret), nil
}

// Mistake names the flags that an error of [introspect.New] is about.
func (f *Flags) Mistake(err error) error {
	var flags []string
	if f.endpoint != "" {
		flags = append(flags, "-introspection-endpoint")
	}
	if f.clientKey != "" {
		flags = append(flags, "-client-key")
	}
	return usage.Errorf("%s: %w", strings.Join(flags, " and "), err)
}
