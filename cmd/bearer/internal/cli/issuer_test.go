package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

func devIssuer(t *testing.T) *bearertest.Issuer {
	t.Helper()
	issuer, err := bearertest.NewIssuer(bearertest.IssuerConfig{Path: "/shop"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	return issuer
}

// The output begins with the issuer, and ends with the Go lines.
func TestIssuerText(t *testing.T) {
	issuer := devIssuer(t)
	code, stdout, stderr := run(t, "", "issuer", strings.TrimPrefix(issuer.URL(), "http://")+"/")
	if code != 0 || stderr != "" {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	golden(t, "testdata/issuer.txt", stable(stdout, strings.TrimSuffix(issuer.URL(), "/shop")))
}

// A token from a file or from standard input makes the profile sure, with the
// scheme of a copied field, and never appears in the output.
func TestIssuerWithToken(t *testing.T) {
	issuer := devIssuer(t)
	token := issuer.Mint(bearertest.Token{Shape: bearertest.Keycloak, TTL: -1})
	file := filepath.Join(t.TempDir(), "token.txt")
	if err := os.WriteFile(file, []byte("Authorization: Bearer "+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--token", "-"}, {"--token", file}, {"--token", file, "--json"}} {
		code, stdout, stderr := run(t, token, append([]string{"issuer", issuer.URL()}, args...)...)
		if code != 0 || !strings.Contains(stdout, "jwks.Keycloak()") {
			t.Errorf("%q: exit code %d:\n%s%s", args, code, stdout, stderr)
		}
		for segment := range strings.SplitSeq(token, ".") {
			if strings.Contains(stdout+stderr, segment) {
				t.Errorf("%q: a part of the token is in the output", args)
			}
		}
	}
	code, stdout, _ := run(t, "opaque-token-0123456789", "issuer", issuer.URL(), "--token", "-")
	if code != 1 || !strings.Contains(stdout, "token-opaque") || strings.Contains(stdout, "opaque-token-0123456789") {
		t.Errorf("an opaque token: exit code %d:\n%s", code, stdout)
	}
}

// An issuer that is out of reach is exit code 3: nobody can tell.
func TestIssuerOutOfReach(t *testing.T) {
	code, stdout, _ := run(t, "", "issuer", "http://127.0.0.1:1", "--json")
	var report struct {
		Result   string
		Findings []struct{ Code string }
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if code != 3 || report.Result != "fault" || len(report.Findings) != 1 || report.Findings[0].Code != "issuer-unreachable" {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
	if code, stdout, _ := run(t, "", "issuer", broken(t)); code != 1 || !strings.HasPrefix(stdout, "No issuer found.") {
		t.Errorf("no metadata: exit code %d:\n%s", code, stdout)
	}
}
