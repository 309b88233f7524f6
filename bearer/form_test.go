package bearer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bearerkit/bearerkit/bearer"
)

const formType = "application/x-www-form-urlencoded"

func post(contentType, body string, authorization ...string) *http.Request {
	r := httptest.NewRequest("POST", "/orders", strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if authorization != nil {
		r.Header["Authorization"] = authorization
	}
	return r
}

// Checklist B1, B3, B14, C1; RFC 6750, Section 2.2.
func TestFormBodyTokens(t *testing.T) {
	with := func(method string, r *http.Request) *http.Request { r.Method = method; return r }
	types := func(r *http.Request, lines ...string) *http.Request { r.Header["Content-Type"] = lines; return r }
	const token = "access_token=good"
	large := "x=" + strings.Repeat("a", 1<<20)
	tests := []struct {
		name    string
		request func() *http.Request
		on, off int // the status while the method is on, and off
	}{
		{"a token", func() *http.Request { return post(formType, token) }, 200, 401},
		{"among other parameters", func() *http.Request { return post(formType, "a=b&"+token+"&c=d") }, 200, 401},
		{"with a charset", func() *http.Request { return post(formType+"; charset=utf-8", token) }, 200, 401},
		{"type in upper case", func() *http.Request { return post("Application/X-WWW-Form-URLencoded", token) }, 200, 401},
		{"percent-encoded", func() *http.Request { return post(formType, "access%5Ftoken=g%6f%6Fd") }, 200, 401},
		{"PUT", func() *http.Request { return with("PUT", post(formType, token)) }, 200, 401},
		{"PATCH", func() *http.Request { return with("PATCH", post(formType, token)) }, 200, 401},
		{"GET", func() *http.Request { return with("GET", post(formType, token)) }, 401, 401},
		{"HEAD", func() *http.Request { return with("HEAD", post(formType, token)) }, 401, 401},
		{"DELETE", func() *http.Request { return with("DELETE", post(formType, token)) }, 401, 401},
		{"multipart", func() *http.Request {
			return post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\ngood\r\n--b--\r\n")
		}, 401, 401},
		{"JSON", func() *http.Request { return post("application/json", `{"access_token":"good"}`) }, 401, 401},
		{"text", func() *http.Request { return post("text/plain", token) }, 401, 401},
		{"no type", func() *http.Request { return post("", token) }, 401, 401},
		{"a broken type", func() *http.Request { return post(formType+"; charset", token) }, 401, 401},
		{"two types", func() *http.Request { return types(post(formType, token), formType, "text/plain") }, 401, 401},
		{"in the query of a form", func() *http.Request { r := post(formType, "a=b"); r.URL.RawQuery = token; return r }, 401, 401},
		{"an empty body", func() *http.Request { return post(formType, "") }, 401, 401},
		{"no body", func() *http.Request { r := post(formType, ""); r.Body = nil; return r }, 401, 401},
		{"http.NoBody", func() *http.Request { r := post(formType, ""); r.Body = http.NoBody; return r }, 401, 401},
		{"another name", func() *http.Request { return post(formType, "Access_Token=good&token=good") }, 401, 401},

		{"twice", func() *http.Request { return post(formType, token+"&"+token) }, 400, 401},
		{"twice, once percent-encoded", func() *http.Request { return post(formType, token+"&%61ccess_token=x") }, 400, 401},
		{"empty", func() *http.Request { return post(formType, "access_token=") }, 400, 401},
		{"without a value", func() *http.Request { return post(formType, "access_token") }, 400, 401},
		{"illegal characters", func() *http.Request { return post(formType, "access_token=go+od") }, 400, 401},
		{"a broken encoding", func() *http.Request { return post(formType, token+"&a=%zz") }, 400, 401},
		{"a broken encoding beside a percent-encoded name", func() *http.Request { return post(formType, "access%5Ftoken=good&a=%zz") }, 400, 401},
		{"a semicolon", func() *http.Request { return post(formType, "a;b&"+token) }, 400, 401},
		{"bytes that are not ASCII", func() *http.Request { return post(formType, token+"&a=é") }, 400, 401},
		{"too large", func() *http.Request { return post(formType, large) }, 400, 401},
		{"a token 16 KiB and one byte long", func() *http.Request { return post(formType, "access_token="+strings.Repeat("a", 16<<10+1)) }, 431, 401},

		{"in the header too", func() *http.Request { return post(formType, token, "Bearer good") }, 400, 200},
		{"in the header too, another", func() *http.Request { return post(formType, "access_token=x", "Bearer good") }, 400, 200},
		{"empty, and one in the header", func() *http.Request { return post(formType, "access_token=", "Bearer good") }, 400, 200},
		{"another scheme in the header", func() *http.Request { return post(formType, token, "Basic eDp5") }, 200, 401},
		{"malformed in the header", func() *http.Request { return post(formType, token, "Bearer") }, 400, 400},
		{"a header token and another form", func() *http.Request { return post(formType, "a=b", "Bearer good") }, 200, 200},
		{"a header token and a form that cannot be read", func() *http.Request { return post(formType, "a=%zz", "Bearer good") }, 200, 200},
	}
	on := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	off := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := serve(on, tt.request()); got.status != tt.on {
				t.Errorf("on: got %d, want %d", got.status, tt.on)
			}
			if got := serve(off, tt.request()); got.status != tt.off {
				t.Errorf("off: got %d, want %d", got.status, tt.off)
			}
		})
	}
}

