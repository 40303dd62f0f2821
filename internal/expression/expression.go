// Package expression is the sandbox that rules, policies and source mappings
// share: a small, total subset of expr over plain data.
//
// An expression sees its environment and nothing else: no clock, no chance, no
// input or output, no variables, no methods. What it may hold is an allow-list
// over the syntax tree (sandbox.go), so that a new release of expr adds nothing
// by itself. Its work is bounded: source and node count are limited, a
// predicate (any, all, …) never stands inside another, and a regular
// expression is a literal, compiled once.
//
// # Environments
//
// An environment is a struct of plain nested value structs without methods
// or pointers: a nil pointer fails only when an event happens to have it, and
// expr would make every exported method callable. The `expr` tag names a
// field. Where a text has a closed list of values, the tag `values` lists them,
// separated by commas (an absent text is the empty item), and comparing it
// with anything else is an error of compilation rather than a rule that never
// matches:
//
//	type Env struct {
//		User struct {
//			Kind string `expr:"kind" values:",human,service,unknown"`
//		} `expr:"user"`
//		Score float64 `expr:"score"`
//	}
//
// A flag that may be absent is such a text, with the values yes, no and
// unknown; see Flag. A field of type map[string]any holds data of a shape that
// is not known before; its fields are checked only when the expression runs.
package expression

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Limits of one expression. Hand-written rules of the public corpora stay below
// a tenth of both.
const (
	MaxSource = 4096 // bytes
	MaxNodes  = 500  // nodes of the syntax tree
)

// Want is the type that an expression must have.
type Want int

// Types of result.
const (
	Any  Want = iota // whatever it gives
	Bool             // true or false, known when it is compiled
	Text             // a text; data of unknown shape is checked when it runs
)

// Program is a compiled expression. It does not change and may be shared.
type Program struct {
	code     *vm.Program
	source   string
	at       Position
	want     Want
	fields   []string
	required map[string][]string
}

// Compile checks and compiles an expression over environments of env's type.
// The position is that of the source's first character in its file; every
// further line of the source begins in the same column. The error is an
// *Error, or joins several.
func Compile(source string, env any, want Want, at Position) (*Program, error) {
	text := text{source: source, at: at.orStart()}
	if len(source) > MaxSource {
		return nil, text.fail(0, "the expression has %d bytes; at most %d are allowed: split it into several", len(source), MaxSource)
	}
	limits := &conf.Config{MaxNodes: MaxNodes, DisableIfOperator: true, Disabled: disabledBuiltins()}
	tree, err := parser.ParseWithConfig(source, limits)
	if err != nil {
		return nil, text.translate(err)
	}
	box := sandbox{text: text, env: reflect.TypeOf(env), fields: map[string]bool{}, networks: networks{}}
	box.expression(tree.Node, want)
	if len(box.errs) > 0 {
		return nil, join(box.errs)
	}
	code, err := compile(source, env, want, box.networks)
	if err != nil {
		return nil, text.translate(err)
	}
	return &Program{
		code: code, source: source, at: text.at, want: want,
		fields: box.names(), required: requirements(tree.Node),
	}, nil
}

// compile is expr.Compile with the sandbox's settings. expr itself panics on
// some sources that it should refuse, so a panic is an error like any other.
func compile(source string, env any, want Want, nets networks) (code *vm.Program, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the expression cannot be compiled: %v", r)
		}
	}()
	options := []expr.Option{expr.Env(env), expr.MaxNodes(MaxNodes), expr.DisableIfOperator(), expr.DisableAllBuiltins()}
	for _, name := range builtins {
		options = append(options, expr.EnableBuiltin(name))
	}
	options = append(options, functions(nets)...)
	switch want {
	case Bool:
		// WarnOnAny, in spite of its name, refuses a result of unknown type.
		options = append(options, expr.AsBool(), expr.WarnOnAny())
	case Text:
		options = append(options, expr.AsKind(reflect.String))
	}
	return expr.Compile(source, options...)
}

// String is the expression's source.
func (p *Program) String() string { return p.source }

// Fields lists the environment's fields that the expression uses, as dotted
// names, sorted.
func (p *Program) Fields() []string { return slices.Clone(p.fields) }

// Requires lists the texts of which the field must have one for the expression
// to be true, as far as its top-level conditions say so; nil when it may be
// true with any. An index by such a field need not run the others.
func (p *Program) Requires(field string) []string { return slices.Clone(p.required[field]) }

// join makes one error of a non-empty list.
func join(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// translate turns an error of expr into an *Error at its place in the file.
func (t text) translate(err error) error {
	var placed *file.Error
	if errors.As(err, &placed) {
		return t.fail(placed.From, "%s", placed.Message)
	}
	return t.fail(0, "%v", err)
}

// position is where a node begins in the source, in characters. expr places
// an access to a member at the member; a field is named from its first part.
func position(n ast.Node) int {
	for {
		member, ok := n.(*ast.MemberNode)
		if !ok {
			return n.Location().From
		}
		n = member.Node
	}
}
