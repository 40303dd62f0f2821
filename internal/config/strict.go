package config

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Error is one problem of a configuration file, with its place.
type Error struct {
	File         string
	Line, Column int
	Msg          string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// checker walks a YAML tree beside the Go type that it will be decoded into
// and collects every problem. yaml.v3's own strict mode stops at some errors
// and gives no column.
type checker struct {
	file string
	errs []error
}

func (c *checker) fail(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, &Error{c.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

var unmarshaler = reflect.TypeFor[yaml.Unmarshaler]()

func (c *checker) check(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Tag == "!!null" {
		return
	}
	if reflect.PointerTo(t).Implements(unmarshaler) {
		c.leaf(n, t, path)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		c.check(n, t.Elem(), path)
	case reflect.Struct:
		c.object(n, t, path)
	case reflect.Map:
		c.mapping(n, t, path)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			c.fail(n, "%s: want a list", path)
			return
		}
		for i, item := range n.Content {
			c.check(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		c.leaf(n, t, path)
	}
}

func (c *checker) object(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		c.fail(n, "%s: want keys and values", orRoot(path))
		return
	}
	fields := yamlFields(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, known := fields[key.Value]
		switch {
		case !known:
			c.fail(key, "unknown key %s; known here: %s", join(path, key.Value), knownKeys(t))
		case seen[key.Value]:
			c.fail(key, "%s is given twice", join(path, key.Value))
		default:
			seen[key.Value] = true
			c.check(value, field, join(path, key.Value))
		}
	}
}

func (c *checker) mapping(n *yaml.Node, t reflect.Type, path string) {
	if n.Kind != yaml.MappingNode {
		c.fail(n, "%s: want keys and values", path)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		c.check(n.Content[i+1], t.Elem(), join(path, n.Content[i].Value))
	}
}

// leaf decodes one value by itself, so that its error has its own place. An
// unmarshaler that already reports places keeps them.
func (c *checker) leaf(n *yaml.Node, t reflect.Type, path string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			c.errs = append(c.errs, fmt.Errorf("%s:%w", c.file, e))
		}
		return
	}
	msg := err.Error()
	if typed, ok := err.(*yaml.TypeError); ok {
		msg = fmt.Sprintf("%q is not a %s", n.Value, t)
		if n.Kind != yaml.ScalarNode {
			msg = typed.Errors[0]
		}
	}
	c.fail(n, "%s: %s", path, msg)
}

// yamlFields maps the YAML keys of a struct to the types of their values.
func yamlFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case strings.Contains(options, "inline"):
			for k, v := range yamlFields(f.Type) {
				fields[k] = v
			}
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

// knownKeys lists a struct's keys in the order of its fields.
func knownKeys(t reflect.Type) string {
	var names []string
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case strings.Contains(options, "inline"):
			names = append(names, knownKeys(f.Type))
		case name == "":
			names = append(names, strings.ToLower(f.Name))
		default:
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func orRoot(path string) string {
	if path == "" {
		return "configuration"
	}
	return path
}

// locate finds the node at a dotted path, or the nearest one above it that the
// file has; an empty file has none.
func locate(root *yaml.Node, path string) *yaml.Node {
	node := root
	for key := range strings.SplitSeq(path, ".") {
		next := child(node, key)
		if next == nil {
			break
		}
		node = next
	}
	return node
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
