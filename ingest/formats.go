package ingest

import (
	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// format is one kind of log that riskstream reads. Adding a source is one file
// with its parse function, one row in formats, one fixture and one page in
// docs/sources.
type format struct {
	// name is what sources[].format says and what event.provider becomes.
	name string

	// recognise reports whether an element has this format, from the keys of
	// its payload alone.
	recognise func(v *fastjson.Value) bool

	// parse appends the events of one element to out. It sets everything that
	// the log tells, but not the tenant, origin, original or enrichment. An
	// error makes the element a dead letter.
	parse func(v *fastjson.Value, out []event.Event) ([]event.Event, error)
}

// formats lists every built-in format in the order in which they are tried:
// the more particular first.
func formats() []format {
	return []format{
	}
}
