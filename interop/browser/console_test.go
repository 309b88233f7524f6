//go:build !race

package browser_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// outcomes reads what happened since the log was cleared, the oldest first: the
// status, and the error of the challenge. The log has the newest group first, and
// its steps in their order.
func outcomes(t *testing.T, ctx context.Context) []string {
	t.Helper()
	do(t, ctx, until(idle))
	return evaluate[[]string](t, ctx,
		`[...document.querySelectorAll("#log > li")].reverse().flatMap((group) => [...group.querySelectorAll("article")]).map((a) => (a.dataset.status + " " + a.dataset.error).trim())`)
}

func expect(t *testing.T, ctx context.Context, what string, want ...string) {
	t.Helper()
	if got := outcomes(t, ctx); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

const (
	refusedLogin  = "401"
	refusedToken  = "401 invalid_token"
	refusedScope  = "403 insufficient_scope"
	refusedStepUp = "401 insufficient_user_authentication"
	admitted      = "200"
)

// caseTests are the cases of the page. A case with allow opens the dialog.
var caseTests = []struct {
	name  string
	allow bool
	want  []string
}{
	{"shop-visitor", false, []string{refusedLogin}},
	{"shop-orders", false, []string{admitted}},
	{"shop-dashboard", false, []string{refusedScope}},
	{"shop-profile", false, []string{"403"}},
	{"shop-scope", true, []string{refusedScope, admitted}},
	{"shop-step-up", true, []string{refusedStepUp, admitted}},
	{"cms-login", false, []string{refusedLogin}},
	{"cms-posts", false, []string{admitted}},
	{"cms-settings", false, []string{refusedScope}},
	{"cms-client", false, []string{admitted}},
	{"token-login", true, []string{refusedLogin, admitted}},
	{"token-expired", false, []string{refusedToken, admitted}},
	{"token-changed", false, []string{refusedToken}},
	{"token-revoked", false, []string{refusedToken}},
	{"token-proof", false, []string{admitted}},
	{"token-stolen", false, []string{"401 invalid_dpop_proof"}},
	{"outage-jwt", false, []string{admitted}},
	{"keys-rotate", false, []string{admitted, admitted}},
	{"keys-withdraw", false, []string{admitted, refusedToken}},
	{"limit", false, []string{refusedToken, refusedToken, refusedToken, "429", "429", admitted}},
	{"origin-login", true, []string{refusedLogin, admitted}},
}

// Every case of the console ends as its button says, on every framework.
func TestConsoleCases(t *testing.T) {
	for _, framework := range []string{"nethttp", "echo", "echo5", "gin"} {
		t.Run(framework, func(t *testing.T) {
			ctx := newBrowser(t)
			do(t, ctx, open(startProgram(t, "-framework", framework, "-refresh-budget", "1ms")))
			for _, tt := range caseTests {
				do(t, ctx, press("#clear"), press(`[data-case="`+tt.name+`"]`))
				if tt.allow {
					do(t, ctx, press("#login-allow"))
				}
				expect(t, ctx, tt.name, tt.want...)
			}
			outage(t, ctx)
			count := evaluate[int](t, ctx, `document.querySelectorAll("[data-case]").length`)
			if count != len(caseTests)+1 {
				t.Errorf("the page has %d cases, the test %d", count, len(caseTests)+1)
			}
		})
	}
}

// outage presses the case of an opaque token while the issuer is down. The page
// waits by Retry-After, and goes on once the issuer runs again.
func outage(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, press("#clear"), press(`[data-case="outage-opaque"]`), press("#wait-start"), until(`document.querySelector("#wait-start").hidden`))
	got := outcomes(t, ctx)
	if len(got) < 2 || got[0] != "503" || got[len(got)-1] != admitted {
		t.Errorf("outage-opaque: %q", got)
	}
}

// A page with the cases of every framework's answer also needs the forms: here a
// person builds a token, calls, and mends each refusal by its button.
func TestConsoleForms(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startProgram(t)))

	// Without reacting, the page offers the remedy.
	do(t, ctx, press("#react"), press("#call"))
	expect(t, ctx, "a visitor", refusedLogin)
	do(t, ctx, press("#log article button"), press("#login-allow"))
	expect(t, ctx, "after the login", refusedLogin, admitted)

	// A short token expires, and the client renews it.
	do(t, ctx, press("#clear"), press("#react"), choose("#life", "-1m"), press("#get-token"), until(idle), press("#call"))
	expect(t, ctx, "an expired token", refusedToken, admitted)

	// A changed token is refused, and so renewed.
	do(t, ctx, press("#clear"), press("#change"), press("#call"))
	expect(t, ctx, "a changed token", refusedToken, admitted)

	// An opaque token is revoked before its first use.
	do(t, ctx, press("#clear"), press("#react"), choose("#life", "1h"), choose("#format", "opaque"),
		press("#get-token"), until(idle), press("#revoke"), until(idle), press("#call"))
	expect(t, ctx, "a revoked token", refusedToken)

	// A token that is bound to the browser's key, with and without the proof.
	do(t, ctx, press("#clear"), choose("#format", "jwt"), press("#bound"), press("#get-token"), until(idle), press("#call"))
	expect(t, ctx, "a bound token", admitted)
	do(t, ctx, press("#clear"), press("#unproven"), press("#call"))
	expect(t, ctx, "a stolen token", "401 invalid_dpop_proof")
	do(t, ctx, press("#log article button"))
	expect(t, ctx, "with a proof", "401 invalid_dpop_proof", admitted)

	// Nothing on the page shows a token.
	text := evaluate[string](t, ctx, `document.documentElement.outerHTML`)
	if strings.Contains(text, "eyJ") || strings.Contains(text, "opaque_") {
		t.Error("the page shows a token")
	}
}

