package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
)

// call finds the mutants of a call: its conditions and limits, and each operand
// of min and max is left out.
func (v *variants) call(node *ast.CallExpr) {
	if v.info.Types[node.Fun].IsType() || calledName(node) == "make" {
		return
	}
	v.bools(node, node.Args)
	name, builtin := node.Fun.(*ast.Ident)
	if !builtin || name.Name != "min" && name.Name != "max" || len(node.Args) != 2 || v.info.Types[node].Value != nil {
		return
	}
	if _, ok := v.info.Uses[name].(*types.Builtin); !ok {
		return
	}
	typ, named := v.typeName(v.info.TypeOf(node))
	if !named || !pure(node.Args[0]) || !pure(node.Args[1]) {
		return
	}
	for _, operand := range node.Args {
		v.add(place{node: node, around: node}, value, typ, v.raw(operand), v.raw(operand))
	}
}

// pure reports whether an expression may be evaluated twice.
func pure(e ast.Expr) bool {
	is := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			is = is && calledName(n) == "len"
		case *ast.FuncLit:
			is = false
		case *ast.UnaryExpr:
			is = is && n.Op != token.ARROW
		}
		return is
	})
	return is
}

// cases finds the mutants of a switch: each condition or value of a case is left
// out.
func (v *variants) cases(node *ast.SwitchStmt) {
	for _, s := range node.Body.List {
		clause := s.(*ast.CaseClause)
		for _, e := range clause.List {
			p := place{node: e, around: clause, until: clause.Colon}
			if node.Tag == nil {
				v.bool(p, true, true)
				continue
			}
			typ, named := v.typeName(v.info.TypeOf(node.Tag))
			if other, ok := unusual(v.info.TypeOf(node.Tag)); ok && named {
				v.add(p, value, typ, other, "_")
			}
		}
	}
}

// unusual returns a constant of the type that no switch has.
func unusual(typ types.Type) (string, bool) {
	basic, ok := typ.Underlying().(*types.Basic)
	switch {
	case !ok:
		return "", false
	case basic.Info()&types.IsString != 0:
		return `"\x00mutant"`, true
	case basic.Kind() == types.Uint8 || basic.Kind() == types.Uint16:
		return "255", true
	case basic.Kind() == types.Int8:
		return "-128", true
	case basic.Info()&types.IsInteger != 0:
		return "0x7ffffffe", true
	}
	return "", false
}

// typeCases finds the mutants of a switch over the types of a value of type any:
// each type is left out.
func (v *variants) typeCases(node *ast.TypeSwitchStmt) {
	var operand ast.Expr
	switch s := node.Assign.(type) {
	case *ast.ExprStmt:
		operand = s.X.(*ast.TypeAssertExpr).X
	case *ast.AssignStmt:
		operand = s.Rhs[0].(*ast.TypeAssertExpr).X
	}
	empty, ok := v.info.TypeOf(operand).Underlying().(*types.Interface)
	if !ok || !empty.Empty() {
		return
	}
	for _, s := range node.Body.List {
		for _, e := range s.(*ast.CaseClause).List {
			if v.info.Types[e].IsNil() {
				continue
			}
			typ := v.raw(e)
			v.add(place{node: operand, around: node, until: node.Body.Lbrace}, hidden, typ, typ, fmt.Sprintf("%s (no case %s)", v.raw(operand), typ))
		}
	}
}
