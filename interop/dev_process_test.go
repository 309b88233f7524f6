package interop_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The folders of clients of bearer dev.
const (
	devClientFolder = "dev-client"
	mcpClientFolder = "mcp-client"
	inspectorFolder = "mcp-inspector"
)

// bearerProgram is the file of the program bearer, once it is built.
var bearerProgram = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "interop-")
	if err != nil {
		return "", err
	}
	bearerFolder = folder
	program := filepath.Join(folder, "bearer")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join("..", "cmd", "bearer")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

// bearerFolder is what TestMain removes.
var bearerFolder string

// startBearerDev starts bearer dev, and returns the URL of its issuer.
func startBearerDev(t *testing.T, args ...string) string {
	t.Helper()
	program, err := bearerProgram()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append([]string{"dev", "--json", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var log lockedBuffer
	read := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-read
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("bearer dev:\n%s", log.String())
		}
	})
	var summary struct{ URL string }
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &summary) != nil {
		close(read)
		t.Fatalf("bearer dev prints %q", lines.Text())
	}
	go func() {
		defer close(read)
		for lines.Scan() {
			_, _ = log.Write([]byte(lines.Text() + "\n"))
		}
	}()
	return summary.URL
}

// devUser chooses a user on the page of bearer dev.
func devUser(name string) login {
	return func(_ int, form url.Values) { form.Set("user", name) }
}

// signInAt goes to the URL that a client built, as a user, and returns the URL of the
// client to which the browser comes back.
func signInAt(t *testing.T, authorization, user string) string {
	t.Helper()
	u, err := url.Parse(authorization)
	if err != nil {
		t.Fatal(err)
	}
	params := u.Query()
	u.RawQuery = ""
	c := oauthClient{id: params.Get("client_id"), redirectURI: params.Get("redirect_uri")}
	got := c.authorize(t, u.String(), params, devUser(user))
	return c.redirectURI + "?" + got.Encode()
}

// approveDevice types the code of a device as a user.
func approveDevice(t *testing.T, page, user string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	var body strings.Builder
	_, err = bufio.NewReader(resp.Body).WriteTo(&body)
	resp.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"user": {user}, "user_code": {u.Query().Get("user_code")}}
	for _, field := range formField.FindAllStringSubmatch(body.String(), -1) {
		form.Set(field[1], field[2])
	}
	u.RawQuery = ""
	if resp, err = browser.PostForm(u.String(), form); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the device page answers %s", resp.Status)
	}
}
