package bearerkit_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The limits of CONTRIBUTING.md. Code that reads well seldom meets them.
const (
	maxFileLines     = 300
	maxModelLines    = 120 // of a file of module models, since a model must be obvious
	maxFunctionLines = 60
	maxBranches      = 15
	maxSameType      = 4 // parameters of one type, which callers may swap unseen
)

// repositoryFiles returns the paths of the files of all modules with one of the
// extensions. It does not need git, since a released module has none.
func repositoryFiles(t *testing.T, extensions ...string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "node_modules" || name == "testdata" || len(name) > 1 && name[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.Contains(extensions, filepath.Ext(name)) {
			paths = append(paths, filepath.ToSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestCodeStaysWithinTheLimits(t *testing.T) {
	files := token.NewFileSet()
	checked := 0
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		limit := maxFileLines
		if filepath.Dir(path) == "models" {
			limit = maxModelLines
		}
		if lines := files.File(file.Pos()).LineCount(); lines > limit {
			t.Errorf("%s has %d lines, want at most %d", path, lines, limit)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			at := files.Position(f.Pos())
			if lines := files.Position(f.End()).Line - at.Line + 1; lines > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, want at most %d", at, f.Name.Name, lines, maxFunctionLines)
			}
			if n := branches(f); n > maxBranches {
				t.Errorf("%s: %s has %d branches, want at most %d", at, f.Name.Name, n, maxBranches)
			}
			for typ, n := range parameterTypes(f) {
				if n > maxSameType {
					t.Errorf("%s: %s has %d parameters of type %s, want at most %d", at, f.Name.Name, n, typ, maxSameType)
				}
			}
		}
	}
	if checked < 200 {
		t.Errorf("only %d files were checked", checked)
	}
}

// branches counts the places where f may go one way or another.
func branches(f *ast.FuncDecl) (n int) {
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.CommClause:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		}
		return true
	})
	return n
}

// parameterTypes counts the parameters of f by their type.
func parameterTypes(f *ast.FuncDecl) map[string]int {
	counts := map[string]int{}
	for _, field := range f.Type.Params.List {
		counts[typeText(field.Type)] += max(len(field.Names), 1)
	}
	return counts
}

// typeText returns the source of a type, without its inner fields and methods.
func typeText(typ ast.Expr) string {
	switch typ := typ.(type) {
	case *ast.Ident:
		return typ.Name
	case *ast.StarExpr:
		return "*" + typeText(typ.X)
	case *ast.SelectorExpr:
		return typeText(typ.X) + "." + typ.Sel.Name
	case *ast.ArrayType:
		return "[]" + typeText(typ.Elt)
	case *ast.Ellipsis:
		return "..." + typeText(typ.Elt)
	case *ast.FuncType:
		return "func"
	}
	return "another type"
}
