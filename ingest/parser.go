// Package ingest turns what identity providers log into riskstream's events.
//
// A record is what Kafka or a file delivers. It is unwrapped (compression,
// envelopes, arrays, JSON in strings) to elements; each element is recognised
// as one format and parsed to events, or becomes a dead letter. Nothing is
// dropped silently, and one bad element does not take its neighbours along.
//
// Everything here is a function of the record and the configuration; nothing
// asks for the time of day.
package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// maxAhead is how far an event may lie ahead of its record's Kafka timestamp
// before it is taken for one of a broken clock.
const maxAhead = 5 * event.Minute

// DefaultTenant is the tenant of a source that names none.
const DefaultTenant = "default"

// Source is one stream of logs, as sources[] of the configuration says.
type Source struct {
	Topic   string   `yaml:"topic"`   // Kafka topic; "" for files
	Format  string   `yaml:"format"`  // name of a format; "" to recognise each event
	Tenant  string   `yaml:"tenant"`  // of all its events; "" is DefaultTenant
	Mapping *Mapping `yaml:"mapping"` // of a log that riskstream does not know
}

// Options are what all sources share.
type Options struct {
	// KeepOriginal keeps the raw event in event.original, up to 64 KiB. Events
	// without a subject never keep it: it may hold what was typed for a user
	// whom the provider does not know.
	KeepOriginal bool

	// Enrich adds what the log does not tell; nil for nothing. It may rewrite
	// user.subject.
	Enrich func(*event.Event)
}

// Parser turns the records of one source into events. It reuses its buffers
// and is not safe for concurrent use: one for each goroutine.
type Parser struct {
	source Source
	opts   Options
	unwrap unwrapper
	events []event.Event // of the element at hand
	texts  event.Arena   // the events' strings

	// Of the record at hand.
	origin    event.Origin
	kafkaTime event.Time
	emit      func(*event.Event)
	reject    func(DeadLetter)
}

// Formats lists the names that Source.Format may have, sorted.
func Formats() []string {
	names := []string{nativeName}
	for _, f := range formats() {
		names = append(names, f.name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// NewParser prepares a parser for a source. A format that does not exist is an
// error that lists those that do.
func NewParser(source Source, opts Options) (*Parser, error) {
	if source.Tenant == "" {
		source.Tenant = DefaultTenant
	}
	p := &Parser{source: source, opts: opts}
	candidates, err := p.candidates()
	if err != nil {
		return nil, err
	}
	p.unwrap = unwrapper{formats: candidates, found: p.element, lost: p.lost}
	return p, nil
}

// candidates are the formats that the source's elements may have.
func (p *Parser) candidates() ([]format, error) {
	switch name := p.source.Format; {
	case p.source.Mapping != nil:
		if name == "" {
			name = "mapping"
		}
		return []format{p.source.Mapping.format(name)}, nil
	case name == nativeName:
		return []format{native()}, nil
	case name != "":
		for _, f := range formats() {
			if f.name == name {
				return []format{f}, nil
			}
		}
		return nil, fmt.Errorf("format %q is unknown: want one of %s, or leave it out to have each event recognised",
			name, strings.Join(Formats(), ", "))
	case p.source.Topic == "":
		return append([]format{native()}, formats()...), nil
	}
	// What arrives in a topic of logs must not pass itself off as riskstream's
	// own event, which names its tenant and is not enriched.
	return formats(), nil
}

// Parse turns one record into events and dead letters, which arrive in the
// order in which they stand in the record and number their origin's Index in
// that order. The event that emit gets is valid during the call only; its
// strings stay valid, in an event.Arena.
func (p *Parser) Parse(record []byte, origin event.Origin, emit func(*event.Event), reject func(DeadLetter)) {
	p.ParseAt(record, origin, 0, emit, reject)
}

// ParseAt is Parse for a record that Kafka stamped with kafkaTime: events more
// than 5 minutes ahead of it become dead letters. A kafkaTime of 0 does not
// check.
func (p *Parser) ParseAt(record []byte, origin event.Origin, kafkaTime event.Time, emit func(*event.Event), reject func(DeadLetter)) {
	p.origin, p.kafkaTime, p.emit, p.reject = origin, kafkaTime, emit, reject
	p.origin.Index = 0
	p.unwrap.record(record)
	p.emit, p.reject = nil, nil
}

// element parses one element and passes its events on.
func (p *Parser) element(f *format, value *fastjson.Value, raw []byte) {
	events, err := parseSafely(f, value, p.events[:0])
	p.events = events[:0]
	if err != nil {
		p.lose(err, f.name, raw)
		return
	}
	native := f.name == nativeName
	if !native {
		for i := range events {
			own(&events[i], &p.texts)
		}
	}
	for i := range events {
		e := &events[i]
		p.stamp(e, native, i, f, raw)
		if err := p.check(e); err != nil {
			p.lose(err, f.name, raw)
			continue
		}
		resolveSubject(e)
		if p.opts.KeepOriginal && !native && e.User.Subject != "" {
			e.Original = p.texts.String(raw[:min(len(raw), maxRaw)])
		}
		if p.opts.Enrich != nil && !native {
			p.opts.Enrich(e)
		}
		p.emit(e)
		p.origin.Index++
	}
}

// parseSafely turns a panic of a parse function into an error, so that one
// strange event cannot stop the stream.
func parseSafely(f *format, value *fastjson.Value, into []event.Event) (events []event.Event, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			events, err = into, reject(ParserPanic, "the %s parser failed on this event, please report it: %v", f.name, fault)
		}
	}()
	return f.parse(value, into)
}

// stamp sets what does not come from the log's own fields. In a file,
// riskstream's own events keep what they have; in a topic they do not choose
// their tenant and origin either.
func (p *Parser) stamp(e *event.Event, native bool, i int, f *format, raw []byte) {
	if !native || p.source.Topic != "" {
		e.Tenant = p.source.Tenant
	}
	if !native || p.source.Topic != "" || !e.Origin.Set() {
		e.Origin = p.origin
	}
	if native {
		return
	}
	e.Kind, e.Provider = event.KindEvent, f.name
	if e.ID == "" {
		e.ID = hash(raw)
		if i > 0 {
			e.ID += "-" + strconv.Itoa(i)
		}
	}
}

// check finds what makes an event unusable. Who can write to a source must not
// erase anybody; a file may be a dump of risk.events, where it was done.
func (p *Parser) check(e *event.Event) error {
	switch {
	case p.source.Topic != "" && e.Erases():
		return reject(InvalidEvent, "a source may not erase anybody: riskstream erase does")
	case e.Time == 0:
		return reject(NoTime, "the event says no time that can be read (the years 1990 to 2200, any common form)")
	case e.Time < event.MinTime || e.Time > event.MaxTime:
		return reject(NoTime, "the event's time %s is outside the years 1990 to 2200", e.Time)
	case p.kafkaTime != 0 && e.Time > p.kafkaTime+maxAhead:
		return reject(FutureTime, "the event's time %s is more than 5 minutes ahead of %s, when it reached Kafka: check the clock of its source", e.Time, p.kafkaTime)
	}
	return nil
}

// lost takes what unwrap could not find an element in.
func (p *Parser) lost(err error, raw []byte) { p.lose(err, p.source.Format, raw) }

func (p *Parser) lose(err error, format string, raw []byte) {
	p.reject(deadLetter(err, format, p.origin, raw))
	p.origin.Index++
}
