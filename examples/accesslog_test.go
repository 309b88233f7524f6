package examples_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v5"

	"github.com/bearerkit/bearerkit/adapters/bearerecho5"
	"github.com/bearerkit/bearerkit/adapters/bearergin"
	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/scope"
)

// The access logs of docs/answers.md.

func accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, outcome := bearer.WithOutcome(r.Context())
		r, answer := r.WithContext(ctx), &recorder{w, http.StatusOK}
		next.ServeHTTP(answer, r)
		p, _ := outcome.Principal()     // zero: anonymous, refused, or no guard was involved
		refusal, _ := outcome.Refusal() // zero: not refused
		slog.InfoContext(ctx, "request", "method", r.Method, "route", r.Pattern, "status", answer.status,
			"user", p.Subject, "refused", refusal.Code, "request_id", refusal.RequestID)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int)      { r.status = status; r.ResponseWriter.WriteHeader(status) }
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func accessLogEcho(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c *echo.Context) error {
		ctx, outcome := bearer.WithOutcome(c.Request().Context())
		c.SetRequest(c.Request().WithContext(ctx))
		err := next(c)
		_, status := echo.ResolveResponseStatus(c.Response(), err)
		p, _ := outcome.Principal()
		refusal, _ := outcome.Refusal()
		slog.InfoContext(ctx, "request", "method", c.Request().Method, "route", c.Path(), "status", status,
			"user", p.Subject, "refused", refusal.Code, "request_id", refusal.RequestID)
		return err
	}
}

func accessLogGin(c *gin.Context) {
	ctx, outcome := bearer.WithOutcome(c.Request.Context())
	c.Request = c.Request.WithContext(ctx)
	c.Next()
	p, _ := outcome.Principal()
	refusal, _ := outcome.Refusal()
	slog.InfoContext(ctx, "request", "method", c.Request.Method, "route", c.FullPath(), "status", c.Writer.Status(),
		"user", p.Subject, "refused", refusal.Code, "request_id", refusal.RequestID)
}

// Reports L12: an access log outside the guard knows the method, the route, the
// status, the user and the refusal.
func TestAccessLog(t *testing.T) {
	guard, err := bearer.New(bearer.Config{
		Verifiers: []bearer.Verifier{bearertest.Principals{
			"alice": {Subject: "alice", Scopes: scope.Of("read")}, "bob": {Subject: "bob"},
		}},
		RequestID: func(*http.Request) string { return "7f3a" },
	})
	if err != nil {
		t.Fatal(err)
	}
	read := scope.All("read")
	apis := map[string]func() http.Handler{
		"{id}": func() http.Handler {
			mux := http.NewServeMux()
			mux.Handle("POST /things/{id}", bearerhttp.Optional(guard, read)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) })))
			return accessLog(mux)
		},
		":id": func() http.Handler {
			e := echo.New()
			e.Use(accessLogEcho)
			e.POST("/things/:id", func(c *echo.Context) error { return c.NoContent(201) }, bearerecho5.Optional(guard, read))
			return e
		},
		":id, Gin": func() http.Handler {
			gin.SetMode(gin.ReleaseMode)
			engine := gin.New()
			engine.Use(accessLogGin)
			engine.POST("/things/:id", bearergin.Optional(guard, read), func(c *gin.Context) { c.Status(201) })
			return engine
		},
	}
	for name, api := range apis {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			before := slog.Default()
			slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
			defer slog.SetDefault(before)
			handler := api()
			for _, token := range []string{"alice", "bob", "forged", ""} {
				r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/things/7", nil)
				if token != "" {
					r.Header.Set("Authorization", "Bearer "+token)
				}
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
			id, _, _ := strings.Cut(name, ",")
			got := regexp.MustCompile(`(?m)^.* msg=request `).ReplaceAllString(log.String(), "")
			route := "route=/things/" + id
			if id == "{id}" {
				route = `route="POST /things/{id}"`
			}
			want := strings.ReplaceAll(`method=POST R status=201 user=alice refused="" request_id=""
method=POST R status=403 user="" refused=insufficient_scope request_id=7f3a
method=POST R status=401 user="" refused=invalid_token request_id=7f3a
method=POST R status=201 user="" refused="" request_id=""
`, "R", route)
			if got != want {
				t.Errorf("the log is\n%swant\n%s", got, want)
			}
		})
	}
}
