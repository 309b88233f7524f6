package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// knownImports are the packages that blocks on the pages use, by name.
var knownImports = map[string]string{
	"bearer": self, "jwks": self, "introspect": self, "scope": self, "dpop": self, "resource": self, "denylist": self, "compliance": self, "client": self,
	"bearertest": self + "bearer/", "denylisttest": self + "denylist/", "bearerhttp": self + "adapters/", "bearergin": self + "adapters/",
	"bearerconnect": self + "adapters/", "bearergrpc": self + "adapters/", "bearerecho": self + "adapters/", "bearerecho5": self + "adapters/", "bearerotel": self + "adapters/", "bearermcp": self + "adapters/", "bearerredis": self + "adapters/",
	"redistest": self + "adapters/bearerredis/",
	"gin":       "github.com/gin-gonic/", "huma": "github.com/danielgtaylor/huma/v2", "chi": "github.com/go-chi/chi/v5", "cors": "github.com/rs/",
	"mcp": "github.com/modelcontextprotocol/go-sdk/", "oauth2": "golang.org/x/", "redis": "github.com/redis/go-redis/v9",
	"connect": "connectrpc.com/", "emptypb": "google.golang.org/protobuf/types/known/", "wrapperspb": "google.golang.org/protobuf/types/known/",
	"grpc": "google.golang.org/", "codes": "google.golang.org/grpc/", "status": "google.golang.org/grpc/",
	"credentials": "google.golang.org/grpc/", "insecure": "google.golang.org/grpc/credentials/", "oauth": "google.golang.org/grpc/credentials/",
	"health": "google.golang.org/grpc/", "healthpb": "google.golang.org/grpc/health/grpc_health_v1",
	"humago": "github.com/danielgtaylor/huma/v2/adapters/",
	"http":   "net/", "httptest": "net/http/", "netip": "net/", "url": "net/", "slog": "log/", "json": "encoding/", "tls": "crypto/", "ecdsa": "crypto/", "elliptic": "crypto/", "rand": "crypto/", "strconv": "", "x509": "crypto/",
	"signal": "os/", "synctest": "testing/", "cmp": "", "context": "", "errors": "", "expvar": "", "fmt": "", "io": "", "log": "", "maps": "",
	"net": "", "os": "", "slices": "", "strings": "", "sync": "", "syscall": "", "testing": "", "time": "",
}

const self = "github.com/bearerkit/bearerkit/"

// echoes are the versions of Echo. A block is written for one of them.
var echoes = []string{"github.com/labstack/echo/v5", "github.com/labstack/echo/v4"}

// Every block of Go on the pages compiles: a program, declarations, statements, or
// fields of a configuration. Names in lower case that a block does not declare are
// the reader's own. A block that is not meant to compile is not marked as Go.
func TestEveryGoBlockCompiles(t *testing.T) {
	c := newCompiler(t)
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("../adapters/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(append(pages, more...), "../README.md", "README.md", "../CHANGELOG.md", "../SECURITY.md")
	blocks := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^```go\n(.*?)^```").FindAllStringSubmatchIndex(string(text), -1) {
			blocks++
			code := string(text[block[2]:block[3]])
			if err := c.compile(code); err != nil {
				t.Errorf("%s:%d: %v\n%s", page, strings.Count(string(text[:block[2]]), "\n")+1, err, code)
			}
		}
	}
	if blocks < 100 {
		t.Errorf("only %d blocks were checked", blocks)
	}
}

// The check finds what it is for.
func TestBlocksThatDoNotCompile(t *testing.T) {
	c := newCompiler(t)
	for code, want := range map[string]string{
		`guard, err := bearer.New(bearer.Config{Verifier: tokens})`: "unknown field Verifier",
		`jwks.Issuer{URL: 5}`:                                "cannot use 5",
		`mux.Handle("GET /", bearerhttp.Requires(guard))`:    "undefined: bearerhttp.Requires",
		`Audience: []int{1},`:                                "cannot use",
		`func f() int { return "x" }`:                        "cannot use",
		"a := 1\na := 2":                                     "no new variables",
		`x := Unknown`:                                       "undefined: Unknown",
		`if tokens {`:                                        "expected",
		`err := tokens.Ready(); var s string = 1`:            "cannot use 1",
		"package main\n\nfunc main() { undeclared() }\n":     "undefined: undeclared",
		"package main\n\nimport \"net/http\"\nfunc main(){}": `"net/http" imported and not used`,
	} {
		if err := c.compile(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", code, err, want)
		}
	}
}

