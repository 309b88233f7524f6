package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
)

// introspection is what the command line says of tokens that the first issuer
// is asked about.
type introspection struct {
	endpoint     string
	clientID     string
	clientSecret string
	clientAuth   string
	clientKey    string // a file
	all          bool
	maxAge       time.Duration
	redis        string
	sound        bool // check found nothing
}

const (
	basic         = "basic"
	post          = "post"
	privateKeyJWT = "private_key_jwt"
)

var clientAuths = []string{basic, post, privateKeyJWT}

// secretVariable is the environment variable of the client's secret, since any
// user of the machine may read a command line.
const secretVariable = "CLIENT_SECRET"

func (i *introspection) flags(fs *flag.FlagSet) {
	fs.StringVar(&i.endpoint, "introspection-endpoint", "", "`URL` of the first issuer's introspection endpoint (default: what its metadata say)")
	fs.StringVar(&i.clientID, "client-id", "", "`id` of this API at the first issuer, which is asked about opaque tokens then")
	fs.StringVar(&i.clientSecret, "client-secret", "", "the client's `secret`; better in the environment variable "+secretVariable)
	fs.StringVar(&i.clientAuth, "client-auth", basic, "`how` the client authenticates: basic, post or private_key_jwt")
	fs.StringVar(&i.clientKey, "client-key", "", "`file` of the private key for private_key_jwt, PEM or JWK")
	fs.BoolVar(&i.all, "introspect-all", false, "verify the first issuer's JWTs, and ask it about them too, so that their revocation is seen")
	fs.DurationVar(&i.maxAge, "introspection-max-age", time.Minute, "how long an answer is believed, and so a revoked token; 0s is none")
	fs.StringVar(&i.redis, "redis", "", "`address` of a Redis that keeps answers, the DPoP proofs that were used, and who is denied, for all instances: HOST:PORT, or a redis:// or rediss:// URL")
}

// check returns what is wrong with the flags, of which those in given were
// given. It completes the secret. No text of it holds one.
func (i *introspection) check(dev bool, given map[string]bool) (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	client := slices.DeleteFunc([]string{"introspection-endpoint", "client-id", "client-secret", "client-auth", "client-key"},
		func(name string) bool { return !given[name] })
	switch {
	case dev && len(client) > 0:
		mistake("-%s and -dev exclude each other: the program is a client of the development issuer, which knows no other", client[0])
	case dev || i.clientID != "":
	case len(client) > 0:
		mistake("-%s without -client-id; want the client as which the issuer is asked", client[0])
	default:
		if i.all {
			client = append(client, "introspect-all")
		}
		if given["introspection-max-age"] {
			client = append(client, "introspection-max-age")
		}
		if len(client) > 0 {
			mistake("-%s without -client-id; no issuer is asked about tokens", strings.Join(client, " and -"))
		}
	}
	if i.maxAge < 0 {
		mistake("-introspection-max-age %v; want 0s or more", i.maxAge)
	}
	if !slices.Contains(clientAuths, i.clientAuth) {
		mistake("-client-auth %q; want one of %s", i.clientAuth, strings.Join(clientAuths, ", "))
		return errs
	}
	if dev || i.clientID == "" {
		return errs
	}
	variable := os.Getenv(secretVariable)
	switch {
	case i.clientSecret != "" && variable != "":
		mistake("-client-secret and the environment variable %s exclude each other", secretVariable)
	case i.clientSecret == "":
		i.clientSecret = variable
	}
	switch {
	case i.clientAuth != privateKeyJWT && i.clientKey != "":
		mistake("-client-key with -client-auth %s; the key is for private_key_jwt", i.clientAuth)
	case i.clientAuth != privateKeyJWT && i.clientSecret == "":
		mistake("no secret of the client; want -client-secret, or the environment variable %s", secretVariable)
	case i.clientAuth == privateKeyJWT && i.clientKey == "":
		mistake("no -client-key; want the file of the key for private_key_jwt")
	case i.clientAuth == privateKeyJWT && i.clientSecret != "":
		mistake("a secret (-client-secret or %s) with -client-auth private_key_jwt, which has none", secretVariable)
	}
	return errs
}

func (i *introspection) auth() (introspect.Auth, error) {
	switch i.clientAuth {
	case post:
		return introspect.ClientSecretPost(i.clientID, i.clientSecret), nil
	case privateKeyJWT:
		key, err := os.ReadFile(i.clientKey)
		if err != nil {
			return introspect.Auth{}, usage("-client-key: %w", err)
		}
		return introspect.PrivateKeyJWT(i.clientID, key), nil
	}
	return introspect.ClientSecretBasic(i.clientID, i.clientSecret), nil
}

// openRedis opens what instances share, which connects to nothing yet.
func (a *api) openRedis(c *config, logger *slog.Logger) (err error) {
	if c.introspection.redis == "" {
		return nil
	}
	a.shared, err = bearerredis.New(bearerredis.Config{
		Address:       c.introspection.redis,
		DenialsLeeway: orNone(c.leeway),
		Logger:        logger,
	})
	if err != nil {
		return usage("-redis: %w", err)
	}
	return nil
}

// config returns what asks the first issuer about tokens is built of, or nil.
func (i *introspection) config(c *config, shared *bearerredis.Client, logger *slog.Logger) (*introspect.Config, error) {
	if i.clientID == "" {
		return nil, nil
	}
	auth, err := i.auth()
	if err != nil {
		return nil, err
	}
	settings := &introspect.Config{
		Issuer:      c.issuers[0],
		Endpoint:    i.endpoint,
		Auth:        auth,
		Audience:    []string{c.audience},
		Leeway:      orNone(c.leeway),
		MaxAge:      orNone(i.maxAge),
		NegativeAge: orNone(min(i.maxAge, 10*time.Second)),
		Logger:      logger,

		InsecureAllowHTTP: c.insecureHTTP,
	}
	if shared != nil {
		settings.Shared = shared.Cache()
	}
	return settings, nil
}

// mistake says which flags an error of the constructor is about, that check
// left to it.
func (i *introspection) mistake(err error) error {
	var flags []string
	if i.endpoint != "" {
		flags = append(flags, "-introspection-endpoint")
	}
	if i.clientKey != "" {
		flags = append(flags, "-client-key")
	}
	return usage("%s: %w", strings.Join(flags, " and "), err)
}

// alsoAsked verifies JWTs by the keys of their issuers, and asks about those of
// the first one besides: the endpoint is its own, and knows no token of others.
func (a *api) alsoAsked(first string) bearer.Verifier {
	return bearer.VerifierFunc(func(ctx context.Context, token string) (*bearer.Principal, error) {
		p, err := a.tokens.Verify(ctx, token)
		if err != nil || p == nil || p.Issuer != first {
			return p, err
		}
		verified := bearer.VerifierFunc(func(context.Context, string) (*bearer.Principal, error) { return p, nil })
		return bearer.Both(verified, a.opaque.TakingJWTs()).Verify(ctx, token)
	})
}

// orNone returns what the constructors take for d, to whom zero is the default.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

var errNotQuoted = errors.New("an argument that belongs to no flag; it is not shown, since it may be part of a secret")
