package rules

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Bounds of what a match shows of the event.
const (
	maxFacts    = 8
	maxFactText = 120 // bytes
)

// evidence is a field that a match shows.
type evidence struct {
	name  string
	index []int // of the field in Env
}

// evidenceOf picks the fields to show of those that a condition uses: in the
// order of their names, and not the raw user agent, which is long and the
// sender's own words.
func evidenceOf(fields []string) []evidence {
	var shown []evidence
	for _, name := range fields {
		if len(shown) == maxFacts {
			break
		}
		if index := expression.Index(Env{}, name); index != nil && !strings.HasSuffix(name, ".original") {
			shown = append(shown, evidence{name, index})
		}
	}
	return shown
}

// facts are the values of the shown fields; an empty text is no fact.
func (e *Env) facts(shown []evidence) []event.Fact {
	facts := make([]event.Fact, 0, len(shown))
	env := reflect.ValueOf(e).Elem()
	for _, field := range shown {
		switch v := env.FieldByIndex(field.index).Interface().(type) {
		case string:
			if v != "" {
				facts = append(facts, event.Text(field.name, shorten(v)))
			}
		case []string:
			if len(v) > 0 {
				facts = append(facts, event.Text(field.name, shorten(strings.Join(v, ", "))))
			}
		case bool:
			text := "false"
			if v {
				text = "true"
			}
			facts = append(facts, event.Text(field.name, text))
		case int:
			facts = append(facts, event.Number(field.name, float64(v)))
		case float64:
			facts = append(facts, event.Number(field.name, v))
		}
	}
	return facts
}

// shorten cuts a text to its bound, between characters.
func shorten(s string) string {
	if len(s) <= maxFactText {
		return s
	}
	const ellipsis = "…"
	cut := maxFactText - len(ellipsis)
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + ellipsis
}
