package dpop_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/dpop"
)

// Reports L7, checklist C11: an http origin with a service name needs
// InsecureAllowHTTP.
func TestOriginOverHTTP(t *testing.T) {
	const service = "http://orders:8080"
	_, err := dpop.New(dpop.Config{Origin: service})
	if err == nil || !strings.Contains(err.Error(), "dpop: Config.Origin: ") || !strings.Contains(err.Error(), "InsecureAllowHTTP") {
		t.Errorf("without the switch: %v", err)
	}
	checker := newChecker(t, dpop.Config{Origin: service, InsecureAllowHTTP: true})
	c := newClient(t, "ES256")
	r := read(t, "GET /orders", "DPoP: "+c.proofFor(t, "GET", service+"/orders"))
	if err := checkAndUse(checker, r, token, c.jkt); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"ftp://orders", "http://", "http://a:b@orders", "http://orders/v1"} {
		if _, err := dpop.New(dpop.Config{Origin: bad, InsecureAllowHTTP: true}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
