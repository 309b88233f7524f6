package bearer_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/bearer"
)

// Reports L7, checklist C11: challenges name a service over http only with
// InsecureAllowHTTP.
func TestResourceMetadataOverHTTP(t *testing.T) {
	const service = "http://orders:8080/.well-known/oauth-protected-resource"
	_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, ResourceMetadata: service})
	if err == nil || !strings.Contains(err.Error(), "bearer: Config.ResourceMetadata ") || !strings.Contains(err.Error(), "InsecureAllowHTTP") {
		t.Errorf("without the switch: %v", err)
	}
	rt := newRoute(t, bearer.Config{ResourceMetadata: service, InsecureAllowHTTP: true}, bearer.RouteConfig{})
	if got, want := serve(rt, get()).challenge(), `Bearer realm="api", resource_metadata="`+service+`"`; got != want {
		t.Errorf("challenge %s, want %s", got, want)
	}
	for _, bad := range []string{"ftp://orders/x", "http://", "http://a:b@orders/x", "http://orders/#x"} {
		_, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{bearer.VerifierFunc(byName)}, ResourceMetadata: bad, InsecureAllowHTTP: true})
		if err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
