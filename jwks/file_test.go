package jwks_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/jwks"
)

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace replaces a file by renaming another file to its name.
func replace(t *testing.T, path string, content []byte) {
	t.Helper()
	write(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Skip(err) // a file system without symbolic links
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// fromFile runs a test in a bubble with a verifier that reads an issuer's keys
// from a file. The verifier must not contact the issuer.
func fromFile(t *testing.T, path string, test func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier, log *lockedBuffer)) {
	t.Helper()
	t.Parallel() // an issuer's RSA key takes a while
	synctest.Test(t, func(t *testing.T) {
		issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{InMemory: true})
		if err != nil {
			t.Fatal(err)
		}
		defer issuer.Close()
		write(t, path, issuer.KeySet())
		log := new(lockedBuffer)
		v, err := jwks.New(jwks.Config{
			Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromFile(path)}},
			Client:  issuer.Client(), Logger: slog.New(slog.NewTextHandler(log, nil)), MaxStale: 10 * time.Minute,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		if err := v.Ready(); err != nil {
			t.Errorf("right after New: %v", err)
		}
		test(t, issuer, v, log)
		if n := issuer.Requests(bearertest.JWKS) + issuer.Requests(bearertest.OAuthMetadata); n != 0 {
			t.Errorf("%d requests to the issuer; want none", n)
		}
	})
}

func accepts(t *testing.T, v *jwks.Verifier, token, name string) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func refuses(t *testing.T, v *jwks.Verifier, token, name string, code bearer.Code) {
	t.Helper()
	if _, err := v.Verify(t.Context(), token); codeOf(err) != code {
		t.Errorf("%s: %v; want %s", name, err, code)
	}
}

// Reports L8: the verifier follows a replaced file within seconds, without
// traffic, however the file is replaced.
func TestKeysFromFileFollowReplacement(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, dir string, keys []byte){
		"renamed":   func(t *testing.T, dir string, keys []byte) { replace(t, filepath.Join(dir, "keys.json"), keys) },
		"rewritten": func(t *testing.T, dir string, keys []byte) { write(t, filepath.Join(dir, "keys.json"), keys) },
		"rewritten with the same time": func(t *testing.T, dir string, keys []byte) {
			path := filepath.Join(dir, "keys.json")
			before, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, keys)
			if err := os.Chtimes(path, before.ModTime(), before.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		// Kubernetes: keys.json -> ..data/keys.json, and ..data -> ..revision.
		"a symbolic link is changed": func(t *testing.T, dir string, keys []byte) {
			if err := os.Mkdir(filepath.Join(dir, "..2"), 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "..2", "keys.json"), keys)
			symlink(t, "..2", filepath.Join(dir, "..data"))
		},
		"removed and written again": func(t *testing.T, dir string, keys []byte) {
			path := filepath.Join(dir, "keys.json")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			elapse(time.Minute)
			write(t, path, keys)
		},
		"with a byte order mark": func(t *testing.T, dir string, keys []byte) { // reports L5
			replace(t, filepath.Join(dir, "keys.json"), append([]byte("\ufeff"), keys...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "keys.json")
			if strings.Contains(name, "link") {
				if err := os.Mkdir(filepath.Join(dir, "..1"), 0o700); err != nil {
					t.Fatal(err)
				}
				symlink(t, "..1", filepath.Join(dir, "..data"))
				symlink(t, "..data/keys.json", path)
				path = filepath.Join(dir, "..data", "keys.json")
			}
			fromFile(t, path, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier, log *lockedBuffer) {
				old := issuer.Mint(bearertest.Token{})
				accepts(t, v, old, "a token of the first key")
				if _, err := issuer.Rotate("ES256"); err != nil {
					t.Fatal(err)
				}
				change(t, dir, issuer.KeySet())
				elapse(2 * time.Second)
				synctest.Wait()
				refuses(t, v, old, "2 s later a token of the withdrawn key", bearer.CodeInvalidToken)
				accepts(t, v, issuer.Mint(bearertest.Token{}), "a token of the new key")
			})
		})
	}
}

// Reports L8: a token with an unknown key makes the verifier read the file at
// once.
func TestKeysFromFileAreReadForANewKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	fromFile(t, path, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier, _ *lockedBuffer) {
		if _, err := issuer.Rotate("ES256"); err != nil {
			t.Fatal(err)
		}
		replace(t, path, issuer.KeySet())
		start := time.Now()
		accepts(t, v, issuer.Mint(bearertest.Token{}), "a token of the new key")
		if took := time.Since(start); took > 0 {
			t.Errorf("waited for %v", took)
		}
		elapse(time.Minute) // readings of the same content count for nothing
		if n := v.Stats().Issuers[0].Fetches; n != 2 {
			t.Errorf("%d changes of the file seen; want 2", n)
		}
	})
}

