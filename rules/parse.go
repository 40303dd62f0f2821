package rules

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Parse reads one rule file: every rule that is good, and every problem of the
// others with its place. The file is one YAML document with the key rules. It
// is strict: an unknown or missing key is an error, since a misspelt one would
// otherwise be a rule that does something else.
func Parse(file string, data []byte) ([]Rule, []error) {
	p := parser{file: file, data: data}
	if len(data) > MaxFileSize {
		p.failAt(1, 1, "the file is larger than %d bytes; split it into several", MaxFileSize)
		return nil, p.errs
	}
	if root := p.document(); root != nil {
		p.rules(root)
	}
	slices.SortStableFunc(p.errs, inFileOrder)
	return p.found, p.errs
}

func inFileOrder(a, b error) int {
	var one, other *expression.Error
	if !errors.As(a, &one) || !errors.As(b, &other) {
		return 0
	}
	return cmp.Or(cmp.Compare(one.Line, other.Line), cmp.Compare(one.Column, other.Column))
}

// parser collects the rules and problems of one file.
type parser struct {
	file  string
	data  []byte
	found []Rule
	errs  []error
}

func (p *parser) fail(n *yaml.Node, format string, args ...any) {
	p.failAt(n.Line, n.Column, format, args...)
}

func (p *parser) failAt(line, column int, format string, args ...any) {
	at := expression.Position{File: p.file, Line: line, Column: column}
	p.errs = append(p.errs, &expression.Error{Position: at, Msg: fmt.Sprintf(format, args...)})
}

// document reads the file's one YAML document.
func (p *parser) document() *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(p.data))
	var doc, second yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		p.failAt(1, 1, "the file is empty; write rules: and a list of rules")
		return nil
	case err != nil:
		p.syntax(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		p.syntax(err)
		return nil
	default:
		p.fail(&second, "a second document begins here; a rule file is one document")
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML library, which tells its line in words
// and no column.
func (p *parser) syntax(err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if number, rest, found := strings.Cut(strings.TrimPrefix(message, "line "), ": "); found {
		if n, err := strconv.Atoi(number); err == nil {
			line, message = n, rest
		}
	}
	p.failAt(line, 0, "not YAML: %s", message)
}

func (p *parser) rules(root *yaml.Node) {
	top, _ := p.keys(root, "a rule file", []string{"rules"}, nil)
	list := top["rules"]
	if list == nil {
		return
	}
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		p.fail(list, "rules: want a list of rules, each with a line that begins with - id:")
		return
	}
	for _, item := range list.Content {
		p.rule(item)
	}
}