// compiler checks blocks against the packages of this module.
type compiler struct {
	files    *token.FileSet
	importer types.Importer
}

// newCompiler builds the export data of all known packages.
func newCompiler(t *testing.T) *compiler {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export"}
	args = append(args, slices.Sorted(maps.Keys(importPaths(echoes[0])))...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, echoes[1], "golang.org/x/oauth2/clientcredentials", "github.com/go-json-experiment/json")...)
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v\n%s", err, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct{ ImportPath, Export string }
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
	}
	files := token.NewFileSet()
	return &compiler{files, importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("package %q is not known to this test", path)
		}
		return os.Open(exports[path])
	})}
}

// importPaths returns the known packages: names by path.
func importPaths(echo string) map[string]string {
	names := map[string]string{echo: "echo"}
	for name, path := range knownImports {
		if path == "" || strings.HasSuffix(path, "/") {
			path += name
		}
		names[path] = name
	}
	return names
}

// literals are the configurations that fields on a page may belong to.
var literals = []string{
	"bearer.Config", "jwks.Issuer", "jwks.Config", "introspect.Config", "dpop.Config", "resource.Config", "bearer.RouteConfig", "http.Server",
}

// An ellipsis stands for code of the reader: alone on a line, or in place of an
// expression.
var (
	omittedLine = regexp.MustCompile(`(?m)^\s*…$`)
	omitted     = regexp.MustCompile(`([\s{(,])…`)
)

// compile returns why a block does not compile, in the form that fits it best.
func (c *compiler) compile(block string) error {
	if strings.HasPrefix(block, "package ") {
		return c.check(block, false)
	}
	block = omitted.ReplaceAllString(omittedLine.ReplaceAllString(block, ""), "${1}omitted")
	forms := []string{block, "func _() {\n" + block + "\n}"}
	for _, literal := range literals {
		forms = append(forms, "var _ = "+literal+"{\n"+block+"\n}")
	}
	var reason error
	for _, form := range forms {
		for _, echo := range echoes {
			err := c.check("package page\n\n"+c.imports(form, echo)+form+"\n", true)
			if err == nil {
				return nil
			}
			if reason == nil || telling(err) > telling(reason) {
				reason = err
			}
		}
	}
	return reason
}

// telling ranks errors by how far a form fits a block.
func telling(err error) int {
	switch {
	case !errors.As(err, new(types.Error)):
		return 0 // the parser's
	case strings.Contains(err.Error(), "unknown field"):
		return 1
	}
	return 2
}

// uses are the expressions that find known packages in a block, by name.
var uses = func() map[string]*regexp.Regexp {
	all := map[string]*regexp.Regexp{}
	for _, name := range importPaths(echoes[0]) {
		all[name] = regexp.MustCompile(`(^|[^\w.)])` + name + `\.[A-Z]`)
	}
	return all
}()

// imports returns declarations that import what a block seems to use.
func (c *compiler) imports(block, echo string) string {
	var b strings.Builder
	for path, name := range importPaths(echo) {
		if uses[name].MatchString(block) {
			fmt.Fprintf(&b, "import %s %q\n", name, path)
		}
	}
	return b.String()
}

// undefined matches the error about a name that a block does not declare.
var undefined = regexp.MustCompile(`^undefined: (\w+)$`)

// check returns the first error of a file. In a fragment, some are none.
func (c *compiler) check(source string, fragment bool) error {
	file, err := parser.ParseFile(c.files, "block.go", source, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var first error
	config := types.Config{Importer: c.importer, Error: func(err error) {
		if e := (types.Error{}); fragment && errors.As(err, &e) && tolerated(e) {
			return
		}
		if first == nil {
			first = err
		}
	}}
	_, _ = config.Check("page", c.files, []*ast.File{file}, nil)
	return first
}

// tolerated reports errors that a fragment may have: what it does not use, and the
// reader's own names and results.
func tolerated(e types.Error) bool {
	if m := undefined.FindStringSubmatch(e.Msg); m != nil {
		return unicode.IsLower(rune(m[1][0])) && knownImports[m[1]] == "" && m[1] != "echo"
	}
	unused := e.Soft && !strings.HasPrefix(e.Msg, "no new variables")
	return unused || strings.HasSuffix(e.Msg, "is not used") || strings.HasPrefix(e.Msg, "too many return values")
}
