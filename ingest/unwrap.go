package ingest

import (
	"bytes"

	"github.com/valyala/fastjson"
)

const (
	// maxDepth bounds how many envelopes may lie in each other.
	maxDepth = 4

	// maxElements bounds how many elements one record may hold, so that a
	// small record cannot cause endless work. 8 MiB hold no more events of
	// ordinary size.
	maxElements = 10_000

	// maxValues bounds how many values one piece of JSON may have, as parsed
	// values take some 80 bytes each where their text takes 2. The largest
	// events have a thousand.
	maxValues = 1 << 20

	// maxPrefixBraces bounds at how many braces of a line of text its JSON is
	// looked for: Logstash's prefix has the host in braces, {name=…}.
	maxPrefixBraces = 4

	// keepParsers is the size of records, in bytes, after which the memory of
	// the parsers is given back.
	keepParsers = 1 << 20
)

// unwrapper finds the elements of a record: it takes off compression and
// envelopes, splits arrays and lines, looks into JSON in strings, and
// recognises the format of each element. It reuses its buffers and serves one
// record at a time.
type unwrapper struct {
	formats []format // that an element may have

	// found takes an element with its format; value and raw are valid during
	// the call.
	found func(f *format, value *fastjson.Value, raw []byte)

	// lost takes what is no element of a known format.
	lost func(err error, raw []byte)

	parsers [maxDepth + 1]fastjson.Parser // a value stays valid while those inside it are parsed
	probe   fastjson.Parser               // for a look into a string
	lines   fastjson.Arena                // for lines of text
	count   int                           // elements so far
}

// record finds the elements of a record, in order.
func (u *unwrapper) record(record []byte) {
	u.count = 0
	if len(record) > maxRecord {
		u.lost(reject(Oversized, "the record has %d bytes, more than %d", len(record), maxRecord), record)
		return
	}
	content, err := decode(record)
	if err != nil {
		u.lost(err, record)
		return
	}
	if len(bytes.TrimSpace(content)) == 0 {
		u.lost(reject(MalformedJSON, "the record is empty"), record)
		return
	}
	u.text(content, 0)
	if len(content) > keepParsers {
		u.parsers, u.probe, u.lines = [maxDepth + 1]fastjson.Parser{}, fastjson.Parser{}, fastjson.Arena{}
	}
}

// text finds the elements of text that is one JSON value, several, or lines.
func (u *unwrapper) text(raw []byte, depth int) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || u.full(raw):
	case depth > maxDepth:
		u.fail(raw, TooDeep, "the event lies in more than %d envelopes", maxDepth)
	case len(raw) > maxRecord && raw[0] != '{' && raw[0] != '[':
		u.fail(raw, Oversized, "a line has %d bytes, more than %d", len(raw), maxRecord)
	case raw[0] == '{' && beginsEnvelope(raw) && valueEnd(raw) == len(raw):
		u.envelope(raw, depth)
	case raw[0] == '{' && tooManyValues(raw):
		u.fail(raw, Oversized, "a JSON value holds more than %d values", maxValues)
	case raw[0] == '{' && len(raw) <= maxRecord:
		value, err := u.parsers[depth].ParseBytes(raw)
		if err != nil {
			u.pieces(raw, depth, err)
			return
		}
		u.object(value, raw, depth)
	default:
		u.pieces(raw, depth, nil)
	}
}

// pieces splits text into values and lines. parseError is why the whole is not
// one value.
func (u *unwrapper) pieces(raw []byte, depth int, parseError error) {
	var split splitter
	for rest := raw; ; {
		advance, piece, end := split.next(rest, true)
		rest = rest[advance:]
		switch {
		case end:
			return
		case piece == nil:
		case u.full(piece):
			return
		case piece[0] == '{' && len(piece) < len(raw):
			u.text(piece, depth)
		case piece[0] == '{':
			u.malformed(piece, depth, parseError)
		case piece[0] == '[' && len(piece) < len(raw):
			u.text(piece, depth+1)
		case piece[0] == '"':
			u.quoted(piece, depth)
		default:
			u.line(piece, depth)
		}
	}
}

