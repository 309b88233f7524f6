//go:build !race

package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const devCallback = "http://localhost:3000/callback"

// devAuthorization is the URL of an authorization request, with changes: names and
// values.
func devAuthorization(issuer string, changes ...string) string {
	query := url.Values{
		"client_id": {"shop"}, "redirect_uri": {devCallback}, "response_type": {"code"}, "scope": {"openid orders:read orders:write"},
		"resource": {devAudience}, "code_challenge_method": {"S256"}, "code_challenge": {strings.Repeat("a", 43)},
	}
	for n := 0; n < len(changes); n += 2 {
		query.Set(changes[n], changes[n+1])
	}
	return issuer + "/authorize?" + query.Encode()
}

// visit opens a page, and returns its status and header fields in lower case.
func visit(t *testing.T, ctx context.Context, url string) (status int64, header map[string]string) {
	t.Helper()
	answer := run(t, ctx, chromedp.NavigateResponse(url))
	header = make(map[string]string)
	for name, value := range answer.Headers {
		header[strings.ToLower(name)] = fmt.Sprint(value)
	}
	return answer.Status, header
}

func prefer(t *testing.T, ctx context.Context, scheme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
}

// The pages of bearer dev have names for a screen reader, enough contrast, and room on
// a phone; no page may frame them, and no cache keeps them. A wrong redirect URI is
// never visited: the user sees what is wrong.
func TestDevPages(t *testing.T) {
	issuer := startDev(t)
	ctx := newBrowser(t)
	users := []string{"button Continue as alice roles: admin, editor", "button Continue as bob"}
	for _, page := range []struct {
		url, picture, phone string
		status              int64
		names               []string
	}{
		{devAuthorization(issuer), "dev-login.png", "dev-login-phone.png", http.StatusOK,
			append([]string{"heading Sign in to Shop", "form Sign in to Shop", "button Cancel"}, users...)},
		{issuer + "/device?user_code=BCDF-GHJK", "", "", http.StatusOK,
			append([]string{"heading Connect a device", "textbox The code that the device shows", "button Refuse the device"}, users...)},
		{devAuthorization(issuer, "redirect_uri", "https://shop.example.com/callback"), "", "", http.StatusBadRequest, []string{"heading This did not work"}},
		{issuer + "/end_session", "", "", http.StatusOK, []string{"heading Sign out?", "button Sign out"}},
	} {
		for _, scheme := range []string{"light", "dark"} {
			prefer(t, ctx, scheme)
			do(t, ctx, chromedp.EmulateViewport(800, 560))
			status, header := visit(t, ctx, page.url)
			if status != page.status || header["cache-control"] != "no-store" || header["referrer-policy"] != "no-referrer" ||
				!strings.Contains(header["content-security-policy"], "default-src 'none'") || !strings.Contains(header["content-security-policy"], "frame-ancestors 'none'") {
				t.Errorf("%s: %d %v", page.url, status, header)
			}
			if at := run(t, ctx, chromedp.Location()); at != page.url {
				t.Errorf("%s: the browser is at %s", page.url, at)
			}
			names := namesOf(t, ctx)
			for _, name := range page.names {
				if !slices.Contains(names, name) {
					t.Errorf("%s: a screen reader does not hear %q in %q", page.url, name, names)
				}
			}
			for _, text := range evaluate[[]string](t, ctx, contrast) {
				t.Errorf("%s, %s: too little contrast: %s", page.url, scheme, text)
			}
			if scheme == "light" {
				picture(t, ctx, page.picture)
			}
			do(t, ctx, chromedp.EmulateViewport(360, 620, chromedp.EmulateMobile, chromedp.EmulateTouch))
			if scheme == "dark" {
				picture(t, ctx, page.phone)
			}
			if overflow := evaluate[int](t, ctx, `document.documentElement.scrollWidth - 360`); overflow > 0 {
				t.Errorf("%s: the page is %d pixels too wide for a phone", page.url, overflow)
			}
		}
	}
}

// A browser without scripts can sign in.
func TestDevWithoutScripts(t *testing.T) {
	issuer := startDev(t)
	ctx := newBrowser(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	served := make(chan string, 1) // the redirect URI
	callback := startCallback(t, served)
	do(t, ctx, chromedp.Navigate(devAuthorization(issuer, "redirect_uri", callback)), continueAs("bob"))
	select {
	case query := <-served:
		if !strings.Contains(query, "code=") || !strings.Contains(query, "iss="+url.QueryEscape(issuer)) {
			t.Errorf("the browser comes back with %q", query)
		}
	case <-time.After(patience):
		t.Error("the browser does not come back")
	}
}

// A person connects devices: by the link with the code, and by typing it; and refuses
// one.
func TestDevDevice(t *testing.T) {
	issuer := startDev(t)
	ctx := newBrowser(t)
	heading := func() string { return run(t, ctx, chromedp.Text(chromedp.CSS("h1"))) }
	begin := func() (d struct {
		Secret   string `json:"device_code"`
		Code     string `json:"user_code"`
		Page     string `json:"verification_uri"`
		Complete string `json:"verification_uri_complete"`
	}) {
		postForm(t, issuer+"/device_authorization", url.Values{"client_id": {"shop"}, "scope": {"orders:read"}}, &d)
		return d
	}
	finish := func(secret string) (got struct{ Scope, Error string }) {
		postForm(t, issuer+"/token", url.Values{"client_id": {"shop"}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {secret}}, &got)
		return got
	}

	linked := begin()
	do(t, ctx, chromedp.Navigate(linked.Complete), continueAs("alice"), arrive(`document.querySelector("form") === null`))
	if got := finish(linked.Secret); heading() != "Device connected" || got.Scope != "orders:read" {
		t.Errorf("by the link: %q, %+v", heading(), got)
	}
	typed := begin()
	do(t, ctx, chromedp.Navigate(typed.Page), key(strings.ToLower(typed.Code)), key(kb.Tab), key(kb.Tab), key(kb.Enter), // the field has the focus
		arrive(`document.querySelector("form") === null`))
	if got := finish(typed.Secret); heading() != "Device connected" || got.Scope != "orders:read" || !strings.Contains(run(t, ctx, chromedp.Text(chromedp.CSS("main"))), "as bob") {
		t.Errorf("by typing: %q, %+v", heading(), got)
	}
	refused := begin()
	do(t, ctx, chromedp.Navigate(refused.Complete), press("button[name=cancel]"), arrive(`document.querySelector("form") === null`))
	if got := finish(refused.Secret); heading() != "Device refused" || got.Error != "access_denied" {
		t.Errorf("refused: %q, %+v", heading(), got)
	}
}

// postForm posts a form, and decodes the answer, whatever its status.
func postForm(t *testing.T, url string, form url.Values, answer any) {
	t.Helper()
	resp, err := http.PostForm(url, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		t.Fatalf("%s answers %s", url, body)
	}
}
