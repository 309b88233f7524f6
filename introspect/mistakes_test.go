package introspect_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/introspect"
)

// nilShared is a shared cache of which a program may pass a nil pointer.
type nilShared struct{}

func (*nilShared) Get(context.Context, string) ([]byte, error)                 { return nil, nil }
func (*nilShared) Set(context.Context, string, []byte, time.Duration) error    { return nil }
func (*nilShared) Watch(ctx context.Context, forgotten func(forgotten string)) {}

// nilSource is a token source of which a program may pass a nil pointer.
type nilSource struct{}

func (*nilSource) Token() (*oauth2.Token, error) { return nil, nil }

// Reports L19: New reports placeholders that were not replaced, and nil values,
// all at once.
func TestTemplatesAndNilValues(t *testing.T) {
	var shared *nilShared
	_, err := introspect.New(introspect.Config{
		Issuer:   "http://login.microsoftonline.com/{tenantid}/v2.0",
		Endpoint: "https://YOUR_DOMAIN/introspect",
		Auth:     introspect.ClientSecretBasic("<client-id>", "secret"),
		Audience: []string{"{audience}", "a b"},
		Signed:   &introspect.Signed{Audience: "YOUR_CLIENT_ID"},
		Shared:   shared,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`Config.Issuer: contains the placeholder "{tenantid}"`, `the scheme "http", want https`,
		`Config.Endpoint: contains the placeholder "YOUR_DOMAIN"`,
		`Config.Auth: ClientSecretBasic: the client ID "<client-id>": contains the placeholder`,
		`Config.Audience[0] "{audience}": contains the placeholder`, `Config.Audience[1] "a b": contains white space`,
		`Config.Signed.Audience "YOUR_CLIENT_ID": contains the placeholder`,
		"Config.Shared holds a nil pointer",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for name, auth := range map[string]introspect.Auth{
		"ClientSecretPost": introspect.ClientSecretPost("<client-id>", "secret"),
		"MutualTLS":        introspect.MutualTLS("<client-id>"),
		"PrivateKeyJWT":    introspect.PrivateKeyJWT("<client-id>", []byte(edJWK)),
	} {
		_, err := introspect.New(introspect.Config{Issuer: "https://login.example.com", Audience: []string{audience}, Auth: auth})
		if err == nil || !strings.Contains(err.Error(), name+`: the client ID "<client-id>": contains the placeholder`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var source *nilSource
	_, err = introspect.New(introspect.Config{Auth: introspect.BearerToken(source)})
	if err == nil || !strings.Contains(err.Error(), "BearerToken: a nil source") {
		t.Errorf("a nil source: %v", err)
	}
}
