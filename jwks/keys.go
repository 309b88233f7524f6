package jwks

import (
	"errors"
	"fmt"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// KeySource says where an issuer's keys come from. The zero KeySource is
// discovery: the issuer's metadata (RFC 8414, or OpenID Connect Discovery) names
// the URL of its keys.
type KeySource struct {
	url      string // of a key set
	metadata string // a URL
	file     string
	static   []*jose.Key
	err      error
}

// KeysFromURL takes the keys from a JWK Set (RFC 7517) at a URL, without
// discovery.
func KeysFromURL(url string) KeySource {
	if url == "" {
		return KeySource{err: errors.New("KeysFromURL: an empty URL")}
	}
	return KeySource{url: url}
}

// KeysFromMetadata takes the URL of the keys from the metadata at a URL (RFC
// 8414, or OpenID Connect Discovery). Use it if the metadata is not at the URL
// that the issuer's identifier implies. Its issuer, or access_token_issuer as AD
// FS sends it, must be equal to [Issuer.URL]; otherwise the keys are ignored.
func KeysFromMetadata(url string) KeySource {
	if url == "" {
		return KeySource{err: errors.New("KeysFromMetadata: an empty URL")}
	}
	return KeySource{metadata: url}
}

// KeysFromFile takes the keys from a file: a JWK Set, or PEM blocks as in
// [KeysFromPEM]. Keys without kid match any kid.
//
// [New] reads the file. A file that is missing, malformed or without a usable key
// is a mistake in the configuration. The verifier then reads the file every 2
// seconds. If the file is missing or malformed, the verifier logs it and keeps
// the last good keys, but not for longer than [Config.MaxStale]. A well-formed
// set without a usable key withdraws all keys.
//
// Replace the file by renaming another file to its name, as Kubernetes does with
// its volumes.
func KeysFromFile(path string) KeySource {
	if path == "" {
		return KeySource{err: errors.New("KeysFromFile: an empty path")}
	}
	return KeySource{file: path}
}

// KeysFromJWKS takes the keys from a JWK Set document. They never change.
func KeysFromJWKS(document []byte) KeySource {
	set, err := jose.ParseKeySet(fetch.WithoutBOM(document))
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
// CERTIFICATE. They never change. They have no kid, and match any.
func KeysFromPEM(pem []byte) KeySource {
	keys, err := jose.ParsePEM(pem)
	if err != nil {
		return KeySource{err: fmt.Errorf("KeysFromPEM: %w", err)}
	}
	return KeySource{static: keys}
}

// check reports what is wrong with k. It reads the file, if there is one.
func (k KeySource) check(insecureHTTP bool) error {
	if k.err != nil {
		return fmt.Errorf("Keys: %w", k.err)
	}
	for _, from := range [...]struct{ name, url string }{{"KeysFromURL", k.url}, {"KeysFromMetadata", k.metadata}} {
		if from.url == "" {
			continue
		}
		if _, err := fetch.CheckURL(from.url, insecureHTTP); err != nil {
			return fmt.Errorf("Keys: %s: %w", from.name, err)
		}
	}
	if k.file != "" {
		if err := keysource.CheckFile(k.file); err != nil {
			return fmt.Errorf("Keys: KeysFromFile: %w", err)
		}
	}
	return nil
}

// discovers reports whether the issuer's identifier says where the keys are.
func (k KeySource) discovers() bool {
	return k.err == nil && k.url == "" && k.metadata == "" && k.file == "" && k.static == nil
}
