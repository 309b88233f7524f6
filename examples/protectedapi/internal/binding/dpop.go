package binding

import (
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/dpop"
)

// Proofs are the flags for proofs of possession (RFC 9449).
type Proofs struct {
	Mode     string // Off, Allowed or Required
	Nonce    string // Off or Required
	nonceKey []byte // nil: a random key
}

// NonceKeyVariable is the environment variable with the key of the nonces. All
// instances of the API share the key.
const NonceKeyVariable = "DPOP_NONCE_KEY"

const minNonceKey = 32

// Register adds the flags to a flag set.
func (p *Proofs) Register(flags *flag.FlagSet) {
	flags.StringVar(&p.Mode, "dpop", Allowed, "`whether` tokens are bound to keys (RFC 9449): off, allowed or required; instances that share -redis accept each proof once")
	flags.StringVar(&p.Nonce, "dpop-nonce", Off, "`whether` proofs must have a nonce of this API: off or required; instances share its key in the environment variable "+NonceKeyVariable+", 32 bytes in base64url (default of the key: a random one)")
}

// Check returns the mistakes in the flags. It reads the key of the nonces from
// the environment.
func (p *Proofs) Check() (errs []error) {
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !slices.Contains(Modes(), p.Mode) {
		mistake("-dpop %q; want one of %s", p.Mode, strings.Join(Modes(), ", "))
	}
	switch p.Nonce {
	case Off:
	case Required:
		if p.Mode == Off {
			mistake("-dpop-nonce required with -dpop off; want another -dpop, since only proofs have nonces")
		}
		if variable := os.Getenv(NonceKeyVariable); variable != "" { // never quoted: it is a secret
			key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(variable, "="))
			if err != nil || len(key) < minNonceKey {
				mistake("the environment variable %s; want at least %d bytes in base64url", NonceKeyVariable, minNonceKey)
			}
			p.nonceKey = key
		}
	default:
		mistake("-dpop-nonce %q; want one of off, required", p.Nonce)
	}
	return errs
}

// Config returns base with the settings of the flags, or nil if the API checks
// no proofs.
func (p *Proofs) Config(base dpop.Config) (*dpop.Config, error) {
	if p.Mode == Off {
		return nil, nil
	}
	if p.Nonce == Required {
		if base.Replays != nil && p.nonceKey == nil {
			base.Logger.Warn("instances do not accept each other's nonces; set the environment variable " + NonceKeyVariable + " to the same key in all of them")
		}
		var err error
		if base.Nonces, err = dpop.NewNonces(dpop.NoncesConfig{Key: p.nonceKey}); err != nil {
			return nil, err
		}
	}
	return &base, nil
}
