package jwks

import (
	"errors"
	"fmt"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
)

// KeySource says where the keys of an issuer come from. The zero KeySource is
// discovery: the issuer's metadata (RFC 8414, or OpenID Connect Discovery)
// name the URL of its keys.
type KeySource struct {
	url    string
	static []*jose.Key
	err    error
}

// KeysFromURL takes the keys from a JWK Set (RFC 7517) at a URL, without
// discovery.
func KeysFromURL(url string) KeySource {
	if url == "" {
		return KeySource{err: errors.New("KeysFromURL: an empty URL")}
	}
	return KeySource{url: url}
}

// KeysFromJWKS takes the keys from a JWK Set document. They never change.
func KeysFromJWKS(document []byte) KeySource {
	set, err := jose.ParseKeySet(document)
	if err != nil {
		return KeySource{err: fmt.Errorf("KeysFromJWKS: %w", err)}
	}
	for _, skipped := range set.Skipped {
		err = errors.Join(err, fmt.Errorf("KeysFromJWKS: key %d %q: %s", skipped.Index, skipped.ID, skipped.Reason))
	}
	if len(set.Keys) == 0 {
		err = errors.Join(err, errors.New("KeysFromJWKS: no usable key"))
		return KeySource{err: err}
	}
	return KeySource{static: set.Keys}
}

// KeysFromPEM takes the keys from PEM blocks: PUBLIC KEY, RSA PUBLIC KEY or
// CERTIFICATE. They never change, have no kid, and answer to any.
func KeysFromPEM(pem []byte) KeySource {
	keys, err := jose.ParsePEM(pem)
	if err != nil {
		return KeySource{err: fmt.Errorf("KeysFromPEM: %w", err)}
	}
	return KeySource{static: keys}
}

func (k KeySource) check(insecureHTTP bool) error {
	if k.err != nil {
		return k.err
	}
	if k.url != "" {
		if _, err := fetch.CheckURL(k.url, insecureHTTP); err != nil {
			return fmt.Errorf("KeysFromURL: %w", err)
		}
	}
	return nil
}
