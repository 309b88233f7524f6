package fetch_test

import (
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/fetch"
)

// Checklist C11, T4.
func TestCheckURL(t *testing.T) {
	for _, tt := range []struct {
		url      string
		insecure bool
		fault    string // empty: none
	}{
		{"https://login.example.com", false, ""},
		{"https://login.example.com:8443/realms/a?p=policy", false, ""},
		{"HTTPS://login.example.com", false, ""},
		{"https://[2001:db8::1]/keys", false, ""},
		{"http://localhost:8080/keys", false, ""},
		{"http://LOCALHOST/keys", false, ""},
		{"http://127.0.0.1/keys", false, ""},
		{"http://127.8.9.1:1/keys", false, ""},
		{"http://[::1]:8080/keys", false, ""},
		{"http://login.example.com", true, ""},
		{"http://login.example.com", false, `scheme "http", want https`},
		{"http://idp.localhost/keys", false, "want https"}, // Reports G9
		{"http://localhost.example.com", false, "want https"},
		{"http://notlocalhost", false, "want https"},
		{"http://127.0.0.1.example.com", false, "want https"},
		{"http://0.0.0.0", false, "want https"},
		{"http://10.0.0.1", false, "want https"},
		{"http://[::ffff:127.0.0.1]", false, "want https"},
		{"http://2130706433", false, "want https"},
		{"ftp://login.example.com", true, `scheme "ftp", want https`},
		{"file:///etc/passwd", true, `scheme "file", want https`},
		{"login.example.com", false, "not absolute"},
		{"/keys", false, "not absolute"},
		{"", false, "not absolute"},
		{"//login.example.com/keys", false, `scheme ""`},
		{"https:", false, "no host"},
		{"https:login.example.com", false, "no host"},
		{"https:///keys", false, "no host"},
		{"https://:443", false, "no host"},
		{"https://user:hunter2@login.example.com/?hunter2", false, "userinfo, want none"},
		{"https://login.example.com/#hunter2", false, "fragment, want none"},
		{"https://login.example.com/#", false, "fragment, want none"},
		{"https://login.example.com:0/", false, `port "0"`},
		{"https://login.example.com:70000/", false, `port "70000"`},
		{"https://login.example.com:hunter2/", false, "cannot be parsed"},
		{"https://login.example.com/\n", false, "cannot be parsed"},
		{"https://login.example.com/realms/shop ", false, "white space, want none"}, // Reports L19
		{"https://login.example.com/{tenant}", false, `the placeholder "{tenant}"`},
		{"https://{tenant}.example.com", false, `the placeholder "{tenant}"`},
		{"http://login.example.com/{tenant}", false, "want https"}, // told both
		{"https://%zz@hunter2", false, "cannot be parsed"},
		{"https://" + strings.Repeat("a", 5000) + "#", false, "…"},
	} {
		t.Run(tt.url[:min(len(tt.url), 60)], func(t *testing.T) {
			u, err := fetch.CheckURL(tt.url, tt.insecure)
			if tt.fault == "" {
				if err != nil || u == nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Fatalf("got %v, want an error with %q", err, tt.fault)
			}
			if s := err.Error(); strings.Contains(s, "hunter2") || len(s) > 500 {
				t.Errorf("the error shows what it must not, or is too long: %s", s)
			}
		})
	}
}

// Reports L6: an identifier may be any name.
func TestCheckIdentifier(t *testing.T) {
	for _, tt := range []struct {
		identifier string
		ok         bool
	}{
		{"accounts.google.com", true},
		{"http://adfs.example.com/adfs/services/trust", true},
		{"kubernetes/serviceaccount", true},
		{"Anmeldung Süd", true},
		{"", false},
		{" accounts.google.com", false},
		{"accounts.google.com\n", false},
		{"accounts\x00google", false},
		{"accounts\u0085google", false},
		{"accounts\xffgoogle", false},
		{"accounts\u202egoogle", false},
		{"https://user:secret@login.example.com", false},
	} {
		if err := fetch.CheckIdentifier(tt.identifier); (err == nil) != tt.ok {
			t.Errorf("%q: %v", tt.identifier, err)
		}
	}
}

func TestRedact(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"https://user:secret@login.example.com:8443/a%2Fb?secret=1#secret", "https://login.example.com:8443/a%2Fb"},
		{"https://login.example.com", "https://login.example.com"},
		{"%zz", "(a URL that cannot be parsed)"},
	} {
		if got := fetch.Redact(tt.url); got != tt.want {
			t.Errorf("Redact(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}