var (
	idPattern  = regexp.MustCompile(`^[a-z0-9_-]{1,48}$`)
	tagPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_.:-]{0,63}$`)
)

// Bounds of the texts of a rule, which stand in every record of a match.
const (
	maxName        = 120 // bytes
	maxDescription = 2000
	maxTags        = 16
)

// rule reads one rule, and keeps it when it has no problem.
func (p *parser) rule(n *yaml.Node) {
	before := len(p.errs)
	keys, ok := p.keys(n, "a rule", []string{"id", "name", "severity", "weight", "half_life", "when"}, []string{"description", "group", "tags"})
	r := Rule{At: expression.Position{File: p.file, Line: n.Line, Column: n.Column}, Group: event.GroupBehaviour}
	if v := keys["id"]; v != nil {
		if r.ID = p.text(v, "id", 48); !idPattern.MatchString(r.ID) {
			p.fail(v, "id %.60q: want 1 to 48 of a-z, 0-9, _ and -", r.ID)
		}
	}
	if v := keys["name"]; v != nil {
		r.Name = p.text(v, "name", maxName)
	}
	if v := keys["description"]; v != nil {
		r.Description = p.text(v, "description", maxDescription)
	}
	if v := keys["severity"]; v != nil {
		if r.Severity = p.text(v, "severity", 0); !slices.Contains(Severities[:], r.Severity) {
			p.fail(v, "severity %.40q: want one of %s", r.Severity, strings.Join(Severities[:], ", "))
		}
	}
	if v := keys["group"]; v != nil {
		if r.Group = event.Group(p.text(v, "group", 0)); !slices.Contains(event.Groups[:], r.Group) {
			p.fail(v, "group %.40q: want one of %s", r.Group, groupNames())
		}
	}
	if v := keys["weight"]; v != nil {
		r.Weight = p.weight(v)
	}
	if v := keys["half_life"]; v != nil {
		r.HalfLife = p.halfLife(v)
	}
	if v := keys["tags"]; v != nil {
		r.Tags = p.tags(v)
	}
	if v := keys["when"]; v != nil {
		p.when(v, &r)
	}
	if !ok || len(p.errs) > before {
		return
	}
	r.name = "rule:" + r.ID
	r.info = &event.RuleInfo{ID: r.ID, Title: r.Name, Severity: r.Severity, Tags: r.Tags}
	r.evidence = evidenceOf(r.when.Fields())
	p.found = append(p.found, r)
}

// keys reads a mapping of known keys, and reports those that are unknown,
// given twice or missing.
func (p *parser) keys(n *yaml.Node, what string, required, optional []string) (map[string]*yaml.Node, bool) {
	known := slices.Concat(required, optional)
	if n.Kind != yaml.MappingNode {
		p.fail(n, "want %s: the keys %s", what, strings.Join(known, ", "))
		return nil, false
	}
	before := len(p.errs)
	found := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			p.fail(key, "unknown key %.60q; %s has %s", key.Value, what, strings.Join(known, ", "))
		case found[key.Value] != nil:
			p.fail(key, "%s is given twice", key.Value)
		default:
			found[key.Value] = value
		}
	}
	for _, key := range required {
		if found[key] == nil {
			p.fail(n, "%s is missing; %s needs %s", key, what, strings.Join(required, ", "))
		}
	}
	return found, len(p.errs) == before
}

// text reads a scalar. A limit of 0 leaves its length to the caller.
func (p *parser) text(n *yaml.Node, key string, limit int) string {
	text := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode:
		p.fail(n, "%s: want a text", key)
	case text == "":
		p.fail(n, "%s is empty", key)
	case limit > 0 && len(text) > limit:
		p.fail(n, "%s has %d bytes; at most %d are allowed", key, len(text), limit)
	}
	return text
}

func (p *parser) weight(n *yaml.Node) float64 {
	w, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || math.IsNaN(w) || w <= 0 || w > MaxWeight {
		p.fail(n, "weight %.40q: want a number above 0 and at most %d: the natural logarithm of how much likelier a match makes a compromise", n.Value, MaxWeight)
	}
	return w
}

// halfLife reads a duration as Go writes it, or a count of days as 7d.
func (p *parser) halfLife(n *yaml.Node) time.Duration {
	d, err := time.ParseDuration(n.Value)
	if days, isDays := strings.CutSuffix(n.Value, "d"); isDays {
		var count int
		count, err = strconv.Atoi(days)
		d = time.Duration(min(max(count, 0), 1000)) * 24 * time.Hour
	}
	if err != nil || d < MinHalfLife || d > MaxHalfLife {
		p.fail(n, "half_life %.40q: want a duration from 1m to 90d, such as 30m, 24h or 7d", n.Value)
	}
	return d.Truncate(time.Second)
}

func (p *parser) tags(n *yaml.Node) []string {
	if n.Kind != yaml.SequenceNode || len(n.Content) > maxTags {
		p.fail(n, "tags: want a list of at most %d tags", maxTags)
		return nil
	}
	var tags []string
	for _, item := range n.Content {
		if !tagPattern.MatchString(item.Value) {
			p.fail(item, "tag %.80q: want 1 to 64 of a-z, 0-9, _ . : and -, such as attack.t1078", item.Value)
		}
		tags = append(tags, item.Value)
	}
	return tags
}

// when compiles the condition. Only in a literal block does YAML leave every
// character alone and every line where it is.
func (p *parser) when(n *yaml.Node, r *Rule) {
	if n.Kind != yaml.ScalarNode || n.Style != yaml.LiteralStyle {
		p.fail(n, "when: write the condition as a block: `when: |`, and below it the indented expression. In other forms YAML gives meaning to quotes, # and : and the place of an error is lost")
		return
	}
	r.When = strings.TrimSpace(n.Value)
	when, err := expression.Compile(n.Value, Env{}, expression.Bool, expression.PositionOf(p.file, p.data, n))
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		p.errs = append(p.errs, many.Unwrap()...)
	} else if err != nil {
		p.errs = append(p.errs, err)
	}
	r.when = when
}

func groupNames() string {
	var names []string
	for _, g := range event.Groups {
		names = append(names, string(g))
	}
	return strings.Join(names, ", ")
}
