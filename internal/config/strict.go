package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/scoring"
)

// checker walks a YAML tree beside the Go type that it will be decoded into
// and collects every problem. yaml.v3's own strict mode stops at some errors
// and gives no column.
type checker struct {
	file string
	errs []error
	in   map[string][]error // errs by top-level section
	at   string             // the section being walked
}

// tree reads the one document of the file. Without any, it is an empty mapping.
func (c *checker) tree(data []byte) (*yaml.Node, error) {
	c.in = map[string][]error{}
	empty := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: 1, Column: 1}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root, more yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return empty, nil
	} else if err != nil {
		return nil, c.syntax(err)
	}
	if err := decoder.Decode(&more); err == nil {
		return nil, &Error{c.file, more.Line, max(more.Column, 1), "a second document begins here; the configuration is one (remove the ---)"}
	} else if !errors.Is(err, io.EOF) {
		return nil, c.syntax(err)
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" {
		return empty, nil
	}
	return root.Content[0], nil
}

// syntax is the library's error in our form. It knows no column.
func (c *checker) syntax(err error) error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if n, _ := fmt.Sscanf(msg, "line %d:", &line); n == 1 {
		_, msg, _ = strings.Cut(msg, ": ")
		if strings.HasPrefix(msg, "did not find expected") {
			line++ // of these errors the library counts lines from 0
		}
	}
	// An anchor's name may be the rest of a password.
	if strings.HasPrefix(msg, "unknown anchor") {
		msg = "a value that begins with * must be quoted"
	}
	return &Error{c.file, max(line, 1), 1, msg}
}

func (c *checker) fail(n *yaml.Node, format string, args ...any) {
	c.add(&Error{c.file, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)})
}

func (c *checker) add(err error) {
	c.in[c.at] = append(c.in[c.at], err)
	c.errs = append(c.errs, err)
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
	fields := yamlFields(t)
	c.pairs(n, path, func(key, value *yaml.Node) {
		if field, known := fields[key.Value]; known {
			c.check(value, field, join(path, key.Value))
			return
		}
		c.fail(key, "unknown key %s; known here: %s", join(path, key.Value), knownKeys(t))
	})
}

func (c *checker) mapping(n *yaml.Node, t reflect.Type, path string) {
	c.pairs(n, path, func(key, value *yaml.Node) { c.check(value, t.Elem(), join(path, key.Value)) })
}

// pairs calls f for each key of a mapping, once.
func (c *checker) pairs(n *yaml.Node, path string, f func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if path == "" {
			path = "configuration"
		}
		c.fail(n, "%s: want keys and values", path)
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if path == "" {
			c.at = key.Value
		}
		if seen[key.Value] {
			c.fail(key, "%s is given twice", join(path, key.Value))
			continue
		}
		seen[key.Value] = true
		f(key, n.Content[i+1])
	}
	if path == "" {
		c.at = ""
	}
}

// leaf decodes one value by itself, so that its error has its own place. An
// unmarshaler that already reports places keeps them.
func (c *checker) leaf(n *yaml.Node, t reflect.Type, path string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			c.add(c.placed(e, n))
		}
		return
	}
	var typed *yaml.TypeError
	switch {
	case errors.As(err, &typed) && n.Kind == yaml.ScalarNode:
		c.fail(n, "%s: %q is not %s", path, n.Value, wanted(t))
	case errors.As(err, &typed):
		c.fail(n, "%s: want %s", path, wanted(t))
	default:
		c.fail(n, "%s: %v", path, err)
	}
}

// wanted describes a type to a person.
func wanted(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration, such as 90s, 10m or 336h"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number in range"
	case reflect.Float64:
		return "a number"
	case reflect.Array, reflect.Slice:
		return "a list"
	}
	return "a text"
}

// decode fills the configuration with all that can be read; what is wrong, and
// was found by check, keeps its default. It goes piece by piece, since a
// section's own reader ends the decoding at its first error.
func (c *checker) decode(root *yaml.Node, cfg *Config) {
	into := reflect.ValueOf(cfg).Elem()
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i].Value, root.Content[i+1]
		index, known := sectionIndex(key)
		if !known || key == "sources" {
			continue
		}
		err := value.Decode(into.Field(index).Addr().Interface())
		if err != nil && len(c.in[key]) == 0 {
			c.at = key
			c.fail(value, "%s: %v", key, err)
			c.at = ""
		}
	}
	for _, item := range list(child(root, "sources")) {
		var source ingest.Source
		if err := item.Decode(&source); err != nil {
			source.Mapping = nil
		}
		cfg.Sources = append(cfg.Sources, source)
	}
	if len(c.in["policies"]) > 0 {
		cfg.Policies = slices.DeleteFunc(cfg.Policies, func(p scoring.Policy) bool { return p.Name == "" || p.When == "" })
	}
}

// list is the items of a sequence; none of anything else.
func list(n *yaml.Node) []*yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

func sectionIndex(key string) (int, bool) {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("yaml") == key {
			return i, true
		}
	}
	return 0, false
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