// Reports L8: while the file is missing or malformed, the last good keys serve
// for MaxStale and no longer. The log says when that begins and ends.
func TestKeysFromFileOutliveABrokenFile(t *testing.T) {
	for name, tt := range map[string]struct {
		breakIt func(path string) error
		log     string
	}{
		"removed":   {os.Remove, "no such file"},
		"truncated": {func(path string) error { return os.Truncate(path, 100) }, "invalid JSON"},
		"empty":     {func(path string) error { return os.Truncate(path, 0) }, "it is empty, want a JWK set or PEM"},
		"too large": {func(path string) error { return os.Truncate(path, 1<<20+1) }, "larger than 1048576 bytes"},
		"HTML":      {func(path string) error { return os.WriteFile(path, []byte("<html>"), 0o600) }, "PEM"},
		"a directory": {func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o700)
		}, "not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			fromFile(t, path, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier, log *lockedBuffer) {
				elapse(time.Minute)
				if err := tt.breakIt(path); err != nil {
					t.Fatal(err)
				}
				elapse(30 * time.Second)
				for _, part := range []string{`level=WARN msg="cannot read the issuer's keys"`, path + ": ", tt.log, "hint=", "keys_serve_until="} {
					if !strings.Contains(log.String(), part) {
						t.Errorf("%q is not in the log: %s", part, log.String())
					}
				}
				if n := strings.Count(log.String(), "level=WARN"); n != 1 {
					t.Errorf("%d warnings in 30 s; want 1", n)
				}
				elapse(9 * time.Minute)
				accepts(t, v, issuer.Mint(bearertest.Token{}), "a token after 9 min")
				elapse(time.Minute)
				refuses(t, v, issuer.Mint(bearertest.Token{}), "a token after MaxStale", bearer.CodeUnavailable)

				if err := os.RemoveAll(path); err != nil {
					t.Fatal(err)
				}
				write(t, path, issuer.KeySet())
				elapse(2 * time.Second)
				synctest.Wait()
				accepts(t, v, issuer.Mint(bearertest.Token{}), "a token once the file is back")
				if n := strings.Count(log.String(), "can be read again"); n != 1 {
					t.Errorf("%d notices of recovery; want 1", n)
				}
			})
		})
	}
}

// Reports L8: a well-formed set without keys withdraws all keys.
func TestKeysFromFileWithdrawsAllKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	fromFile(t, path, func(t *testing.T, issuer *bearertest.Issuer, v *jwks.Verifier, _ *lockedBuffer) {
		token, keys := issuer.Mint(bearertest.Token{}), issuer.KeySet()
		accepts(t, v, token, "a token")
		replace(t, path, []byte(`{"keys":[]}`))
		elapse(2 * time.Second)
		synctest.Wait()
		refuses(t, v, token, "a token without keys", bearer.CodeUnavailable)
		if v.Ready() == nil {
			t.Error("ready without keys")
		}
		replace(t, path, keys)
		elapse(2 * time.Second)
		synctest.Wait()
		accepts(t, v, token, "a token once the keys are back")
	})
}

// Reports L8: keys in PEM match any kid. A file without a usable key at the
// start is a mistake in the configuration.
func TestKeysFromFilePEM(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.pem")
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	keys, err := jose.ParseKeySet(issuer.KeySet())
	if err != nil {
		t.Fatal(err)
	}
	rsa := slices.IndexFunc(keys.Keys, func(k *jose.Key) bool { return k.Can(jose.RS256) })
	der, err := x509.MarshalPKIXPublicKey(keys.Keys[rsa].Public())
	if err != nil {
		t.Fatal(err)
	}
	config := jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromFile(path)}}}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	for _, content := range [][]byte{public, append([]byte("\ufeff\r\n"), bytes.ReplaceAll(public, []byte("\n"), []byte("\r\n"))...)} {
		write(t, path, content)
		v := newVerifier(t, config)
		accepts(t, v, issuer.Mint(bearertest.Token{Algorithm: "RS256"}), "a token of the key in PEM")
	}
	for _, tt := range []struct{ content, want string }{
		{"", "it is empty"},
		{`{"keys":[]}`, "no usable key"},
		{`{"keys":[{"kty":"oct","kid":"a","k":"AAAA"}]}`, `key 0 "a": `},
		{"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n", "a private key"},
	} {
		write(t, path, []byte(tt.content))
		if _, err := jwks.New(config); err == nil || !strings.Contains(err.Error(), "Issuers[0]: Keys: KeysFromFile: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v; want a mistake with %q", tt.content, err, tt.want)
		}
	}
}

// Reports V17, L8: keys in PEM have no ID and match any. A token of a new key
// is accepted as soon as the file is replaced, whatever its kid.
func TestKeysFromFilePEMAreReadForANewKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.pem")
	issuer := newIssuer(t, bearertest.IssuerConfig{})
	inPEM := func() (content []byte) {
		keys, err := jose.ParseKeySet(issuer.KeySet())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys.Keys {
			der, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			content = append(content, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
		}
		return content
	}
	write(t, path, inPEM())
	v := newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{{URL: issuer.URL(), Audience: []string{audience}, Keys: jwks.KeysFromFile(path)}}})
	accepts(t, v, issuer.Mint(bearertest.Token{}), "a token of the old key")
	if _, err := issuer.Rotate("ES256"); err != nil {
		t.Fatal(err)
	}
	replace(t, path, inPEM())
	accepts(t, v, issuer.Mint(bearertest.Token{Algorithm: "ES256"}), "a token of the new key")
}
