//go:build !race

package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screenshots is a folder for the pictures of the docs.
var screenshots = flag.String("screenshots", "", "write the pictures of the docs into this `folder`")

// patience bounds what a test waits for.
const patience = 30 * time.Second

// folder is where the programs are built.
var folder string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		var err error
		if folder, err = os.MkdirTemp("", "browser-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(folder)
		return m.Run()
	}())
}

// The programs, each built once.
var (
	referenceProgram = sync.OnceValues(func() (string, error) { return build("protectedapi", "examples", "./protectedapi") })
	bearerProgram    = sync.OnceValues(func() (string, error) { return build("bearer", filepath.Join("cmd", "bearer"), ".") })
)

// build builds a program of a module, and returns its file.
func build(name, module, path string) (string, error) {
	file := filepath.Join(folder, name)
	cmd := exec.Command("go", "build", "-o", file, path)
	cmd.Dir = filepath.Join("..", "..", module)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return file, nil
}

// startProgram starts the reference program, and returns its URL.
func startProgram(t *testing.T, args ...string) string {
	t.Helper()
	url, _ := startProgramToStop(t, args...)
	return url
}

// startProgramToStop also returns what ends the program, which otherwise ends with
// the test.
func startProgramToStop(t *testing.T, args ...string) (url string, stop func()) {
	t.Helper()
	line, stop := start(t, referenceProgram, append([]string{"-dev", "-brief", "-listen", "127.0.0.1:0"}, args...)...)
	url, ok := strings.CutPrefix(line, "listening on ")
	if !ok {
		t.Fatalf("the first line is %q", line)
	}
	return url, stop
}

// start starts a program until the test ends or stop is called, and returns the
// first line that it prints.
func start(t *testing.T, program func() (string, error), args ...string) (line string, stop func()) {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, file, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	line = lines.Text()
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines.Scan() {
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		reading.Wait()
		_ = cmd.Wait()
	})
	t.Cleanup(stop)
	return line, stop
}

// newBrowser starts Chromium. Its pages must not fail: an exception, or something
// that the Content-Security-Policy forbids, fails the test.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	file := ""
	for _, name := range []string{"chromium", "chromium-headless-shell"} {
		if found, err := exec.LookPath(name); err == nil {
			file = found
			break
		}
	}
	if file == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no chromium")
		}
		t.Skip("there is no chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(file), chromedp.NoSandbox,
		chromedp.Flag("lang", "en"), chromedp.WindowSize(1400, 1000), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, closeTab := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil { // starts the browser
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits until the browser has ended
		closeTab()
		stop()
	})
	if err := chromedp.Listen(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("the page fails: %s, %+v", event.ExceptionDetails.Text, event.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if event.Entry.Source != log.EntrySourceNetwork { // a 401 is what the page asks for
				t.Errorf("the browser says: %s: %s", event.Entry.Source, event.Entry.Text)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// step is something that a person does, or waits for.
type step = chromedp.Action[chromedp.Void]

// do takes steps, each within the tests' patience.
func do(t *testing.T, ctx context.Context, steps ...step) {
	t.Helper()
	for _, s := range steps {
		run(t, ctx, s)
	}
}

// run runs an action within the tests' patience, and returns its value.
func run[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// evaluate returns the value of an expression of JavaScript.
func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	return run(t, ctx, chromedp.Evaluate[T](expression))
}

// press presses a button with the mouse.
func press(selector string) step {
	css := chromedp.CSS(selector)
	return chromedp.Steps(chromedp.WaitVisible(css), chromedp.ScrollIntoView(css), chromedp.Click(css))
}

// choose chooses an option of a list.
func choose(selector, value string) step {
	return chromedp.SetValue(chromedp.CSS(selector), value)
}

// until waits until an expression of JavaScript is true.
func until(expression string) step {
	return chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond))
}

// arrive waits like until, and also while the browser goes from page to page.
func arrive(expression string) step {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			there, err := chromedp.Evaluate[bool](expression)(ctx, target)
			if there && err == nil {
				return chromedp.Void{}, nil
			}
			select {
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("%s is not true: %w", expression, errors.Join(ctx.Err(), err))
			case <-ticker.C:
			}
		}
	}
}

const idle = `document.body.dataset.ready === "true" && document.body.dataset.busy === undefined`

// open opens the console.
func open(url string) step {
	return chromedp.Steps(chromedp.Navigate(url+"/"), until(idle))
}

// picture takes a picture for the docs, if the flag asks for it.
func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *screenshots == "" || name == "" {
		return
	}
	shot, err := png.Decode(bytes.NewReader(run(t, ctx, chromedp.CaptureScreenshot())))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, paletted(shot)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name), small.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// paletted returns a picture in its 256 most frequent colors, which are nearly all
// that a page has. Its file is much smaller.
func paletted(shot image.Image) image.Image {
	counts := map[color.Color]int{}
	box := shot.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[shot.At(x, y)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	small := image.NewPaletted(box, frequent[:min(len(frequent), 256)])
	draw.Draw(small, box, shot, box.Min, draw.Src)
	return small
}
