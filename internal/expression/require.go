package expression

import (
	"slices"

	"github.com/expr-lang/expr/ast"
)

// requirements maps the fields that a condition compares with literal texts to
// the texts of which each must have one for the condition to be true: both
// sides of an `and` add theirs, and an `or` needs what both its sides need.
func requirements(n ast.Node) map[string][]string {
	b, ok := n.(*ast.BinaryNode)
	if !ok {
		return nil
	}
	switch b.Operator {
	case "&&", "and":
		both := requirements(b.Left)
		for field, values := range requirements(b.Right) {
			if _, known := both[field]; !known {
				if both == nil {
					both = map[string][]string{}
				}
				both[field] = values
			}
		}
		return both
	case "||", "or":
		left, right := requirements(b.Left), requirements(b.Right)
		either := map[string][]string{}
		for field, values := range left {
			if others, both := right[field]; both {
				either[field] = slices.Concat(values, others)
			}
		}
		return either
	case "==":
		if s, ok := b.Left.(*ast.StringNode); ok {
			return requirement(b.Right, s.Value)
		}
		if s, ok := b.Right.(*ast.StringNode); ok {
			return requirement(b.Left, s.Value)
		}
	case "in":
		if values, ok := literals(b.Right); ok {
			return requirement(b.Left, values...)
		}
	}
	return nil
}

func requirement(field ast.Node, values ...string) map[string][]string {
	if name := dotted(field); name != "" {
		return map[string][]string{name: values}
	}
	return nil
}

// literals are the items of a list of nothing but texts.
func literals(n ast.Node) ([]string, bool) {
	array, ok := n.(*ast.ArrayNode)
	if !ok {
		return nil, false
	}
	values := make([]string, 0, len(array.Nodes))
	for _, item := range array.Nodes {
		s, ok := item.(*ast.StringNode)
		if !ok {
			return nil, false
		}
		values = append(values, s.Value)
	}
	return values, true
}

// dotted is the name of a field such as event.action; "" for anything else.
func dotted(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		property, ok := n.Property.(*ast.StringNode)
		if base := dotted(n.Node); ok && base != "" {
			return base + "." + property.Value
		}
	}
	return ""
}
