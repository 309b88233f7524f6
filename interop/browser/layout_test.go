//go:build !race

package browser_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// seen is true if an element is in view.
const seen = `((e) => { const { top, bottom } = e.getBoundingClientRect(); return top >= 0 && top < innerHeight && bottom > 0; })`

// On a narrow page, the answers are below everything else. Pressing a button brings
// its answer into view, with the focus, and another button leads back.
func TestConsoleOnAPhone(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch), open(startProgram(t)))
	for _, button := range []string{`[data-case="token-login"]`, `.cell[data-route="GET /reports"][data-person="bob"]`} {
		do(t, ctx, press(button))
		if strings.Contains(button, "login") {
			do(t, ctx, press("#login-allow"))
		}
		do(t, ctx, until(idle), until(`document.activeElement.matches("#log > li:first-child h3") && `+seen+`(document.activeElement)`),
			press("#log > li:first-child .back button"), until(`document.activeElement.matches('`+button+`') && `+seen+`(document.activeElement)`))
	}
	// The form of the token shows its result right below, so the page stays there.
	do(t, ctx, press("#get-token"), until(idle), until(`document.activeElement.id === "get-token"`))
}

// Nothing is wider than its section, whatever the width. At 700 pixels, the page is
// as on a screen of 1400 pixels at 200 %.
func TestConsoleFits(t *testing.T) {
	ctx := newBrowser(t)
	url := startProgram(t)
	for _, width := range []int64{1400, 960, 768, 700, 360, 320} {
		do(t, ctx, chromedp.EmulateViewport(width, 740), open(url), press(`[data-case="limit"]`), until(`document.querySelector("#wait-over") !== null`),
			press(`[data-case="cms-settings"]`), until(idle), press("#log summary"))
		wide := evaluate[[]string](t, ctx, `[...document.querySelectorAll("main *, header *")].filter((e) => e.checkVisibility() && !e.closest(".heard, .skip")
			&& e.getBoundingClientRect().right > (e.closest("main section, header") ?? document.body).getBoundingClientRect().right + 1).map((e) => e.outerHTML.slice(0, 80))`)
		if len(wide) > 0 {
			t.Errorf("%d pixels: %s", width, strings.Join(wide, "\n"))
		}
		if over := evaluate[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%d pixels: the page is %d pixels wider", width, over)
		}
	}
}

// A person with a keyboard sees where the focus is, at each stop, and does not lose
// it when the card of the token changes.
func TestConsoleShowsTheFocus(t *testing.T) {
	ctx := newBrowser(t)
	do(t, ctx, open(startProgram(t)))
	stops := evaluate[int](t, ctx, `[...document.querySelectorAll("a, button, input, select")].filter((e) => e.checkVisibility() && !e.disabled && !e.closest("dialog")).length`)
	for range stops - 2 { // of three radio buttons, two are no stop
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		at := evaluate[string](t, ctx, `(() => { const e = document.activeElement, s = getComputedStyle(e);
			return e.matches(":focus-visible") && parseFloat(s.outlineWidth) >= 2 && `+seen+`(e) ? "" : e.outerHTML.slice(0, 120); })()`)
		if at != "" {
			t.Errorf("one does not see the focus at %s", at)
		}
	}
	if at := evaluate[string](t, ctx, `document.activeElement.id`); at != "clear" {
		t.Errorf("after %d stops the focus is at %q, want the button of the answers", stops, at)
	}
	do(t, ctx, press("#get-token"), until(idle))
	do(t, ctx, chromedp.Focus(chromedp.CSS("#change")), chromedp.KeyEvent(kb.Enter), until(idle), until(`document.activeElement.id === "change"`),
		chromedp.Focus(chromedp.CSS("#forget")), chromedp.KeyEvent(kb.Enter), until(idle), until(`document.activeElement.id === "get-token"`))
}

// Without JavaScript, the page says what to do, and shows no dead buttons.
func TestConsoleWithoutJavaScript(t *testing.T) {
	ctx := newBrowser(t)
	url := startProgram(t)
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate(url+"/"), chromedp.WaitVisible(chromedp.CSS("noscript .alert")))
	for _, id := range []string{"main", "issuer"} {
		if box := evaluate[float64](t, ctx, `document.getElementById(`+strconv.Quote(id)+`).getBoundingClientRect().height`); box != 0 {
			t.Errorf("%s is %v pixels high", id, box)
		}
	}
}
