package jwks_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/bearerkit/bearerkit/jwks"
)

// A SPIFFE bundle in a file verifies JWT-SVIDs. Its keys for X.509-SVIDs do not.
func TestKeysFromASPIFFEBundle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarm()
		x := func(name string) string {
			return base64.RawURLEncoding.EncodeToString(farmKey(name).Public().(ed25519.PublicKey))
		}
		bundle := fmt.Sprintf(`{"spiffe_sequence":7,"spiffe_refresh_hint":300,"keys":[
			{"kty":"OKP","crv":"Ed25519","use":"x509-svid","x":%q,"x5c":["AA=="]},
			{"kty":"OKP","crv":"Ed25519","use":"jwt-svid","kid":"k","x":%q}]}`, x("x509"), x("acme"))
		path := filepath.Join(t.TempDir(), "bundle.json")
		if err := os.WriteFile(path, []byte(bundle), 0o600); err != nil {
			t.Fatal(err)
		}
		issuer := f.issuer("acme")
		issuer.Keys = jwks.KeysFromFile(path)
		v := newVerifier(t, jwks.Config{Issuers: []jwks.Issuer{issuer}})
		accept(t, v, f.token("acme", "1"))
		if _, err := v.Verify(t.Context(), f.signed(farmKey("x509"), "acme", "2")); err == nil {
			t.Error("a key for X.509-SVIDs verifies tokens")
		}
	})
}
