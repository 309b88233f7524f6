package interop_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// oauthClient is a client of an authorization server.
type oauthClient struct {
	id, secret  string // no secret: a public client
	redirectURI string
	jar         http.CookieJar // of the user's browser; nil: a new browser
}

// tokens is the response of a token endpoint.
type tokens struct {
	Access    string `json:"access_token"`
	Refresh   string `json:"refresh_token"`
	ID        string `json:"id_token"`
	TokenType string `json:"token_type"`
	Scope     string `json:"scope"`
}

// requestTokens sends a token request and requires tokens in the response.
func (c oauthClient) requestTokens(t *testing.T, endpoint string, form url.Values, header http.Header) tokens {
	t.Helper()
	if c.secret == "" && c.id != "" {
		form.Set("client_id", c.id)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.secret != "" {
		req.SetBasicAuth(url.QueryEscape(c.id), url.QueryEscape(c.secret)) // RFC 6749, Section 2.3.1
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got tokens
	if err := json.Unmarshal(body, &got); err != nil || resp.StatusCode != http.StatusOK || got.Access == "" {
		t.Fatalf("the token endpoint answers %s %s; want tokens", resp.Status, body)
	}
	return got
}

// formField matches the hidden fields of a login page.
var (
	formAction = regexp.MustCompile(`<form[^>]*\saction="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// login fills in the form of a login page.
type login func(page int, form url.Values)

// authorize goes through an authorization endpoint like a browser, with a cookie
// jar and the user's login. It returns the parameters of the redirect URI.
func (c oauthClient) authorize(t *testing.T, endpoint string, params url.Values, user login) url.Values {
	t.Helper()
	jar := c.jar
	if jar == nil {
		var err error
		if jar, err = cookiejar.New(nil); err != nil {
			t.Fatal(err)
		}
	}
	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), c.redirectURI) {
			back = req.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	params.Set("client_id", c.id)
	params.Set("redirect_uri", c.redirectURI)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"?"+params.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const most = 4 // pages before the redirect
	for page := range most {
		resp, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if back != nil {
			got := back.Query()
			if back.Fragment != "" {
				got, err = url.ParseQuery(back.Fragment)
			}
			if err != nil || got.Has("error") {
				t.Fatalf("the authorization endpoint answers %v, error %v", got, err)
			}
			return got
		}
		action := formAction.FindSubmatch(body)
		if err != nil || resp.StatusCode != http.StatusOK || action == nil {
			t.Fatalf("%s: %s %s, error %v; want a form", resp.Request.URL, resp.Status, body, err)
		}
		form := url.Values{}
		for _, field := range formField.FindAllSubmatch(body, -1) {
			form.Set(string(field[1]), string(field[2]))
		}
		user(page, form)
		target, err := resp.Request.URL.Parse(string(action[1]))
		if err != nil {
			t.Fatal(err)
		}
		req, err = http.NewRequestWithContext(t.Context(), http.MethodPost, target.String(), strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	t.Fatalf("not back at %s after %d pages", c.redirectURI, most)
	return nil
}

// codeFlow runs the authorization code grant with PKCE (RFC 7636).
func (c oauthClient) codeFlow(t *testing.T, authorization, token string, params url.Values, user login) tokens {
	t.Helper()
	verifier := rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(verifier))
	state := rand.Text()
	params.Set("response_type", "code")
	params.Set("state", state)
	params.Set("code_challenge_method", "S256")
	params.Set("code_challenge", base64.RawURLEncoding.EncodeToString(digest[:]))
	got := c.authorize(t, authorization, params, user)
	if got.Get("state") != state || got.Get("code") == "" {
		t.Fatalf("back with %v; want the state and a code", got)
	}
	form := url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {got.Get("code")},
		"redirect_uri":  {c.redirectURI},
		"code_verifier": {verifier},
	}
	if resource := params.Get("resource"); resource != "" {
		form.Set("resource", resource)
	}
	return c.requestTokens(t, token, form, nil)
}
