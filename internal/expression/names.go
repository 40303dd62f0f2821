package expression

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// field is what is known of a part of an expression that names something of
// the environment. The zero field is anything else.
type field struct {
	path   string       // dotted name
	typ    reflect.Type // nil when its shape is known only when it runs
	values []string     // the closed list of a text's values; nil when any
}

func (f field) isText() bool { return f.typ != nil && f.typ.Kind() == reflect.String }

// example is a value to show in an error message.
func (f field) example() string {
	for _, v := range f.values {
		if v != "" {
			return v
		}
	}
	return "…"
}

// use resolves a name that stands for a value, and notes it as used.
func (s *sandbox) use(n ast.Node) field {
	before := len(s.errs)
	f := s.resolve(n)
	if len(s.errs) > before || f.path == "" {
		return field{}
	}
	if f.typ != nil && f.typ.Kind() == reflect.Struct {
		s.fail(n, "%s is a group of fields; name one of them: %s", f.path, members(f.typ, f.path))
		return field{}
	}
	s.fields[f.path] = true
	return f
}

// resolve finds what a name or an access to a member stands for.
func (s *sandbox) resolve(n ast.Node) field {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return s.root(n)
	case *ast.MemberNode:
		return s.member(n)
	case *ast.ChainNode:
		return s.resolve(n.Node)
	default:
		return s.value(n)
	}
}

func (s *sandbox) root(n *ast.IdentifierNode) field {
	if s.env.Kind() == reflect.Map {
		return field{path: n.Value}
	}
	f, ok := lookup(s.env, "", n.Value)
	if !ok {
		s.fail(n, "unknown name %s; known names: %s", n.Value, members(s.env, ""))
	}
	return f
}

func (s *sandbox) member(n *ast.MemberNode) field {
	before := len(s.errs)
	base := s.resolve(n.Node)
	if len(s.errs) > before {
		return field{}
	}
	name, literal := n.Property.(*ast.StringNode)
	if !literal {
		s.value(n.Property)
	}
	switch {
	case base.path == "": // an item of a list, or a function's result
		return field{}
	case base.typ == nil || base.typ.Kind() == reflect.Map:
		if literal {
			return field{path: base.path + "." + name.Value}
		}
		return field{path: base.path}
	case base.typ.Kind() == reflect.Slice:
		return field{path: base.path, typ: base.typ.Elem()}
	case base.typ.Kind() != reflect.Struct:
		s.fail(n, "%s is one value; it has no parts", base.path)
	case !literal:
		s.fail(n, "name the field of %s: %s", base.path, members(base.typ, base.path))
	default:
		f, ok := lookup(base.typ, base.path, name.Value)
		if !ok {
			s.fail(n, "unknown field %s.%s; known here: %s", base.path, name.Value, members(base.typ, base.path))
		}
		return f
	}
	return field{}
}

// lookup finds a member of an environment's struct by its name.
func lookup(t reflect.Type, path, name string) (field, bool) {
	if f, ok := find(t, name); ok {
		found := field{path: under(path, name), typ: f.Type}
		if f.Type.Kind() == reflect.Interface {
			found.typ = nil
		}
		if list, closed := f.Tag.Lookup("values"); closed {
			found.values = strings.Split(list, ",")
		}
		return found, true
	}
	return field{}, false
}

func find(t reflect.Type, name string) (reflect.StructField, bool) {
	for f := range t.Fields() {
		if f.IsExported() && nameOf(f) == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// nameOf is a field's name in expressions: "" when it has none.
func nameOf(f reflect.StructField) string {
	switch tag := f.Tag.Get("expr"); tag {
	case "":
		return f.Name
	case "-":
		return ""
	default:
		return tag
	}
}

// members lists the names of a struct's fields, in their order.
func members(t reflect.Type, path string) string {
	var names []string
	for f := range t.Fields() {
		if name := nameOf(f); f.IsExported() && name != "" {
			names = append(names, under(path, name))
		}
	}
	return strings.Join(names, ", ")
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// quoted lists values for an error message.
func quoted(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strconv.Quote(v)
	}
	return strings.Join(out, ", ")
}

// Index is the way to a field of an environment's struct by its dotted name,
// for reflect's FieldByIndex; nil when there is none.
func Index(env any, name string) []int {
	t := reflect.TypeOf(env)
	var index []int
	for part := range strings.SplitSeq(name, ".") {
		if t.Kind() != reflect.Struct {
			return nil
		}
		f, ok := find(t, part)
		if !ok {
			return nil
		}
		index = append(index, f.Index...)
		t = f.Type
	}
	return slices.Clip(index)
}
