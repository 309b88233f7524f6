package cli_test

import (
	"bufio"
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/cli"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/dev"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/ui"
	"github.com/bearerkit/bearerkit/jwks"
)

// A person opens the page that bearer token --login prints, and chooses a user. The
// token is the user's. A page that guesses the callback changes nothing.
func TestTokenCommandLogsIn(t *testing.T) {
	for _, tt := range []struct {
		name, button, value string
		code                int
	}{
		{"bob signs in", "user", "bob", 0},
		{"the person refuses", "cancel", "yes", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listener := httptest.NewUnstartedServer(nil)
			issuer := "http://" + listener.Listener.Addr().String()
			server, err := dev.New(dev.Config{URL: issuer})
			if err != nil {
				t.Fatal(err)
			}
			listener.Config.Handler = server
			listener.Start()
			t.Cleanup(listener.Close)

			var out bytes.Buffer
			lines, stderr := io.Pipe()
			code := make(chan int, 1)
			go func() {
				code <- cli.Run([]string{"token", "--issuer", issuer, "--login", "--scope", "orders:read", "--claim", "tenant=acme"},
					ui.Streams{In: strings.NewReader(""), Out: &out, Err: stderr})
				stderr.Close()
			}()
			scanner := bufio.NewScanner(lines)
			scanner.Scan() // what to do
			scanner.Scan()
			signIn(t, scanner.Text(), tt.button, tt.value)
			var rest string
			for scanner.Scan() {
				rest += scanner.Text()
			}
			if got := <-code; got != tt.code {
				t.Fatalf("exit code %d, want %d: %s", got, tt.code, rest)
			}
			if tt.code != 0 {
				if !strings.Contains(rest, "access_denied") || out.Len() > 0 {
					t.Errorf("%q, %q", rest, &out)
				}
				return
			}
			v, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: issuer, Audience: []string{audience}}}})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			p, err := v.Verify(t.Context(), strings.TrimSpace(out.String()))
			if err != nil || p.Subject != "bob" || p.ClientID != "app" || p.Scopes.String() != "orders:read" || p.IsClient() {
				t.Errorf("%+v, %v", p, err)
			}
			var own struct {
				Tenant string `json:"tenant"`
			}
			if err := p.Claims(&own); err != nil || own.Tenant != "acme" {
				t.Errorf("%+v, %v", own, err)
			}
		})
	}
}

// signIn does in a browser what a person does on the login page.
func signIn(t *testing.T, page, button, value string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	authorize, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := fetchPage(t, browser, authorize.Query().Get("redirect_uri")+"?code=guessed&state=guessed", nil); got != http.StatusBadRequest {
		t.Errorf("a guessed callback: %d", got)
	}
	_, text := fetchPage(t, browser, page, nil)
	secret := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(text)
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(text)
	if secret == nil || action == nil {
		t.Fatalf("no form: %s", text)
	}
	status, text := fetchPage(t, browser, "http://"+authorize.Host+html.UnescapeString(action[1]), url.Values{"form": {html.UnescapeString(secret[1])}, button: {value}})
	if status != http.StatusOK || !strings.Contains(text, "go back to the terminal") {
		t.Errorf("%d %s", status, text)
	}
}

func fetchPage(t *testing.T, browser *http.Client, page string, form url.Values) (int, string) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(t.Context(), method, page, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