func TestHandlerReadsTheWholeForm(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	body := "a=b&access_token=good&c=" + strings.Repeat("d", 300_000)
	for _, authorization := range [][]string{nil, {"Basic eDp5"}} {
		got := serve(rt, post(formType, body, authorization...))
		if !got.handedOn {
			t.Fatalf("got %d", got.status)
		}
		if data, err := io.ReadAll(got.request.Body); err != nil || string(data) != body {
			t.Errorf("the handler reads %d bytes and %v, want %d", len(data), err, len(body))
		}
	}
	empty := post(formType, "")
	empty.Body = http.NoBody
	if rt.Decide(empty); empty.Body != http.NoBody {
		t.Errorf("an empty body became %v", empty.Body)
	}
	got := serve(rt, post(formType, body))
	if err := got.request.ParseForm(); err != nil || got.request.PostForm.Get("a") != "b" {
		t.Errorf("ParseForm gives %v", err)
	}
}

func TestDecideTwiceReadsTheFormTwice(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	r := post(formType, "access_token=good")
	if first, second := rt.Decide(r), rt.Decide(r); !first.Allowed() || !second.Allowed() {
		t.Errorf("first %v, second %v", first.Err(), second.Err())
	}
}

// The bounds of a form: its length, and ASCII alone if it has a token (B3).
func TestFormBounds(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	const most = 1 << 20
	filled := func(n int) string {
		const start = "access_token=good&x="
		return start + strings.Repeat("a", n-len(start))
	}
	for body, want := range map[string]int{
		filled(most):                 200,
		filled(most + 1):             400,
		"access_token=good&x=\x7f":   200,
		"access_token=good&x=\u0080": 400,
		"\u0080=x&access_token=good": 400,
		"access_token=good&\u00e9=é": 400,
		"access_token=good&x=%C3%A9": 200,
		"x=\u0080":                   401,
	} {
		if got := serve(rt, post(formType, body)); got.status != want {
			t.Errorf("%d bytes, %.40q: %d, want %d", len(body), body, got.status, want)
		}
	}
	e, ok := errors.AsType[*bearer.Error](rt.Decide(post(formType, filled(most+1))).Err())
	if !ok || e.Expected != "at most 1048576 bytes" {
		t.Errorf("%+v", e)
	}
	// A client that has gone is no reason to refuse what it sent.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if d := rt.Decide(post(formType, "access_token=good").WithContext(ctx)); !d.Allowed() {
		t.Errorf("a caller that has gone: %v", d.Err())
	}
}

func TestFormThatCannotBeRead(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	broken := errors.New("connection reset")
	body := func() io.ReadCloser {
		return io.NopCloser(io.MultiReader(strings.NewReader("access_token=good"), iotest.ErrReader(broken)))
	}
	r := post(formType, "")
	r.Body = body()
	if got := serve(rt, r); got.status != 400 {
		t.Errorf("got %d", got.status)
	}
	data, err := io.ReadAll(r.Body)
	if string(data) != "access_token=good" || !errors.Is(err, broken) {
		t.Errorf("the body is left as %q, %v", data, err)
	}

	r = post(formType, "")
	r.Body = io.NopCloser(iotest.TimeoutReader(strings.NewReader("access_token=good"))) // returns its error only once
	if d := rt.Decide(r); d.Status() != 400 {
		t.Errorf("a timeout: %v", d.Err())
	}
	if data, err := io.ReadAll(r.Body); string(data) != "access_token=good" || !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("after a timeout the body is left as %q, %v", data, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = post(formType, "").WithContext(ctx)
	r.Body = body()
	if e, ok := errors.AsType[*bearer.Error](rt.Decide(r).Err()); !ok || e.Code != bearer.CodeCanceled {
		t.Errorf("a caller that has gone gives %v", e)
	}

	r = post(formType, "access_token=good")
	r.Body = http.MaxBytesReader(nil, r.Body, 4)
	if got := serve(rt, r); got.status != 400 {
		t.Errorf("a body over the server's limit: got %d", got.status)
	}
}

func TestBodyIsClosedAndNotReadTooFar(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody()}}, bearer.RouteConfig{})
	source := &countingBody{Reader: bytes.NewReader(make([]byte, 4<<20))}
	r := post(formType, "")
	r.Body = source
	if got := serve(rt, r); got.status != 400 {
		t.Errorf("got %d", got.status)
	}
	if source.read > 1<<20+1 {
		t.Errorf("%d bytes were read of a form that may have 1 MiB", source.read)
	}
	if n, _ := io.Copy(io.Discard, r.Body); n != 4<<20 {
		t.Errorf("%d bytes are left to read", n)
	}
	if err := r.Body.Close(); err != nil || !source.closed {
		t.Errorf("the body is closed: %t, %v", source.closed, err)
	}
}

