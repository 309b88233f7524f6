package dpop_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bearerkit/bearerkit/dpop"
)

// The key and proofs in the examples of RFC 9449.
const (
	rfcKey = `{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}`
	rfcJKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" // Figure 7

	rfcHeader = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"

	// Figure 5: for a token endpoint, so it has no ath.
	rfcTokenProof = rfcHeader + ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"

	// Figure 13: for a resource, with the access token of the constant token.
	rfcResourceProof = rfcHeader + ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
	rfcIssued        = 1562262618
)

func TestProofsOfTheRFC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(time.Unix(rfcIssued, 0)))
		checker := newChecker(t, dpop.Config{Origin: "https://resource.example.org"})
		r := read(t, "GET /protectedresource", "Host: resource.example.org",
			"Authorization: DPoP "+token, "DPoP: "+rfcResourceProof)
		wantRefusal(t, checkAndUse(checker, r, token, rfcJKT), "")
		wantRefusal(t, checkAndUse(checker, r, token, rfcJKT), "replay")
		wantRefusal(t, checkAndUse(checker, r, token+"x", rfcJKT), "ath")
		r.Header.Set("DPoP", rfcResourceProof[:len(rfcResourceProof)-1]+"Q")
		wantRefusal(t, checkAndUse(checker, r, token, rfcJKT), "signature")

		server := newChecker(t, dpop.Config{Origin: "https://server.example.com"})
		r = read(t, "POST /token", "Host: server.example.com", "DPoP: "+rfcTokenProof)
		wantRefusal(t, checkAndUse(server, r, token, rfcJKT), "ath")

		<-time.After(time.Minute + 1)
		r = read(t, "GET /protectedresource", "DPoP: "+rfcResourceProof)
		wantRefusal(t, checkAndUse(newChecker(t, dpop.Config{Origin: "https://resource.example.org"}), r, token, rfcJKT), "iat")
	})
}
