package examples_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	echov4 "github.com/labstack/echo/v4"
	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho"
	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// frameworks mount one route for all methods and paths.
var frameworks = map[string]func(*bearer.Guard, http.HandlerFunc) http.Handler{
	"net/http": func(guard *bearer.Guard, served http.HandlerFunc) http.Handler {
		return bearerhttp.Require(guard, scope.None)(served)
	},
	"Echo v5": func(guard *bearer.Guard, served http.HandlerFunc) http.Handler {
		e := echo.New()
		e.Any("/*", echo.WrapHandler(served), bearerecho5.Require(guard, scope.None))
		return e
	},
	"Echo v4": func(guard *bearer.Guard, served http.HandlerFunc) http.Handler {
		e := echov4.New()
		e.Any("/*", echov4.WrapHandler(served), bearerecho.Require(guard, scope.None))
		return e
	},
	"Gin": func(guard *bearer.Guard, served http.HandlerFunc) http.Handler {
		gin.SetMode(gin.ReleaseMode)
		engine := gin.New()
		engine.Any("/*path", bearergin.Require(guard, scope.None), gin.WrapF(served))
		return engine
	},
}

const (
	secret    = "the-token"
	upgrade   = "Upgrade: websocket|Connection: Upgrade|"
	inField   = "Cf-Access-Jwt-Assertion: " + secret
	inCookie  = "Cookie: __Host-token=" + secret
	inOffer   = upgrade + "Sec-WebSocket-Protocol: bearer.token." + secret
	inForm    = "Content-Type: application/x-www-form-urlencoded|Content-Length: 22||access_token=" + secret
	inHeader  = "Authorization: Bearer " + secret
	ofForeign = "|Origin: https://evil.example"
)

// hostileRequests are the method, and the fields as they are on the wire, separated
// by "|".
var hostileRequests = []struct {
	request string
	status  int
}{
	{"GET|" + inHeader, 200},
	{"GET|" + inField, 200},
	{"GET|CF-ACCESS-JWT-ASSERTION: " + secret, 200},
	{"GET|Cf-Access-Jwt-Assertion:| " + secret, 200}, // a folded line (RFC 9112, Section 5.2)
	{"GET|Cf-Access-Jwt-Assertion: the| -token", 400},
	{"GET|Cf-Access-Jwt-Assertion : " + secret, 400}, // net/http itself (RFC 9112, Section 5.1)
	{"GET|Cf_Access_Jwt_Assertion: " + secret, 401},
	{"GET|" + inField + ",", 400},
	{"GET|" + inField + "|" + strings.ToLower(inField), 400},
	{"GET|Cf-Access-Jwt-Assertion: \u00a0" + secret, 400},
	{"GET|" + inCookie, 200},
	{"GET|Cookie: a=\"; __Host-token=" + secret + "; b=\"", 200},
	{"GET|Cookie: a=b,__Host-token=" + secret, 401},
	{"GET|Cookie: \u2000__Host-token=" + secret, 401},
	{"GET|Cookie: __Host-token =" + secret, 401},
	{"GET|Cookie: __Host-token= " + secret, 400},
	{"GET|" + inCookie + "; __Host-token", 400},
	{"GET|" + inCookie + "|" + inCookie, 400},
	{"POST|" + inForm, 200},
	{"GET|" + inForm, 401},
	{"GET|" + inOffer, 200},
	{"GET|" + upgrade + "Sec-WebSocket-Protocol: chat|Sec-WebSocket-Protocol: , bearer.token." + secret + ", ,", 200},
	{"GET|" + upgrade + "Sec-WebSocket-Protocol: chat,| bearer.token." + secret, 200},
	{"POST|" + inOffer, 401},

	// Two places, in all pairs; an empty place stands for no token.
	{"GET|" + inHeader + "|" + inField, 400},
	{"GET|" + inHeader + "|" + inCookie, 400},
	{"GET|" + inHeader + "|" + inOffer, 400},
	{"POST|" + inHeader + "|" + inForm, 400},
	{"GET|" + inField + "|" + inCookie, 400},
	{"GET|" + inField + "|" + inOffer, 400},
	{"POST|" + inField + "|" + inForm, 400},
	{"GET|" + inCookie + "|" + inOffer, 400},
	{"POST|" + inCookie + "|" + inForm, 400},
	{"GET|" + inHeader + "|" + inHeader, 400},
	{"GET|" + inHeader + "|Cookie: __Host-token=|Cf-Access-Jwt-Assertion:", 200},
	{"GET|" + inCookie + "|Authorization:", 200},

	// A foreign page.
	{"POST|" + inCookie + ofForeign, 403},
	{"POST|" + inField + ofForeign, 403},
	{"POST|X-HTTP-Method-Override: GET|" + inCookie + ofForeign, 403},
	{"POST|" + inCookie + "|Sec-Fetch-Site: same-site", 403},
	{"TRACE|" + inCookie + ofForeign, 403},
	{"GET|" + upgrade + inCookie + ofForeign, 403},
	{"GET|Upgrade: h2c|" + upgrade + inField + ofForeign, 403},
	{"GET|" + inCookie + ofForeign, 200},
	{"POST|" + inHeader + ofForeign, 200},
	{"OPTIONS|Access-Control-Request-Method: POST" + ofForeign, 401},
}

// Checklist part 2.7 and 2.8: with each framework, over a real connection, the
// answer is the same, and neither the log nor a refusal contains the token.
func TestHostileRequestsForSources(t *testing.T) {
	var logged bytes.Buffer
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{secret: {Subject: "alice"}}},
		Sources: []bearer.TokenSource{
			bearer.FromAuthorization(), bearer.FromHeader("Cf-Access-Jwt-Assertion"), bearer.FromCookie("__Host-token"),
			bearer.FromWebSocketProtocol("bearer.token."), bearer.FromFormBody(),
		},
		Logger: slog.New(slog.NewJSONHandler(&logged, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	served := func(w http.ResponseWriter, r *http.Request) {
		p, _ := bearer.FromContext(r.Context())
		_, _ = fmt.Fprint(w, "served ", p.Subject, r.Header["Sec-Websocket-Protocol"])
	}
	for name, mount := range frameworks {
		server := httptest.NewServer(mount(guard, served))
		for _, tt := range hostileRequests {
			status, cacheControl, body := send(t, server, tt.request)
			if status != tt.status || strings.HasPrefix(body, "served alice") != (status == 200) || strings.Contains(body, secret) {
				t.Errorf("%s: %s: %d %s; want %d", name, tt.request, status, body, tt.status)
			}
			if want := !strings.Contains(tt.request, inHeader); status == 200 && (cacheControl == "private") != want {
				t.Errorf("%s: %s: Cache-Control %q", name, tt.request, cacheControl)
			}
		}
		server.Close()
	}
	if strings.Contains(logged.String(), secret) {
		t.Errorf("the log contains the token: %s", &logged)
	}
}

// send writes a request as it is, and reads the answer.
func send(t *testing.T, server *httptest.Server, request string) (status int, cacheControl, body string) {
	t.Helper()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	method, fields, _ := strings.Cut(request, "|")
	lines := method + " /orders HTTP/1.1|Host: api.example.com|" + fields
	if !strings.Contains(lines, "||") {
		lines += "||"
	}
	if _, err := io.WriteString(connection, strings.ReplaceAll(lines, "|", "\r\n")); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return response.StatusCode, response.Header.Get("Cache-Control"), string(data)
}