type countingBody struct {
	io.Reader
	read   int
	closed bool
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.read += n
	return n, err
}

func (b *countingBody) Close() error { b.closed = true; return nil }

// Checklist B1, B4, B14, C1, O2; RFC 6750, Section 2.3.
func TestQueryTokens(t *testing.T) {
	tests := []struct {
		name, query, authorization string
		on, off                    int
	}{
		{"a token", "access_token=good", "", 200, 401},
		{"among others", "a=b&access_token=good", "", 200, 401},
		{"percent-encoded", "%61ccess_token=g%6Fod", "", 200, 401},
		{"twice", "access_token=good&access_token=good", "", 400, 401},
		{"empty", "access_token=", "", 400, 401},
		{"a plus", "access_token=go+od", "", 400, 401},
		{"a broken encoding", "access_token=good%zz", "", 400, 401},
		{"a broken encoding elsewhere", "access%5Ftoken=good&a=%zz", "", 400, 401},
		{"a semicolon", "access_token=good;a=b", "", 400, 401},
		{"bytes that are not ASCII", "access_token=good&a=\xc3\xa9", "", 400, 401},
		{"another name", "token=good&ACCESS_TOKEN=good", "", 401, 401},
		{"in the header too", "access_token=good", "Bearer good", 400, 200},
		{"a broken query without a token", "a=%zz", "Bearer good", 200, 200},
		{"only in the header", "a=b", "Bearer good", 200, 200},
	}
	on := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.InsecureFromQuery()}}, bearer.RouteConfig{})
	off := newRoute(t, bearer.Config{}, bearer.RouteConfig{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			request := func() *http.Request {
				r := get()
				r.URL.RawQuery = tt.query
				if tt.authorization != "" {
					r.Header.Set("Authorization", tt.authorization)
				}
				return r
			}
			got := serve(on, request())
			if got.status != tt.on {
				t.Errorf("on: got %d, want %d", got.status, tt.on)
			}
			want := ""
			switch {
			case got.status != 200:
				want = "no-store"
			case tt.authorization == "":
				want = "private" // B4
			}
			if cache := got.header.Get("Cache-Control"); cache != want {
				t.Errorf("on: Cache-Control %q, want %q", cache, want)
			}
			if got := serve(off, request()); got.status != tt.off {
				t.Errorf("off: got %d, want %d", got.status, tt.off)
			}
		})
	}
}

// Checklist B4: the guard does not weaken a no-store of outer middleware.
func TestQueryTokenKeepsNoStore(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.InsecureFromQuery()}}, bearer.RouteConfig{})
	for before, want := range map[string]string{"no-store": "no-store", "private, no-store": "private, no-store", "public, max-age=60": "private"} {
		w, r := httptest.NewRecorder(), get()
		r.URL.RawQuery = "access_token=good"
		w.Header().Set("Cache-Control", before)
		if _, ok := rt.Admit(w, r); !ok || w.Header().Get("Cache-Control") != want {
			t.Errorf("%q became %q, want %q", before, w.Header().Get("Cache-Control"), want)
		}
	}
}

// headerFormQuery are the three sources of RFC 6750, Section 2.
var headerFormQuery = []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromFormBody(), bearer.InsecureFromQuery()}

func TestThreeWaysAtOnce(t *testing.T) {
	rt := newRoute(t, bearer.Config{Sources: headerFormQuery}, bearer.RouteConfig{})
	r := post(formType, "access_token=good")
	r.URL.RawQuery = "access_token=good"
	if got := serve(rt, r); got.status != 400 {
		t.Errorf("form and query: got %d", got.status)
	}
	r = post(formType, "access_token=good", "Bearer good")
	r.URL.RawQuery = "access_token=good"
	if got := serve(rt, r); got.status != 400 {
		t.Errorf("all three: got %d", got.status)
	}
}
