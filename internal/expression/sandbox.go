package expression

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
)

// maxErrors bounds the errors told of one expression.
const maxErrors = 10

// operators are the binary operators that an expression may use. The range
// (1..9) would make loops of any length, and powers are nobody's condition.
var operators = []string{
	"==", "!=", "<", "<=", ">", ">=", "and", "&&", "or", "||", "??",
	"in", "contains", "startsWith", "endsWith", "matches",
	"+", "-", "*", "/", "%",
}

// sandbox walks a syntax tree, refuses what is not on its lists, resolves
// every name against the environment, and collects what it finds. It goes
// before expr's own checker because it knows what the author meant.
type sandbox struct {
	text
	env      reflect.Type
	fields   map[string]bool // environment fields used
	networks networks        // literal networks used
	inside   string          // the predicate function whose condition is walked
	errs     []error
}

func (s *sandbox) fail(n ast.Node, format string, args ...any) {
	if len(s.errs) < maxErrors {
		s.errs = append(s.errs, s.text.fail(position(n), format, args...))
	}
}

// names lists the fields used, sorted.
func (s *sandbox) names() []string { return slices.Sorted(maps.Keys(s.fields)) }

// expression walks a whole expression.
func (s *sandbox) expression(n ast.Node, want Want) {
	if want == Bool {
		s.condition(n)
	} else {
		s.value(n)
	}
}

// value walks any part of an expression and returns what is known of its type.
func (s *sandbox) value(n ast.Node) field {
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.PointerNode:
		return field{}
	case *ast.IdentifierNode, *ast.MemberNode:
		return s.use(n)
	case *ast.ChainNode:
		return s.value(n.Node)
	case *ast.UnaryNode:
		s.unary(n)
	case *ast.BinaryNode:
		s.binary(n)
	case *ast.ConditionalNode:
		s.condition(n.Cond)
		s.value(n.Exp1)
		s.value(n.Exp2)
	case *ast.ArrayNode:
		for _, item := range n.Nodes {
			s.value(item)
		}
	case *ast.BuiltinNode:
		s.builtin(n)
	case *ast.CallNode:
		s.call(n)
	default:
		s.fail(n, "%s cannot be used in an expression", describe(n))
	}
	return field{}
}

// condition walks what must be true or false. A text there is most often a
// flag that its author took for a boolean.
func (s *sandbox) condition(n ast.Node) {
	before := len(s.errs)
	if f := s.value(n); f.isText() && len(s.errs) == before {
		s.fail(n, "%s is a text, not true or false; compare it: %s == %q", f.path, f.path, f.example())
	}
}

func (s *sandbox) unary(n *ast.UnaryNode) {
	switch n.Operator {
	case "not", "!":
		s.condition(n.Node)
	default:
		s.value(n.Node)
	}
}

func (s *sandbox) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		s.condition(n.Left)
		s.condition(n.Right)
		return
	case "matches":
		if _, literal := n.Right.(*ast.StringNode); !literal {
			s.fail(n.Right, "the pattern of matches must be a literal text: one that depends on the event would be compiled for each event")
		}
	}
	if !slices.Contains(operators, n.Operator) {
		s.fail(n, "the operator %s cannot be used in an expression", n.Operator)
	}
	left, right := s.value(n.Left), s.value(n.Right)
	switch n.Operator {
	case "==", "!=":
		s.comparable(left, n.Right)
		s.comparable(right, n.Left)
	case "in":
		if array, ok := n.Right.(*ast.ArrayNode); ok {
			for _, item := range array.Nodes {
				s.comparable(left, item)
			}
		}
	}
}

// comparable refuses to compare a text field with a literal that it never
// equals.
func (s *sandbox) comparable(f field, literal ast.Node) {
	if !f.isText() {
		return
	}
	switch literal := literal.(type) {
	case *ast.BoolNode:
		s.fail(literal, "%s is a text, not true or false; compare it with a text: %s == %q", f.path, f.path, f.example())
	case *ast.StringNode:
		if f.values != nil && !slices.Contains(f.values, literal.Value) {
			s.fail(literal, "%s is never %q; it is one of %s", f.path, literal.Value, quoted(f.values))
		}
	}
}

// builtin walks a call of a function that expr's parser knows.
func (s *sandbox) builtin(n *ast.BuiltinNode) {
	switch {
	case slices.Contains(predicates, n.Name):
		s.predicate(n)
	case slices.Contains(builtins, n.Name):
		for _, arg := range n.Arguments {
			s.value(arg)
		}
	default:
		s.unknownFunction(n, n.Name)
	}
}

// predicate walks any(list, condition) and its kin. A predicate inside the
// condition of another would run for each pair of items, and one more level
// for each triple; inside the list it is just one after the other.
func (s *sandbox) predicate(n *ast.BuiltinNode) {
	if s.inside != "" {
		s.fail(n, "%s stands inside the condition of %s; conditions over lists cannot be nested", n.Name, s.inside)
		return
	}
	for _, arg := range n.Arguments {
		condition, ok := arg.(*ast.PredicateNode)
		switch {
		case !ok:
			s.value(arg)
		case n.Name == "map":
			s.inside = n.Name
			s.value(condition.Node)
		default:
			s.inside = n.Name
			s.condition(condition.Node)
		}
	}
	s.inside = ""
}

// call walks a call of a function that expr's parser does not know.
func (s *sandbox) call(n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		s.fail(n, "there are no methods to call; the functions are %s", available())
		if method, ok := n.Callee.(*ast.MemberNode); ok {
			s.resolve(method.Node)
		}
		return
	}
	if !slices.Contains(own, callee.Value) {
		s.unknownFunction(n, callee.Value)
		return
	}
	for _, arg := range n.Arguments {
		s.value(arg)
	}
	if callee.Value == "in_network" && len(n.Arguments) > 1 {
		for _, arg := range n.Arguments[1:] {
			s.network(arg)
		}
	}
}

// network takes a literal network, which is read once, here.
func (s *sandbox) network(n ast.Node) {
	literal, ok := n.(*ast.StringNode)
	if !ok {
		s.fail(n, `a network of in_network must be a literal text such as "203.0.113.0/24"`)
		return
	}
	network, err := parseNetwork(literal.Value)
	if err != nil {
		s.fail(n, "%v", err)
		return
	}
	s.networks[literal.Value] = network
}

func (s *sandbox) unknownFunction(n ast.Node, name string) {
	switch name {
	case "now", "date", "duration", "timezone":
		s.fail(n, "%s cannot be used: a replay must give what the live run gave, so an expression knows only the event's own time", name)
	default:
		s.fail(n, "there is no function %s; the functions are %s", name, available())
	}
}

// describe names a kind of syntax that is not allowed.
func describe(n ast.Node) string {
	switch n := n.(type) {
	case *ast.VariableDeclaratorNode:
		return "let"
	case *ast.SequenceNode:
		return "a sequence of expressions (;)"
	case *ast.MapNode, *ast.PairNode:
		return "a map ({…})"
	case *ast.SliceNode:
		return "a slice ([from:to])"
	case *ast.BytesNode:
		return "a byte string (b\"…\")"
	case *ast.PredicateNode:
		return "a condition outside of any, all, …"
	default:
		return fmt.Sprintf("syntax of kind %T", n)
	}
}
