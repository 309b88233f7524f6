package main

import (
	"encoding/base64"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/dpop"
)

// The values of -dpop and -mtls.
const (
	off      = "off"
	allowed  = "allowed"
	required = "required"
)

var uses = []string{off, allowed, required}

// proofs is what the command line says of proofs of possession (RFC 9449).
type proofs struct {
	use      string // off, allowed or required
	nonce    string // off or required
	nonceKey []byte // nil: a random one
}

// nonceKeyVariable is the environment variable of the key of nonces, which
// instances share.
const nonceKeyVariable = "DPOP_NONCE_KEY"

const minNonceKey = 32

func (p *proofs) flags(fs *flag.FlagSet) {
	fs.StringVar(&p.use, "dpop", allowed, "`whether` tokens are bound to keys (RFC 9449): off, allowed or required; instances that share -redis take a proof once")
	fs.StringVar(&p.nonce, "dpop-nonce", off, "`whether` proofs must have a nonce of this API: off or required; instances share its key in the environment variable "+nonceKeyVariable+", 32 bytes in base64url (default of the key: a random one)")
}

// check returns what is wrong with the flags, and completes the key.
func (p *proofs) check() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(uses, p.use) {
		mistake("-dpop %q; want one of %s", p.use, strings.Join(uses, ", "))
	}
	switch p.nonce {
	case off:
	case required:
		if p.use == off {
			mistake("-dpop-nonce required with -dpop off, where no proof has a nonce")
		}
		if variable := os.Getenv(nonceKeyVariable); variable != "" { // never quoted: it is a secret
			key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(variable, "="))
			if err != nil || len(key) < minNonceKey {
				mistake("the environment variable %s; want at least %d bytes in base64url", nonceKeyVariable, minNonceKey)
			}
			p.nonceKey = key
		}
	default:
		mistake("-dpop-nonce %q; want one of off, required", p.nonce)
	}
	return errs
}

// config returns the configuration of what checks proofs for the API, or nil. Used ones are remembered in Redis if there is one.
func (p *proofs) config(c *config, shared *bearerredis.Client, logger *slog.Logger) (*dpop.Config, error) {
	if p.use == off {
		return nil, nil
	}
	config := &dpop.Config{Origin: originOf(c.resource), InsecureAllowHTTP: c.insecureHTTP, Logger: logger}
	if shared != nil {
		config.Replays = shared.Replays()
	}
	if p.nonce == required {
		if shared != nil && p.nonceKey == nil {
			logger.Warn("each instance gives nonces of its own, which the others refuse; want the environment variable " + nonceKeyVariable)
		}
		var err error
		if config.Nonces, err = dpop.NewNonces(dpop.NoncesConfig{Key: p.nonceKey}); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// hostnameOf returns the host of a URL that was checked, without a port.
func hostnameOf(resource string) string {
	u, err := url.Parse(resource)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// originOf returns the origin of a URL that was checked. Proofs name URLs of
// it, whatever Host a request has.
func originOf(resource string) string {
	u, err := url.Parse(resource)
	if err != nil {
		return resource
	}
	return u.Scheme + "://" + u.Host
}
