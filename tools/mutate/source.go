package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// listed is what go list tells about a package.
type listed struct {
	ImportPath, Dir, Export            string
	GoFiles, TestGoFiles               []string
	XTestGoFiles                       []string
	Imports, TestImports, XTestImports []string
	ForTest                            string
}

// source is a package with its syntax and its types.
type source struct {
	listed
	files *token.FileSet
	trees map[string]*ast.File // by name
	texts map[string][]byte
	info  *types.Info
	types *types.Package
}

// goList runs go list in the module's folder.
func goList(module string, args ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Export,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,ForTest"}, args...)...)
	cmd.Dir, cmd.Env = module, environment()
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w\n%s", strings.Join(args, " "), err, problems.String())
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

// environment is that of the go command: each module by itself, as its users
// build it.
func environment() []string { return append(os.Environ(), "GOWORK=off") }

// load parses and checks a package of the module in the folder.
func load(module, pattern string) (*source, error) {
	packages, err := goList(module, "-export", "-deps", pattern)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range packages {
		exports[p.ImportPath] = p.Export
	}
	s := &source{
		listed: packages[len(packages)-1],
		files:  token.NewFileSet(),
		trees:  map[string]*ast.File{},
		texts:  map[string][]byte{},
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{},
			Defs:  map[*ast.Ident]types.Object{},
			Uses:  map[*ast.Ident]types.Object{},
		},
	}
	var trees []*ast.File
	for _, name := range s.GoFiles {
		text, err := os.ReadFile(filepath.Join(s.Dir, name))
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(s.files, name, text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		s.trees[name], s.texts[name], trees = tree, text, append(trees, tree)
	}
	open := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %q", path)
		}
		return os.Open(exports[path])
	}
	checker := types.Config{Importer: importer.ForCompiler(s.files, "gc", open)}
	s.types, err = checker.Check(s.ImportPath, s.files, trees, s.info)
	return s, err
}

// importers returns those packages of the module whose code or tests import the
// package.
func importers(module, pattern string, of *source) ([]listed, error) {
	packages, err := goList(module, pattern)
	if err != nil {
		return nil, err
	}
	var found []listed
	for _, p := range packages {
		uses := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
		hasTests := len(p.TestGoFiles)+len(p.XTestGoFiles) > 0
		if hasTests && p.ImportPath != of.ImportPath && slices.Contains(uses, of.ImportPath) {
			found = append(found, p)
		}
	}
	return found, nil
}

// text returns the source between two positions, on one line.
func (s *source) text(from, to token.Pos) string {
	start, end := s.files.Position(from), s.files.Position(to)
	return oneLine(string(s.texts[start.Filename][start.Offset:end.Offset]))
}

// oneLine replaces line breaks and tabs by single spaces.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
