package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/valyala/fastjson"
	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Mapping describes a log that riskstream does not know: an expression for
// each field of the event, over the raw event as `raw`. It is read from YAML
// and does not change; docs/sources/mapping.md is its reference.
//
// The contract's words (sign_in, success, bad_credentials, …) are names that
// an expression may use, so that a misspelt one is found when the mapping is
// read. What an expression gives is cleaned like the field of any other
// format. An expression that fails makes the event a dead letter.
type Mapping struct {
	when   *expression.Program // which elements are events of this log; nil for all
	skip   *expression.Program // which of them to leave out; nil for none
	fields []mappedField       // in the order of mappingFields
}

// mappedField is one field of the event and where it comes from.
type mappedField struct {
	mappingField
	program *expression.Program
}

// UnmarshalYAML reads and compiles a mapping. Fields may be grouped (user: {id:
// …}) or dotted (user.id: …). The error joins every problem; each begins with
// line:column.
func (m *Mapping) UnmarshalYAML(node *yaml.Node) error {
	r := mappingReader{sources: map[string]*yaml.Node{}}
	r.keys(node, "")
	*m = Mapping{when: r.condition("when"), skip: r.condition("skip")}
	for _, f := range mappingFields {
		program := r.compile(f.name, expression.Any)
		if program == nil {
			continue
		}
		field := mappedField{f, program}
		if err := field.checkConstant(); err != nil {
			r.fail(r.sources[f.name], "%s: %v", f.name, err)
		}
		m.fields = append(m.fields, field)
	}
	for _, required := range [...]string{"time", "action"} {
		if r.sources[required] == nil {
			r.fail(node, "%s is missing: an event needs it", required)
		}
	}
	slices.SortStableFunc(r.errs, func(a, b *expression.Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	var errs []error
	for _, err := range r.errs {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// mappingReader collects a mapping's expressions and everything wrong with them.
type mappingReader struct {
	sources map[string]*yaml.Node // the scalars with expressions, by dotted name
	errs    []*expression.Error
}

func (r *mappingReader) fail(node *yaml.Node, format string, args ...any) {
	at := expression.Position{Line: node.Line, Column: node.Column}
	r.errs = append(r.errs, &expression.Error{Position: at, Msg: fmt.Sprintf(format, args...)})
}

// keys notes the expressions of a YAML mapping, whose names begin with prefix.
func (r *mappingReader) keys(node *yaml.Node, prefix string) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		r.fail(node, "a mapping has keys with expressions, such as %s: raw.%s", "time", "timestamp")
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		name := prefix + key.Value
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		switch {
		case isMappingGroup(name) && value.Kind == yaml.MappingNode:
			r.keys(value, name+".")
		case !isMappingKey(name):
			r.fail(key, "unknown key %s; known here: %s", name, mappingKeys(name))
		case r.sources[name] != nil:
			r.fail(key, "%s is given twice", name)
		case value.Kind != yaml.ScalarNode || strings.TrimSpace(value.Value) == "" || value.Tag == "!!null":
			r.fail(value, "%s: want an expression, such as raw.%s", name, name)
		default:
			r.sources[name] = value
		}
	}
}

// compile compiles the expression of a key; nil when there is none, or it is
// wrong.
func (r *mappingReader) compile(name string, want expression.Want) *expression.Program {
	node := r.sources[name]
	if node == nil {
		return nil
	}
	program, err := expression.Compile(node.Value, mappingWords(), want, expression.PositionOf("", nil, node))
	if err != nil {
		r.add(err)
		return nil
	}
	return program
}

// add notes the errors of a compilation.
func (r *mappingReader) add(err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			r.add(one)
		}
		return
	}
	var placed *expression.Error
	if errors.As(err, &placed) {
		r.errs = append(r.errs, placed)
	}
}

func (r *mappingReader) condition(name string) *expression.Program {
	return r.compile(name, expression.Bool)
}

// checkConstant evaluates an expression that does not use the raw event, so
// that a wrong constant is found when the mapping is read.
func (f *mappedField) checkConstant() error {
	for _, used := range f.program.Fields() {
		if used == "raw" || strings.HasPrefix(used, "raw.") {
			return nil
		}
	}
	value, err := expression.NewVM().Run(f.program, mappingWords())
	if err != nil {
		return err
	}
	return f.set(new(event.Event), value)
}

// format is the mapping as a format with the given name. The format keeps
// buffers and belongs to one parser.
func (m *Mapping) format(name string) format {
	run := &mappingRun{Mapping: m, vm: expression.NewVM(), env: mappingWords()}
	return format{name: name, recognise: run.recognise, parse: run.parse}
}

// mappingRun evaluates a mapping, for one parser.
type mappingRun struct {
	*Mapping
	vm     *expression.VM
	env    map[string]any
	loaded *fastjson.Value // the element that env holds; nil when recognise has not needed it
}

// recognise reports whether an element is an event of this log. One that
// `when` is not true of may still be an envelope around some.
func (r *mappingRun) recognise(v *fastjson.Value) bool {
	r.loaded = nil
	if v.Type() != fastjson.TypeObject {
		return false
	}
	if r.when == nil {
		return true
	}
	if err := r.load(v); err != nil {
		return false
	}
	return r.holds(r.when) || (r.skip != nil && r.holds(r.skip))
}

// holds reports whether a condition is true; one that fails is not.
func (r *mappingRun) holds(condition *expression.Program) bool {
	is, err := r.vm.RunBool(condition, r.env)
	return err == nil && is
}

// parse evaluates every field.
func (r *mappingRun) parse(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
	if err := r.load(v); err != nil {
		return out, err
	}
	if r.skip != nil {
		leftOut, err := r.vm.RunBool(r.skip, r.env)
		if err != nil {
			return out, fmt.Errorf("mapping.skip: %w", err)
		}
		if leftOut {
			return out, nil
		}
	}
	e := event.Event{Outcome: event.OutcomeUnknown}
	for _, f := range r.fields {
		value, err := r.vm.Run(f.program, r.env)
		if err == nil {
			err = f.set(&e, value)
		}
		if err != nil {
			return out, fmt.Errorf("mapping.%s: %w", f.name, err)
		}
	}
	if e.Auth.Factor == event.FactorNone {
		e.Auth.Factor = factorOf(e.Auth.Method)
	}
	geo := &e.Source.Geo
	lat, lon := geo.Lat, geo.Lon
	geo.Lat, geo.Lon = 0, 0
	located(geo, lat, lon)
	return append(out, e), nil
}

// load makes the element the environment's raw event, unless it is already.
func (r *mappingRun) load(v *fastjson.Value) error {
	if r.loaded == v {
		return nil
	}
	left := maxMappedValues
	raw, err := plainValue(v, 0, &left)
	if err != nil {
		return err
	}
	r.env["raw"], r.loaded = raw, v
	return nil
}
