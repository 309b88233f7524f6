// Package bearerkit_test holds what is true of the module as a whole.
package bearerkit_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	module      = "github.com/bearerkit/bearerkit"
	jsonPackage = "github.com/go-json-experiment/json"
	jwx         = "github.com/lestrrat-go/jwx"
	oauth2      = "golang.org/x/oauth2"
)

// packageMap is the package map of the design: what each package may import
// beyond the standard library. An entry that ends in /... is a whole tree.
var packageMap = map[string][]string{
	"scope":                  nil,
	"bearer":                 {"scope", "internal/handover", "internal/nilcheck", "internal/pointer", "internal/redact", "internal/strictjson", "internal/weburl", jsonPackage + "/..."},
	"jwks":                   {"bearer", "scope", "internal/...", jsonPackage + "/..."},
	"introspect":             {"bearer", "scope", "jwks", "internal/...", jsonPackage + "/...", oauth2 + "/...", "github.com/maypok86/otter/v2"},
	"denylist":               {"bearer", "internal/nilcheck", "internal/redact", "internal/strictjson", "internal/weburl"},
	"denylist/denylisttest":  {"bearer", "denylist"},
	"compliance":             {"bearer", "dpop", "introspect", "jwks", "resource"},
	"dpop":                   {"bearer", "internal/...", jsonPackage + "/..."},
	"resource":               {"bearer", "scope", "internal/fetch", "internal/strictjson", "internal/weburl", jsonPackage + "/..."},
	"bearer/bearertest":      {"bearer", "scope", "jwks", "introspect", "dpop", "resource", "internal/...", jsonPackage + "/..."},
	"adapters/bearerhttp":    {"bearer", "scope"},
	"adapters/bearerecho":    {"bearer", "scope", "github.com/labstack/echo/..."},
	"adapters/bearergin":     {"bearer", "scope", "github.com/gin-gonic/gin"},
	"internal/fetch":         {"internal/weburl"},
	"internal/weburl":        nil,
	"internal/handover":      nil,
	"internal/rpcerror":      {"bearer"},
	"client":                 {"bearer", "scope", "dpop", "internal/...", jsonPackage + "/...", oauth2 + "/..."},
	"internal/nilcheck":      nil,
	"internal/redact":        {"internal/weburl", jsonPackage + "/..."},
	"internal/nettest":       nil,
	"internal/adaptertest":   {"bearer", "bearer/bearertest", "scope"},
	"internal/credential":    nil,
	"internal/conform":       {"internal/jose", jsonPackage + "/..."},
	"internal/strictjson":    {jsonPackage + "/..."},
	"internal/pointer":       {"internal/strictjson", "internal/weburl"},
	"internal/known":         nil,
	"internal/tokencache":    nil,
	"internal/counters":      nil,
	"internal/jose":          {"internal/known", "internal/strictjson", jsonPackage + "/...", jwx + "/..."},
	"internal/throttle":      nil,
	"internal/setting":       nil,
	"internal/discovery":     {"internal/fetch", "internal/strictjson", jsonPackage + "/..."},
	"internal/claims":        {"bearer", "scope", "internal/jose", "internal/pointer", "internal/strictjson", "internal/throttle"},
	"internal/keysource":     {"internal/..."},
	"internal/tokenendpoint": {"internal/fetch", "internal/jose", "internal/strictjson", jsonPackage + "/...", oauth2},
}

type goPackage struct {
	ImportPath                         string
	Standard                           bool
	Imports, TestImports, XTestImports []string
	Module                             *struct{ Path string }
}

