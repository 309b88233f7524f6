package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
)

// bool finds the mutants of a condition: it becomes true or false, where wanted,
// each operand of && and || is left out, and each boundary moves.
//
// A condition is not negated as well: a test that notices that the condition is
// always true, or always false, notices the negation.
func (v *variants) bool(p place, wantTrue, wantFalse bool) {
	e := p.node.(ast.Expr)
	known := v.info.Types[e]
	if basic, ok := known.Type.(*types.Basic); !ok || basic.Info()&types.IsBoolean == 0 {
		return
	}
	if known.Value != nil {
		v.literal(p, known.Value)
		return
	}
	if wantTrue {
		v.add(p, condition, "", "true", "true")
	}
	if wantFalse {
		v.add(p, condition, "", "false", "false")
	}
	inner := ast.Unparen(e)
	for {
		not, ok := inner.(*ast.UnaryExpr)
		if !ok || not.Op != token.NOT {
			break
		}
		inner = ast.Unparen(not.X)
	}
	binary, ok := inner.(*ast.BinaryExpr)
	if !ok {
		return
	}
	switch binary.Op {
	case token.LAND, token.LOR:
		for _, operand := range []ast.Expr{binary.X, binary.Y} {
			v.bool(place{node: operand, around: p.around, until: p.until}, binary.Op == token.LAND, binary.Op == token.LOR)
		}
	case token.LSS, token.LEQ, token.GTR, token.GEQ:
		v.boundary(place{node: binary, around: p.around, until: p.until}, binary)
	}
}

// literal inverts true or false, when it is written as such.
func (v *variants) literal(p place, known constant.Value) {
	if name, ok := p.node.(*ast.Ident); !ok || name.Name != "true" && name.Name != "false" {
		return
	}
	opposite := "true"
	if constant.BoolVal(known) {
		opposite = "false"
	}
	v.add(p, condition, "", opposite, opposite)
}

// boundary moves the boundary of a comparison by the smallest step, both ways.
func (v *variants) boundary(p place, binary *ast.BinaryExpr) {
	if v.neverNegative(binary) {
		return // with or without the boundary, it is true or false
	}
	moved := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[binary.Op]
	left, right := v.text(binary.X.Pos(), binary.X.End()), v.text(binary.Y.Pos(), binary.Y.End())
	v.add(p, condition, "", v.raw(binary.X)+" "+moved+" "+v.raw(binary.Y), left+" "+moved+" "+right)

	// For whole numbers, the other step is a limit that is larger or smaller by
	// one.
	step := map[token.Token]string{token.LSS: " - 1", token.LEQ: " + 1", token.GTR: " + 1", token.GEQ: " - 1"}[binary.Op]
	other := map[string]string{" - 1": " + 1", " + 1": " - 1"}[step]
	op := " " + binary.Op.String() + " "
	switch {
	case v.wholeConstant(binary.Y):
		v.add(p, condition, "", v.raw(binary.X)+op+"("+v.raw(binary.Y)+")"+step, left+op+right+step)
	case v.wholeConstant(binary.X):
		v.add(p, condition, "", "("+v.raw(binary.X)+")"+other+op+v.raw(binary.Y), left+other+op+right)
	}
}

// raw returns the source of an expression as it is.
func (v *variants) raw(e ast.Expr) string {
	start, end := v.files.Position(e.Pos()), v.files.Position(e.End())
	return string(v.texts[start.Filename][start.Offset:end.Offset])
}

// wholeConstant reports whether an expression is a constant whole number. A
// duration does not count: a nanosecond is no limit.
func (v *variants) wholeConstant(e ast.Expr) bool {
	known := v.info.Types[e]
	if known.Value == nil || known.Value.Kind() != constant.Int || known.Type == nil {
		return false
	}
	basic, ok := known.Type.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0 && known.Type.String() != "time.Duration"
}

// neverNegative reports whether a comparison is of a length with zero.
func (v *variants) neverNegative(binary *ast.BinaryExpr) bool {
	length, ok := ast.Unparen(binary.X).(*ast.CallExpr)
	if !ok || calledName(length) != "len" || binary.Op != token.GTR {
		return false
	}
	known := v.info.Types[binary.Y].Value
	return known != nil && constant.Sign(known) == 0
}

// limitName matches the names of limits. Other constants number things, such as
// claims or the status codes of HTTP.
var limitName = regexp.MustCompile(`^(max|Max|min|Min|default|Default)[A-Z]`)

// limit moves a limit, which is not compared here, by one.
func (v *variants) limit(p place) {
	e := p.node.(ast.Expr)
	if !v.wholeConstant(e) {
		return
	}
	named := false
	ast.Inspect(e, func(n ast.Node) bool {
		name, ok := n.(*ast.Ident)
		named = named || ok && limitName.MatchString(name.Name)
		return true
	})
	if !named {
		return
	}
	basic, ok := v.info.TypeOf(e).(*types.Basic)
	if !ok { // a named type is an enumeration
		return
	}
	typ := types.Default(basic).String()
	for _, step := range []string{" + 1", " - 1"} {
		v.add(p, value, typ, "("+v.raw(e)+")"+step, v.raw(e)+step)
	}
}