// A nonce is learned from the refusal (RFC 9449, Section 9).
func TestConsoleNonce(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startProgram(t, "-dpop", "required", "-dpop-nonce", "required")), press(`[data-case="shop-orders"]`))
	expect(t, ctx, "the first request", "401 use_dpop_nonce", admitted)
	do(t, ctx, press("#clear"), press(`[data-case="shop-orders"]`))
	expect(t, ctx, "the second request", admitted)
}

// Each cell of the matrix gets the answer that it shows.
func TestConsoleMatrix(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startProgram(t)))
	type cell struct{ Route, Person, Status string }
	cells := evaluate[[]cell](t, ctx, `[...document.querySelectorAll(".cell")].map(({ dataset: { route, person, status } }) => ({ Route: route, Person: person, Status: status }))`)
	if len(cells) < 40 {
		t.Fatalf("%d cells", len(cells))
	}
	for _, c := range cells {
		do(t, ctx, press("#clear"), press(`.cell[data-route="`+c.Route+`"][data-person="`+c.Person+`"]`))
		if got := outcomes(t, ctx); len(got) != 1 || !strings.HasPrefix(got[0], c.Status) {
			t.Errorf("%s as %s: %q, and the cell says %s", c.Route, c.Person, got, c.Status)
		}
	}
}

// The keyboard is enough: Enter presses a case, the dialog has the focus, Escape
// cancels it, and the focus is back at the button.
func TestConsoleByKeyboard(t *testing.T) {
	ctx := newBrowser(t)
	const button = `[data-case="token-login"]`
	do(t, ctx, open(startProgram(t)), chromedp.Focus(chromedp.CSS(button)), chromedp.KeyEvent(kb.Enter),
		until(`document.querySelector("#login").open && document.querySelector("#login").contains(document.activeElement)`),
		chromedp.KeyEvent(kb.Escape))
	expect(t, ctx, "cancelled", refusedLogin)
	do(t, ctx, until(`document.activeElement.matches('`+button+`')`), press("#clear"), chromedp.Focus(chromedp.CSS(button)),
		chromedp.KeyEvent(kb.Enter), until(`document.querySelector("#login").open`), chromedp.KeyEvent(kb.Enter))
	expect(t, ctx, "allowed", refusedLogin, admitted)
	status := evaluate[string](t, ctx, `document.querySelector("#status").textContent`)
	if !strings.HasPrefix(status, "GET /orders: 200.") {
		t.Errorf("a screen reader hears %q", status)
	}
}

// Everything that takes input has a name for a screen reader, texts have enough
// contrast (WCAG 2.2, 1.4.3), and nothing is cut off on a phone.
func TestConsoleIsAccessible(t *testing.T) {
	// The docs show one picture of each kind.
	for scheme, pictures := range map[string]struct{ wide, phone string }{
		"light": {wide: "console-light.png"}, "dark": {phone: "console-phone-dark.png"},
	} {
		t.Run(scheme, func(t *testing.T) {
			ctx := newBrowser(t)
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
				t.Fatal(err)
			}
			do(t, ctx, open(startProgram(t)), press(`[data-case="cms-settings"]`), until(idle), press("#log summary"))
			picture(t, ctx, pictures.wide)
			unnamed(t, ctx)
			for _, text := range evaluate[[]string](t, ctx, contrast) {
				t.Errorf("too little contrast: %s", text)
			}
			do(t, ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch), press("#clear"), press(`[data-case="cms-settings"]`), until(idle))
			picture(t, ctx, pictures.phone)
			if overflow := evaluate[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); overflow > 0 {
				t.Errorf("the page is %d pixels too wide for a phone", overflow)
			}
		})
	}
}

func unnamed(t *testing.T, ctx context.Context) {
	t.Helper()
	if checked := len(namesOf(t, ctx)); checked < 80 {
		t.Errorf("only %d nodes have a name", checked)
	}
}

// namesOf returns what a screen reader says about everything that takes input: the
// role and the name. A node without a name fails the test.
func namesOf(t *testing.T, ctx context.Context) (names []string) {
	t.Helper()
	interactive := []string{"button", "checkbox", "radio", "combobox", "textbox", "link", "region", "dialog", "heading", "form"}
	tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		if !slices.Contains(interactive, role) {
			continue
		}
		name := ""
		if n.Name != nil {
			name = strings.Trim(string(n.Name.Value), `" `)
		}
		if name == "" && role != "form" { // a form without one is no landmark
			t.Errorf("a %s has no name", role)
		}
		names = append(names, role+" "+name)
	}
	return names
}

// contrast returns the texts whose contrast with the background is below 4.5 to 1.
const contrast = `(() => {
  const rgba = (text) => { const n = text.match(/[\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => { const [R, G, B] = [r, g, b].map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * R + 0.7152 * G + 0.0722 * B; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
    if (!text || !e.checkVisibility() || e.closest(":disabled")) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(text.slice(0, 40) + ": " + ((a + 0.05) / (b + 0.05)).toFixed(2));
  }
  return faint;
})()`
