package introspect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/introspect"
)

// edJWK is the private key of RFC 8037, Appendix A.1, with a kid.
const edJWK = `{"kty":"OKP","crv":"Ed25519","kid":"key-7","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// posted returns a verifier whose endpoint calls tokens inactive, and the forms of
// the requests that it received.
func posted(t *testing.T, auth introspect.Auth) (*introspect.Verifier, *[]url.Values) {
	t.Helper()
	forms := new([]url.Values)
	v := asking(t, nil, func(c *introspect.Config) {
		c.Auth = auth
		c.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if err := r.ParseForm(); err != nil {
				return nil, err
			}
			*forms = append(*forms, r.PostForm)
			return answers(200, nil, `{"active":false}`)(r)
		})}
	})
	return v, forms
}

// RFC 7523, Sections 2.2 and 3; RFC 7521, Section 4.2: the form and the claims of an
// assertion. Each request has its own.
func TestAssertion(t *testing.T) {
	withoutID := strings.Replace(edJWK, `"kid":"key-7",`, "", 1)
	for name, tt := range map[string]struct {
		key    string
		header string
	}{
		"a key with kid":    {edJWK, `{"alg":"EdDSA","kid":"key-7","typ":"JWT"}`},
		"a key without kid": {withoutID, `{"alg":"EdDSA","typ":"JWT"}`},
	} {
		synctest.Test(t, func(t *testing.T) {
			v, forms := posted(t, introspect.PrivateKeyJWT("api", []byte(tt.key)))
			ids := map[string]bool{}
			for i := range 2 {
				if _, err := v.Verify(t.Context(), fmt.Sprint("token-", i)); codeOf(err) != "unrecognized" {
					t.Fatalf("%s: %v", name, err)
				}
				form := (*forms)[i]
				if form.Get("client_id") != "api" || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Errorf("%s: the form is %v", name, form)
				}
				jws, err := jose.Parse(form.Get("client_assertion"))
				if err != nil {
					t.Fatal(err)
				}
				segment, _, _ := strings.Cut(form.Get("client_assertion"), ".")
				if header, err := jose.DecodeBase64URL(segment); err != nil || string(header) != tt.header {
					t.Errorf("%s: the header is %s, want %s", name, header, tt.header)
				}
				var claims struct {
					Iss, Sub, Aud, Jti string
					Iat, Exp           int64
				}
				if err := json.Unmarshal(jws.Payload, &claims); err != nil {
					t.Fatal(err)
				}
				now := time.Now().Unix()
				if claims.Iss != "api" || claims.Sub != "api" || claims.Aud != "https://issuer.example.com" || claims.Iat != now || claims.Exp != now+60 {
					t.Errorf("%s: the claims are %+v", name, claims)
				}
				ids[claims.Jti] = true
			}
			if len(ids) != 2 {
				t.Errorf("%s: two requests have the jti %v", name, ids)
			}
			v.Close()
		})
	}
}

// Without credentials, no request is sent: the endpoint would reject it, and it
// would contain the token.
func TestNoRequestWithoutCredentials(t *testing.T) {
	for name, tt := range map[string]struct {
		auth introspect.Auth
		want string
	}{
		"a failing token source":                {introspect.BearerToken(failingSource{}), "our own credentials: the token source returned no token"},
		"a token source that returns no token":  {introspect.BearerToken(emptySource{}), "our own credentials: the token source returned no token"},
		"a token source that returns both":      {introspect.BearerToken(bothSource{}), "our own credentials: the token source returned no token"},
		"a client ID that no JWT can represent": {introspect.PrivateKeyJWT("\xff", []byte(edJWK)), "invalid UTF-8"},
	} {
		synctest.Test(t, func(t *testing.T) {
			v, forms := posted(t, tt.auth)
			_, err := v.Verify(t.Context(), "token")
			if codeOf(err) != "unavailable" || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
			if len(*forms) != 0 {
				t.Errorf("%s: a request was sent: %v", name, *forms)
			}
			v.Close()
		})
	}
}

// bothSource returns a token beside an error, as an expired one.
type bothSource struct{}

func (bothSource) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "old"}, fmt.Errorf("no new token")
}
