package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
)

// find returns all mutants of the package.
func find(s *source) *variants {
	v := &variants{source: s, sites: map[string][]*site{}, seen: map[string]int{}}
	for _, name := range s.GoFiles {
		tree := s.trees[name]
		v.file, v.imports = name, importNames(tree, s.types)
		for _, d := range tree.Decls {
			v.declaration = v.text(d.Pos(), d.End())
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Body != nil {
					v.function = functionName(d)
					signature := s.info.Defs[d.Name].Type().(*types.Signature)
					v.walk(d.Body, signature)
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR {
					v.function = "var"
					v.walk(d, nil)
				}
			}
		}
	}
	return v
}

// functionName is the name of a function, or of a method with its receiver.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	switch generic := typ.(type) {
	case *ast.IndexExpr:
		typ = generic.X
	case *ast.IndexListExpr:
		typ = generic.X
	}
	return typ.(*ast.Ident).Name + "." + d.Name.Name
}

// importNames returns the names that a file gives to its imports.
func importNames(tree *ast.File, of *types.Package) map[string]string {
	names := map[string]string{}
	for _, spec := range tree.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name != nil {
			names[path] = spec.Name.Name
			continue
		}
		for _, imported := range of.Imports() {
			if imported.Path() == path {
				names[path] = imported.Name()
			}
		}
	}
	return names
}

// walk finds the mutants in a function with the signature.
func (v *variants) walk(root ast.Node, signature *types.Signature) {
	ast.Inspect(root, func(node ast.Node) bool {
		v.statements(statements(node))
		switch node := node.(type) {
		case *ast.FuncLit:
			v.walk(node.Body, v.info.TypeOf(node).(*types.Signature))
			return false
		case *ast.GenDecl:
			return node.Tok != token.CONST
		case *ast.IfStmt:
			v.bool(place{node: node.Cond, around: node.Cond}, true, true)
		case *ast.ForStmt:
			if node.Cond != nil {
				v.bool(place{node: node.Cond, around: node.Cond}, false, true)
			}
		case *ast.ReturnStmt:
			v.results(node, signature)
		case *ast.AssignStmt:
			v.bools(node, node.Rhs)
		case *ast.ValueSpec:
			v.bools(node, node.Values)
		case *ast.CallExpr:
			v.call(node)
		case *ast.CompositeLit:
			for _, element := range node.Elts {
				if pair, ok := element.(*ast.KeyValueExpr); ok {
					v.bools(pair, []ast.Expr{pair.Value})
				}
			}
		case *ast.SwitchStmt:
			v.cases(node)
		case *ast.TypeSwitchStmt:
			v.typeCases(node)
		}
		return true
	})
}

// bools finds the mutants of those expressions that are conditions or limits.
func (v *variants) bools(around ast.Node, expressions []ast.Expr) {
	for _, e := range expressions {
		p := place{node: e, around: around}
		if v.long(around) {
			p.around = e
		}
		v.bool(p, true, true)
		v.limit(p)
	}
}

// long reports whether a node is too long to describe its parts.
func (v *variants) long(node ast.Node) bool { return len(v.text(node.Pos(), node.End())) > 200 }

// results finds the mutants of a return statement: conditions are inverted, and
// errors are forgotten.
func (v *variants) results(node *ast.ReturnStmt, signature *types.Signature) {
	if signature == nil || signature.Results().Len() != len(node.Results) {
		return
	}
	last := len(node.Results) - 1
	if last > 0 && isError(signature.Results().At(last).Type()) && !v.info.Types[node.Results[last]].IsNil() {
		v.bools(node, node.Results[last:]) // the other results do not matter
	} else {
		v.bools(node, node.Results)
	}
	for i, result := range node.Results {
		typ := signature.Results().At(i).Type()
		name, named := v.typeName(typ)
		if !named || !isError(typ) || v.info.Types[result].IsNil() {
			continue
		}
		p := place{node: result, around: node}
		if v.long(node) {
			p.around = result
		}
		v.add(p, value, name, "nil", "nil")
	}
}

// isError reports whether nil of this type means that nothing is wrong.
func isError(typ types.Type) bool {
	switch typ.Underlying().(type) {
	case *types.Interface, *types.Pointer:
		errorType := types.Universe.Lookup("error").Type().Underlying().(*types.Interface)
		return types.Implements(typ, errorType)
	}
	return false
}

// unchecked are methods without which a program only hangs, leaks or is silent:
// leaving out their calls removes no check.
var unchecked = []string{
	"Lock", "Unlock", "RLock", "RUnlock", "Done", "Wait", "Stop", "Close", "close", "panic", "print", "println",
	"Debug", "Info", "Warn", "Error", "Log", "LogAttrs", "Grow", "Helper",
}

// statements returns the statements directly below a node.
func statements(node ast.Node) []ast.Stmt {
	switch node := node.(type) {
	case *ast.BlockStmt:
		return node.List
	case *ast.CaseClause:
		return node.Body
	case *ast.CommClause:
		return node.Body
	}
	return nil
}

// statements finds calls whose results nobody uses.
func (v *variants) statements(list []ast.Stmt) {
	for _, s := range list {
		expression, ok := s.(*ast.ExprStmt)
		if !ok {
			continue
		}
		call, ok := expression.X.(*ast.CallExpr)
		if !ok || slices.Contains(unchecked, calledName(call)) {
			continue
		}
		v.add(place{node: s, around: s}, statement, "", "", "_")
	}
}

// calledName returns the last part of the name of a called function.
func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// typeName returns how the current file may write a type.
func (v *variants) typeName(typ types.Type) (string, bool) {
	known := true
	name := types.TypeString(typ, func(p *types.Package) string {
		if p == v.types {
			return ""
		}
		name, ok := v.imports[p.Path()]
		known = known && ok
		return name
	})
	return name, known
}
