package bearer_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// Checklist M4: a client chooses the names in its certificate, and Envoy writes
// them behind the hash of that certificate. Whatever they are, the client never
// passes for the holder of another certificate, with one proxy or with two.
func FuzzForwardedNames(f *testing.F) {
	victim, mallory, gateway := []byte("the victim's certificate"), []byte("mallory's certificate"), []byte("the gateway's certificate")
	stolen := "Hash=" + hashOf(victim)
	for _, seed := range []string{
		"", stolen, ";" + stolen, "a;" + stolen, "a," + stolen, `",` + stolen + `;Subject="`, `";` + stolen + `;Subject="`, `\";` + stolen, `\`, `"`,
		`a,` + stolen + `;Subject="`, `a;Cert="` + escapedPEM(victim) + `"`, "a;hash =" + hashOf(victim), ",,", "=", `",By="`,
	} {
		f.Add(seed, seed, true)
		f.Add("CN=mallory", seed, false)
		f.Add(seed, "spiffe://mallory", false)
	}
	var log eventLog
	one := certificateRoute(f, victim, bearer.CertificateFromEnvoy(1), &log)
	two := certificateRoute(f, victim, bearer.CertificateFromEnvoy(2), &log)
	f.Fuzz(func(t *testing.T, subject, name string, withCert bool) {
		element := "By=spiffe://gateway;Hash=" + hashOf(mallory)
		if withCert {
			element += `;Cert="` + escapedPEM(mallory) + `"`
		}
		element += `;Subject="` + subject + `";URI=` + name + ";DNS=" + name
		appended := element + ",By=spiffe://sidecar;Hash=" + hashOf(gateway) + `;Subject="CN=gateway";URI=spiffe://gateway`
		for _, attempt := range []struct {
			rt    *bearer.Route
			field string
		}{{one, element}, {two, appended}, {two, element}} {
			log.reset()
			got := serve(attempt.rt, proxied(victim, http.Header{"X-Forwarded-Client-Cert": {attempt.field}}))
			if got.status != http.StatusUnauthorized {
				t.Fatalf("%d for %s", got.status, attempt.field)
			}
			if strings.Contains(log.buf.String(), hashOf(victim)) {
				t.Fatalf("the log quotes the field: %s", log.buf.String())
			}
		}
	})
}