// malformed takes an object that cannot be parsed, unless a repair helps.
func (u *unwrapper) malformed(raw []byte, depth int, parseError error) {
	if len(raw) > maxRecord {
		u.fail(raw, Oversized, "a JSON value has %d bytes, more than %d", len(raw), maxRecord)
		return
	}
	if deep := nesting(raw); deep > fastjson.MaxDepth {
		u.fail(raw, TooDeep, "the JSON is nested %d deep, more than %d", deep, fastjson.MaxDepth)
		return
	}
	if repaired, ok := singleQuotes(raw); ok {
		if value, err := u.parsers[depth].ParseBytes(repaired); err == nil {
			if u.recognise(value) == nil {
				raw = repaired // an envelope's elements are cut from its text
			}
			u.object(value, raw, depth)
			return
		}
	}
	if beginsEnvelope(raw) { // cut off: the elements before the cut are whole
		u.envelope(raw, depth)
		return
	}
	u.fail(raw, MalformedJSON, "not JSON: %.200v", parseError)
}

// quoted takes a JSON string whose content is text again.
func (u *unwrapper) quoted(raw []byte, depth int) {
	value, err := u.parsers[depth].ParseBytes(raw)
	if err != nil {
		u.line(raw, depth)
		return
	}
	u.text(value.GetStringBytes(), depth+1)
}

// line takes a line of text: of a format that has such lines, or one with a
// prefix before its JSON, which is how Logstash's plain codec writes.
func (u *unwrapper) line(raw []byte, depth int) {
	u.lines.Reset()
	value := u.lines.NewStringBytes(raw)
	if f := u.recognise(value); f != nil {
		u.element(f, value, raw)
		return
	}
	if tooManyValues(raw) {
		u.unknown(raw, "the line of text")
		return
	}
	for at, tries := 0, 0; tries < maxPrefixBraces; tries++ {
		next := bytes.IndexByte(raw[at:], '{')
		if next < 0 {
			break
		}
		at += next
		if inside, err := u.parsers[depth].ParseBytes(raw[at:]); err == nil {
			u.object(inside, raw[at:], depth)
			return
		}
		at++
	}
	u.unknown(raw, "the line of text")
}

// object takes a parsed object: an element, or an envelope around some.
func (u *unwrapper) object(value *fastjson.Value, raw []byte, depth int) {
	f := u.recognise(value)
	if f == nil {
		u.envelope(raw, depth)
		return
	}
	if f.carrier {
		if inside := u.carried(value); inside != nil {
			u.text(inside, depth+1)
			return
		}
	}
	u.element(f, value, raw)
}

// carried is the text of another format's event inside an element of a format
// that log shippers use as their envelope, or nil.
func (u *unwrapper) carried(value *fastjson.Value) []byte {
	for _, path := range [...][]string{{"event", "original"}, {"event.original"}, {"message"}, {"log"}} {
		inside := value.GetStringBytes(path...)
		if len(inside) < 2 || inside[0] != '{' || tooManyValues(inside) {
			continue
		}
		v, err := u.probe.ParseBytes(inside)
		if err != nil {
			continue
		}
		if f := u.recognise(v); f != nil && !f.carrier {
			return inside
		}
	}
	return nil
}

// envelope looks for elements inside an object that is none itself.
func (u *unwrapper) envelope(raw []byte, depth int) {
	var values [len(carriers)][]byte
	members(raw, func(key, value []byte) bool {
		for i := range carriers {
			if values[i] == nil && string(key) == carriers[i].key {
				values[i] = value
			}
		}
		return true
	})
	for i, carrier := range carriers {
		value := values[i]
		if carrier.inner != "" {
			value = member(value, carrier.inner)
		}
		if len(value) == 0 {
			continue
		}
		switch {
		case value[0] == '"':
			if u.textIn(value, depth) {
				return
			}
		case carrier.textOnly:
		case value[0] == '{':
			u.text(value, depth+1)
			return
		case value[0] == '[':
			elements(value, func(element []byte) bool {
				u.inside(element, depth+1)
				return u.count <= maxElements
			})
			return
		}
	}
	u.unknown(raw, "the JSON object")
}

