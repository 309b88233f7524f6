//go:build !race

package browser_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// groups reads the titles of what happened, the oldest first.
const groups = `[...document.querySelectorAll("#log > li > h3")].map((h) => h.textContent).reverse()`

const heard = `document.querySelector("#status").textContent`

// A person who presses twice gets one action. In a pause, another case ends it.
func TestConsolePressedTwice(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startProgram(t, "-refresh-budget", "1ms")))
	twice := func(selector string) step {
		return chromedp.Evaluate[chromedp.Void](`{ const b = document.querySelector('` + selector + `'); b.click(); b.click(); }`)
	}
	for selector, title := range map[string]string{
		`[data-case="shop-orders"]`: "alice opens her orders", `[data-case="token-stolen"]`: "A bound token, stolen",
		"#rotate": "The issuer rotates its keys", "#withdraw": "The issuer withdraws its old key", ".cell": "GET /public as nobody",
		"#call": "GET /orders",
	} {
		if selector == "#withdraw" {
			do(t, ctx, press("#rotate"), until(idle))
		}
		if selector == "#call" {
			do(t, ctx, press("#get-token"), until(idle))
		}
		do(t, ctx, press("#clear"), twice(selector))
		do(t, ctx, until(idle))
		if got := evaluate[[]string](t, ctx, groups); len(got) != 1 || got[0] != title {
			t.Errorf("%s: %q", selector, got)
		}
	}
	do(t, ctx, press("#clear"), twice("#issuer-switch"), until(idle), until(`document.querySelector("#issuer-state").textContent === "The issuer is stopped"`))
	// The state outlives the page, which has no token any more.
	do(t, ctx, chromedp.Reload(), until(idle), until(`document.querySelector("#issuer-state").textContent === "The issuer is stopped"`))
	do(t, ctx, press(`[data-case="outage-opaque"]`), until(`document.querySelector("#wait-over") !== null`), press(`[data-case="cms-posts"]`), until(idle))
	expect(t, ctx, "after the pause", "503", admitted)
	if got := evaluate[int](t, ctx, `document.querySelectorAll("#waiting").length`); got != 0 {
		t.Error("the page still shows the pause")
	}
}

// If the program has ended, the page says so. A page that is loaded while it ends
// cannot be tested by a reload: there is no page then.
func TestConsoleAfterTheProgram(t *testing.T) {
	ctx := newBrowser(t)
	url, stop := startProgramToStop(t)
	do(t, ctx, open(url), press(`[data-case="shop-orders"]`), until(idle))
	stop()
	do(t, ctx, press("#call"), until(idle), until(heard+`.includes("no answer")`))
	do(t, ctx, press(`[data-case="shop-orders"]`), until(idle), until(heard+`.includes("Start it again")`))
	do(t, ctx, press("#issuer-switch"), until(idle), until(heard+`.includes("Start it again")`))
}

// A clock of the browser that is wrong makes proofs wrong, and the page says why.
func TestConsoleWithAWrongClock(t *testing.T) {
	ctx := newBrowser(t)
	script := page.AddScriptToEvaluateOnNewDocumentParams{Source: `{ const now = Date.now; Date.now = () => now() + 600_000; }`}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, script); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, open(startProgram(t)), press(`[data-case="token-proof"]`), until(idle))
	if got := evaluate[string](t, ctx, heard); !strings.Contains(got, "iat") && !strings.Contains(got, "clock") {
		t.Errorf("a screen reader hears %q", got)
	}
	do(t, ctx, press("#clear"), press(`[data-case="shop-orders"]`))
	expect(t, ctx, "without a proof", admitted)
}

// What a person types, and what the API echoes, is text. Tokens are nowhere but in a
// variable.
func TestConsoleKeepsTextAndTokensApart(t *testing.T) {
	ctx := newBrowser(t)
	const name = `"><img src=x onerror="document.title='pwned'">`
	do(t, ctx, open(startProgram(t)), press(`[data-case="shop-orders"]`), until(idle),
		chromedp.Evaluate[chromedp.Void](`{ const r = document.querySelector("#route");
			r.value = [...r.options].find((o) => o.text.startsWith("GET /users/")).value; r.dispatchEvent(new Event("change")); }`),
		chromedp.SetValue(chromedp.CSS("#user"), name), press("#react"), press("#clear"), press("#call"), until(idle))
	expect(t, ctx, "a strange user", "403")
	if got := evaluate[bool](t, ctx, `document.querySelector("img") === null && !document.title.includes("pwned") && document.querySelector("#log").textContent.includes("%3Cimg")`); !got {
		t.Error("the page takes a name for HTML, or does not show it")
	}
	places := evaluate[string](t, ctx, `JSON.stringify([document.documentElement.outerHTML, location.href, document.cookie, { ...localStorage }, { ...sessionStorage }, history.state,
		performance.getEntries().map((e) => e.name), Object.keys(globalThis).filter((k) => typeof globalThis[k] === "string").map((k) => globalThis[k])])`)
	if strings.Contains(places, "eyJ") {
		t.Error("the page shows or stores a token")
	}
}
