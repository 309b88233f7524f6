package weburl_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Reports L19: the error names the placeholder.
func TestUnfilled(t *testing.T) {
	tests := []struct{ text, want string }{ // want: the placeholder, or empty for none
		{"http://login.microsoftonline.com/{tenantid}/v2.0", `"{tenantid}"`},
		{"https://{yourOktaDomain}/oauth2/default", `"{yourOktaDomain}"`},
		{"https://cognito-idp.<region>.amazonaws.com/<userPoolId>", `"<region>"`},
		{"https://YOUR_DOMAIN/", `"YOUR_DOMAIN"`},
		{"https://YOUR-TENANT.eu.auth0.com/", `"YOUR-TENANT"`},
		{"https://your_domain.auth0.com/", `"your_domain"`},
		{"https://login.example.com/${TENANT}/v2.0", `"{TENANT}"`},
		{"https://login.example.com/$TENANT/v2.0", `"$TENANT"`},
		{"https://login.example.com/{tenant", `"{tenant"`},
		{"https://{{ .Values.host }}/", `"{"`},
		{"https://login.example.com/realms/CHANGEME", `"CHANGEME"`},
		{"{audience}", `"{audience}"`},
		{"https://user:{hunter2}@login.example.com", "contains a placeholder;"},
		{"https://login.example.com/{" + strings.Repeat("a", 100) + "}", "contains a placeholder;"},

		{"https://login.example.com/realms/shop", ""},
		{"https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0", ""},
		{"https://yourkit.com/your-tenant", ""},
		{"https://login.example.com/realms/MY_REALM", ""},
		{"https://api.example.com/$metadata", ""},
		{"https://api.example.com/a/%7Bid%7D", ""}, // valid in a URI
		{"https://api.example.com/a%2Fb?p=B2C_1A_SIGNIN", ""},
		{"api://9122040d", ""},
		{"", ""},
	}
	for _, tt := range tests {
		err := weburl.Unfilled(tt.text)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Unfilled(%q) = %v, want %s", tt.text, err, tt.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 100) {
			t.Errorf("Unfilled(%q) = %v", tt.text, err)
		}
	}
}

// Reports L19: an empty value, a placeholder or two audiences in one value are
// mistakes.
func TestCheckAudience(t *testing.T) {
	for _, good := range []string{"orders", "https://api.example.com/v1", "api://9122040d", "urn:example:api", "Bestellungen-Ü"} {
		if err := weburl.CheckAudience(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", " ", "a b", "orders ", "orders\n", "a\u00a0b", "{audience}", "<client-id>", "YOUR_API"} {
		if err := weburl.CheckAudience(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
