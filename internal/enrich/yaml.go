package enrich

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
)

type node = yaml.Node

// yamlFile reads values out of a YAML tree and collects every problem with its
// place. After a problem it returns the zero value, and the walk goes on.
type yamlFile struct {
	path     string
	problems problems
}

func (y *yamlFile) fail(at *node, format string, args ...any) {
	y.problems.add(at.Line, at.Column, fmt.Errorf("%s:%d:%d: %s", y.path, at.Line, at.Column, fmt.Sprintf(format, args...)))
}

// parse reads the only document of a file; an empty file has none.
func (y *yamlFile) parse(data []byte) (*node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var document, second node
	if err := d.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, y.syntax(err)
	}
	switch err := d.Decode(&second); {
	case err == nil:
		return nil, fmt.Errorf("%s:%d:%d: a second YAML document begins here; the file must have one", y.path, second.Line, second.Column)
	case !errors.Is(err, io.EOF):
		return nil, y.syntax(err)
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	return root, nil
}

// syntax brings a message of the YAML library into our form: its text has the
// line, which may be one too low, and no column.
func (y *yamlFile) syntax(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if line, msg, ok := strings.Cut(rest, ": "); ok {
			return fmt.Errorf("%s:%s: not YAML, here or just below: %s", y.path, line, msg)
		}
	}
	return fmt.Errorf("%s: not YAML: %s", y.path, text)
}

// object calls field for each key, all of which must be known, and reports
// whether the node is an object at all.
func (y *yamlFile) object(n *node, what string, known []string, field func(key string, value *node)) bool {
	if n.Kind != yaml.MappingNode {
		y.fail(n, "%s must be keys and values: %s", what, strings.Join(known, ", "))
		return false
	}
	var given [8]bool // no object has more keys
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := indexOf(known, key.Value)
		switch {
		case at < 0:
			y.fail(key, "%s has no key %.60q; known keys: %s", what, key.Value, strings.Join(known, ", "))
		case given[at]:
			y.fail(key, "%s is given twice", key.Value)
		default:
			given[at] = true
			field(key.Value, value)
		}
	}
	return true
}

func indexOf(known []string, key string) int {
	for i, k := range known {
		if k == key {
			return i
		}
	}
	return -1
}

// list calls item for each entry. A key without value is an empty list.
func (y *yamlFile) list(n *node, what string, item func(n *node, what string)) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag == "!!null":
	case n.Kind != yaml.SequenceNode:
		y.fail(n, "%s must be a list", what)
	default:
		for i, entry := range n.Content {
			item(entry, what+"["+strconv.Itoa(i)+"]")
		}
	}
}

// text reads a text; a number is taken as it is written, since ids may look
// like one.
func (y *yamlFile) text(n *node, key string) string {
	switch {
	case n.Kind == yaml.AliasNode:
		y.fail(n, "%s: YAML aliases are not supported; write the value out", key)
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		y.fail(n, "%s must be a text", key)
	case n.Value == "" || strings.TrimSpace(n.Value) != n.Value:
		y.fail(n, "%s %.60q is empty or has blanks around it", key, n.Value)
	case len(n.Value) > maxTextBytes:
		y.fail(n, "%s is longer than %d bytes", key, maxTextBytes)
	case strings.ContainsFunc(n.Value, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }):
		y.fail(n, "%s %.60q has control characters", key, n.Value)
	default:
		return n.Value
	}
	return ""
}

func (y *yamlFile) oneOf(n *node, key string, words ...string) string {
	if n.Kind == yaml.ScalarNode && indexOf(words, n.Value) >= 0 {
		return n.Value
	}
	y.fail(n, "%s is %.60q; want %s", key, n.Value, strings.Join(words, " or "))
	return ""
}

func (y *yamlFile) flag(n *node, key string) event.Flag {
	var b bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&b) != nil {
		y.fail(n, "%s is %.60q; want true or false", key, n.Value)
		return event.Unknown
	}
	return event.FlagOf(b)
}

func (y *yamlFile) number(n *node, key string, low, high float64) float64 {
	var f float64
	if n.Kind != yaml.ScalarNode || (n.Tag != "!!int" && n.Tag != "!!float") || n.Decode(&f) != nil || math.IsNaN(f) || f < low || f > high {
		y.fail(n, "%s is %.60q; want a number from %g to %g", key, n.Value, low, high)
		return 0
	}
	return f
}
