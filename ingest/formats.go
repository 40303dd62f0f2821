package ingest

import (
	"fmt"

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
	// its payload alone. A line of text arrives as a JSON string.
	recognise func(v *fastjson.Value) bool

	// carrier marks a format that log shippers also use as their envelope: an
	// element with another format's event in a string is unwrapped to that.
	carrier bool

	// parse appends the events of one element to out. It sets everything that
	// the log tells, but not the kind, provider, tenant, origin, original,
	// subject or enrichment. An error makes the element a dead letter; a
	// *rejection says under which reason. No event and no error means that the
	// element is not meant to become one.
	parse func(v *fastjson.Value, out []event.Event) ([]event.Event, error)
}

// formats lists every built-in format in the order in which they are tried:
// the more particular first.
func formats() []format {
	return []format{
		okta(),
		keycloak(),
		{name: "entra", recognise: isEntra, parse: parseEntra},
		{name: "ocsf", recognise: isOCSF, parse: parseOCSF},
		{name: "ecs", recognise: isECS, carrier: true, parse: parseECS}, // last: much is wrapped in its fields
	}
}

// rejection is an error of a parse function that names the dead letter's
// reason itself; other errors are invalid_event.
type rejection struct {
	reason  string
	message string
}

func (r *rejection) Error() string { return r.message }

// reject is a rejection with a formatted message.
func reject(reason, message string, args ...any) error {
	return &rejection{reason, fmt.Sprintf(message, args...)}
}