// carriers lists where envelopes and log shippers put events, in the order in
// which they are tried.
var carriers = [...]struct {
	key, inner string
	textOnly   bool // it holds the event as a string
}{
	{key: "records"},
	{key: "Records"},
	{key: "data", inner: "events"},     // Okta event hooks
	{key: "detail", inner: "LogEvent"}, // Okta through EventBridge
	{key: "detail"},                    // EventBridge
	{key: "payload"},                   // Kafka Connect
	{key: "logEvents"},                 // CloudWatch
	{key: "items"},
	{key: "value"}, // a page of Microsoft Graph
	{key: "LogEvent"},
	{key: "data"},
	{key: "event", inner: "original", textOnly: true}, // Filebeat
	{key: "event.original", textOnly: true},
	{key: "message", textOnly: true},
	{key: "log", textOnly: true}, // Fluent Bit, Docker
	{key: "_raw"},                // Cribl, Splunk
	{key: "raw"},
}

// inside takes one element of an envelope's array.
func (u *unwrapper) inside(element []byte, depth int) {
	switch {
	case len(element) == 0:
	case depth > maxDepth:
		u.fail(element, TooDeep, "the event lies in more than %d envelopes", maxDepth)
	case element[0] == '"':
		u.quoted(element, depth)
	default:
		u.text(element, depth)
	}
}

// textIn takes the content of a JSON string if it may hold an event: JSON,
// compressed or not, or a line that a format or a prefix explains. It reports
// whether it did.
func (u *unwrapper) textIn(quoted []byte, depth int) bool {
	if depth >= maxDepth {
		return false
	}
	value, err := u.parsers[depth].ParseBytes(quoted)
	if err != nil {
		return false
	}
	content, err := decode(bytes.TrimSpace(value.GetStringBytes()))
	if err != nil || len(content) == 0 {
		return false
	}
	if content[0] != '{' && content[0] != '[' && bytes.IndexByte(content, '{') < 0 {
		u.lines.Reset()
		if u.recognise(u.lines.NewStringBytes(content)) == nil {
			return false
		}
	}
	u.text(content, depth+1)
	return true
}

// recognise is the format of an element, or nil.
func (u *unwrapper) recognise(value *fastjson.Value) *format {
	for i := range u.formats {
		if u.formats[i].recognise(value) {
			return &u.formats[i]
		}
	}
	return nil
}

func (u *unwrapper) element(f *format, value *fastjson.Value, raw []byte) {
	u.count++
	u.found(f, value, raw)
}

// fail counts and passes on a piece that is no element.
func (u *unwrapper) fail(raw []byte, reason, message string, args ...any) {
	u.count++
	u.lost(reject(reason, message, args...), raw)
}

func (u *unwrapper) unknown(raw []byte, what string) {
	if len(u.formats) == 1 {
		u.fail(raw, UnknownFormat, "%s is not of the source's format %s", what, u.formats[0].name)
		return
	}
	u.fail(raw, UnknownFormat, "%s is of no known format: set the source's format, or give it a mapping", what)
}

// full reports whether the record has had its maxElements; the first time, the
// rest becomes one dead letter.
func (u *unwrapper) full(rest []byte) bool {
	if u.count == maxElements {
		u.fail(rest, TooManyElements, "the record holds more than %d events: the rest is not read", maxElements)
	}
	return u.count > maxElements
}

// tooManyValues reports whether parsing b as JSON could take more memory than
// maxValues values do.
func tooManyValues(b []byte) bool {
	return len(b) > maxValues && bytes.Count(b, []byte{','}) > maxValues
}

// beginsEnvelope reports whether an object's first key is one with which
// envelopes begin, so that it is not parsed whole and then once more in parts.
func beginsEnvelope(raw []byte) bool {
	for _, begin := range [...]string{`"records"`, `"Records"`, `"logEvents"`, `"items"`, `"schema"`} {
		if bytes.HasPrefix(skipSpace(raw[1:]), []byte(begin)) {
			return true
		}
	}
	return false
}

// singleQuotes turns the single quotes of a dictionary as Python prints it
// into JSON's, where nothing is ambiguous.
func singleQuotes(raw []byte) ([]byte, bool) {
	if bytes.IndexByte(raw, '"') >= 0 || bytes.IndexByte(raw, '\'') < 0 {
		return nil, false
	}
	return bytes.ReplaceAll(raw, []byte{'\''}, []byte{'"'}), true
}
