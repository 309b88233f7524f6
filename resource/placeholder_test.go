package resource_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/resource"
)

// Reports L19: New reports all placeholders at once.
func TestTemplates(t *testing.T) {
	_, err := resource.New(resource.Config{
		Resource:             "https://{host}/orders",
		AuthorizationServers: []string{"https://login.microsoftonline.com/{tenantid}/v2.0", "https://YOUR_DOMAIN/"},
		JWKSURI:              "https://<host>/jwks",
	})
	for _, want := range []string{
		`Config.Resource: contains the placeholder "{host}"; replace it with the real value`,
		`Config.AuthorizationServers[0]: contains the placeholder "{tenantid}"`,
		`Config.AuthorizationServers[1]: contains the placeholder "YOUR_DOMAIN"`,
		`Config.JWKSURI: contains the placeholder "<host>"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// Reports L19: a nil *Metadata answers 404 and does not panic.
func TestNilMetadata(t *testing.T) {
	var missing *resource.Metadata
	w := httptest.NewRecorder()
	missing.ServeHTTP(w, httptest.NewRequest("GET", resource.WellKnownPath, nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
	if _, err := resource.Handler(missing, nil); err == nil || !strings.Contains(err.Error(), "resource 0 is nil") || !strings.Contains(err.Error(), "resource 1 is nil") {
		t.Errorf("Handler: %v", err)
	}
}
