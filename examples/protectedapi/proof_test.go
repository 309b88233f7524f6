package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/internal/credential"
)

// runCommand runs a subcommand of the built program.
func runCommand(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%q: %v, %s", args, err, &errs)
	}
	return out.String(), errs.String()
}

// The command reads each kind of key that OpenSSL writes, and makes a key.
func TestProofCommand(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	url := start(t, "-issuer", issuer.URL(), "-audience", audience, "-dpop-nonce", "required")
	dir := t.TempDir()
	made := filepath.Join(dir, "made.pem")
	keys := []string{made}
	if _, err := exec.LookPath("openssl"); err == nil {
		for name, args := range map[string][]string{
			"p256.pem":    {"ecparam", "-name", "prime256v1", "-genkey"},
			"p384.pem":    {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
			"rsa.pem":     {"genrsa"},
			"ed25519.pem": {"genpkey", "-algorithm", "ed25519"},
		} {
			file := filepath.Join(dir, name)
			if out, err := exec.Command("openssl", append(args, "-out", file)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			keys = append(keys, file)
		}
	}
	for _, key := range keys {
		_, stderr := runCommand(t, "proof", "-key", key, "-url", url+"/me")
		if (stderr != "") != (key == made) || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: %q on standard error", key, stderr)
		}
		info, err := os.Stat(key)
		if err != nil || key == made && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", key, info, err)
		}
		signer, isNew, err := credential.Key(key)
		if err != nil || isNew {
			t.Fatalf("%s: %v, new %v", key, err, isNew)
		}
		jkt, err := dpop.Thumbprint(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		token := issuer.Mint(bearertest.Token{Claims: map[string]any{"cnf": map[string]any{"jkt": jkt}}, Scope: "orders:write"})
		nonce := send(t, url, "GET /me"+dpopScheme+token).header.Get("Dpop-Nonce")
		for request, args := range map[string][]string{
			"GET /me":      nil,
			"POST /orders": {"-method", "POST"},
		} {
			method, path, _ := strings.Cut(request, " ")
			proof, _ := runCommand(t, append([]string{"proof", "-key", key, "-url", url + path + "?a=b", "-token", token, "-nonce", nonce}, args...)...)
			if strings.Count(proof, "\n") != 1 {
				t.Errorf("%s: %q", key, proof)
			}
			got := send(t, url, method+" "+path+"?c=d"+dpopScheme+token+"\nDPoP: "+strings.TrimSpace(proof))
			if got.status != 200 {
				t.Errorf("%s, %s: %+v", key, request, got)
			}
		}
	}
	if out, _ := runCommand(t, "proof", "-h"); !strings.Contains(out, "-token") {
		t.Errorf("the usage is %q", out)
	}
}

func TestCertificateCommand(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	for _, name := range []string{"client", "other"} {
		args := []string{"certificate", "-out", dir, "-name", name}
		if name == "client" {
			args = args[:3]
		}
		out, _ := runCommand(t, args...)
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if want := "x5t#S256 " + (&credential.Certificate{DER: pair.Certificate[0]}).Thumbprint() + "\n"; out != want {
			t.Errorf("%q; want %q", out, want)
		}
		var stderr bytes.Buffer
		if status := run(args, &bytes.Buffer{}, &stderr); status != exitFailed || strings.Count(stderr.String(), "\n") != 1 {
			t.Errorf("files that are there: status %d, %q", status, stderr.String())
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 4 {
		t.Errorf("%v, %v", files, err)
	}
	if err := os.Remove(filepath.Join(dir, "client-key.pem")); err != nil {
		t.Fatal(err)
	}
	if status := run([]string{"certificate", "-out", dir}, &bytes.Buffer{}, &bytes.Buffer{}); status != exitFailed {
		t.Errorf("a certificate that is there: status %d", status)
	}
	if _, err := os.Stat(filepath.Join(dir, "client-key.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key that belongs to no certificate: %v", err)
	}
}
