package weburl_test

import (
	"testing"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Reports G9, checklist C11: only localhost and loopback addresses are
// loopback.
func TestIsLoopback(t *testing.T) {
	tests := []struct {
		host string
		want bool
	}{
		{"localhost", true},
		{"LOCALHOST", true},
		{"Localhost", true},
		{"127.0.0.1", true},
		{"127.8.9.1", true},
		{"::1", true},
		{"0:0:0:0:0:0:0:1", true},

		{"x.localhost", false},
		{"idp.LOCALHOST", false},
		{"localhost.", false},
		{".localhost", false},
		{"localhost.example.com", false},
		{"notlocalhost", false},
		{"localhost.localdomain", false},
		{"ip6-localhost", false},
		{"127.1", false},
		{"127.0.0.01", false},
		{"2130706433", false},
		{"0x7f000001", false},
		{"127.0.0.1.", false},
		{"127.0.0.1.example.com", false},
		{"0.0.0.0", false},
		{"::", false},
		{"10.0.0.1", false},
		{"::ffff:127.0.0.1", false},
		{"::1%lo", false},
		{"[::1]", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := weburl.IsLoopback(tt.host); got != tt.want {
			t.Errorf("IsLoopback(%q) = %t, want %t", tt.host, got, tt.want)
		}
	}
}

func TestRedact(t *testing.T) {
	tests := []struct{ url, want string }{
		{"https://user:secret@login.example.com:8443/a%2Fb?secret=1#secret", "https://login.example.com:8443/a%2Fb"},
		{"https://login.example.com", "https://login.example.com"},
		{"https://login.example.com:secret/", "(a URL that cannot be parsed)"},
		{"%zz", "(a URL that cannot be parsed)"},
		{"", ""},
	}
	for _, tt := range tests {
		if got := weburl.Redact(tt.url); got != tt.want {
			t.Errorf("Redact(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}