// goList runs go list, which knows build tags and modules as no parser does.
func goList(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json=ImportPath,Standard,Imports,TestImports,XTestImports,Module"}, args...)...).Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		switch err := dec.Decode(&p); {
		case err == io.EOF:
			return list
		case err != nil:
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// isStandard reports whether a path is of the standard library, whose first
// element has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// inModule returns the path of a package within this module.
func inModule(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

func mayImport(allowed []string, path string) bool {
	if isStandard(path) {
		return true
	}
	if in, ok := inModule(path); ok {
		path = in
	}
	return slices.ContainsFunc(allowed, func(entry string) bool {
		tree, isTree := strings.CutSuffix(entry, "/...")
		return path == tree || isTree && strings.HasPrefix(path, tree+"/")
	})
}

func TestPackagesImportWhatTheMapAllows(t *testing.T) {
	for _, p := range goList(t, "./...") {
		in, ok := inModule(p.ImportPath)
		if !ok || in == "." {
			continue
		}
		allowed, known := packageMap[in]
		if !known {
			t.Errorf("%s has no row in the package map", in)
			continue
		}
		for _, path := range p.Imports {
			if !mayImport(allowed, path) {
				t.Errorf("%s imports %s", in, path)
			}
		}
		// A test may use every package of the module, and brings in nothing
		// else that go.mod would have to name.
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if _, own := inModule(path); !own && !mayImport(allowed, path) {
				t.Errorf("a test of %s imports %s", in, path)
			}
		}
	}
}

func TestOnlyJoseImportsJWX(t *testing.T) {
	for _, p := range goList(t, "./...") {
		in, _ := inModule(p.ImportPath)
		for _, path := range p.Imports {
			if strings.HasPrefix(path, jwx) && in != "internal/jose" {
				t.Errorf("%s imports %s", in, path)
			}
		}
	}
}

// What a program downloads and links for the heart of the module.
func TestDependenciesOfTheHeart(t *testing.T) {
	for _, tt := range []struct {
		packages []string
		allowed  []string
	}{
		{[]string{"scope"}, []string{"scope"}},
		{[]string{"bearer", "scope", "adapters/bearerhttp"}, []string{"bearer", "scope", "internal/handover", "internal/nilcheck", "internal/pointer", "internal/redact", "internal/strictjson", "internal/weburl", "adapters/bearerhttp", jsonPackage + "/..."}},
	} {
		args := []string{"-deps"}
		for _, p := range tt.packages {
			args = append(args, module+"/"+p)
		}
		for _, p := range goList(t, args...) {
			if !p.Standard && !mayImport(tt.allowed, p.ImportPath) {
				t.Errorf("%v depend on %s", tt.packages, p.ImportPath)
			}
		}
	}
}

// jwks adds jwx and what jwx itself needs, and nothing of a framework.
func TestDependenciesOfJWKS(t *testing.T) {
	ofJWX := map[string]bool{}
	for _, p := range goList(t, "-deps", jwx+"/v2/jwk") {
		if p.Module != nil {
			ofJWX[p.Module.Path] = true
		}
	}
	for _, p := range goList(t, "-deps", module+"/jwks") {
		_, own := inModule(p.ImportPath)
		if !p.Standard && !own && !mayImport([]string{jsonPackage + "/..."}, p.ImportPath) && !ofJWX[p.Module.Path] {
			t.Errorf("jwks depends on %s", p.ImportPath)
		}
	}
}

// The test kit may be used in a program, which then has no testing flags.
func TestTestKitDoesNotImportTesting(t *testing.T) {
	for _, p := range goList(t, "-deps", module+"/bearer/bearertest") {
		if p.ImportPath == "testing" || p.ImportPath == "net/http/httptest" || p.ImportPath == "flag" {
			t.Errorf("bearertest depends on %s", p.ImportPath)
		}
	}
}

// encoding/json takes duplicate names, folds their case and replaces invalid
// UTF-8, so it never reads what comes from outside.
func TestNobodyReadsByEncodingJSON(t *testing.T) {
	for _, p := range goList(t, "./...") {
		in, _ := inModule(p.ImportPath)
		if in != "internal/jose" && slices.Contains(p.Imports, "encoding/json") { // jwx's keys are written by it there
			t.Errorf("%s imports encoding/json", in)
		}
	}
}
