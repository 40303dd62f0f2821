package engine

import (
	"strings"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// SourceLane sees what comes from one source network, into one application or
// upon the whole organisation, across many subjects. It sends signals to the
// subjects concerned, which are records of risk.events, so that the subject
// lane has one input; and notes from one of its keys to another, which are
// records of its own input. It belongs to one goroutine.
type SourceLane struct {
	detectors *detectors.Set
	network   detectors.SourceMemory // of the key in the lane, as its kind is
	app       detectors.AppMemory
	org       detectors.OrgMemory
	sent      []event.Event
	key       []byte
	value     []byte
	damaged   uint64 // memories that could not be read
}

// SourceLane makes a source lane for one goroutine.
func (p *Pipeline) SourceLane() *SourceLane { return &SourceLane{detectors: p.detectors} }

// Process takes an activity or a note through the lane and returns what it
// causes, in a fixed order: signals, and notes, which alone have an
// event.ActivityKey. They are valid until the next call.
func (l *SourceLane) Process(p *Partition, e *event.Event) (Status, []event.Event) {
	key := e.ActivityKey()
	kind, known := kindOf(key)
	if !p.marks.advance(kind, &e.Origin) {
		return Repeated, nil
	}
	if e.Erases() {
		l.erase(p, e)
		return Signalled, nil
	}
	if !known {
		return NoSubject, nil
	}
	memory := l.memoryOf(kind)
	l.key = append(append(l.key[:0], sourcePrefix...), key...)
	value, _ := p.store.Get(l.key)
	if err := readSource(memory, value); err != nil {
		l.damaged++
	}
	l.sent = l.detect(kind, e)
	l.value = memory.AppendBinary(l.value[:0])
	p.store.Put(tierOf(l.key, l.value), l.key, l.value)
	return Scored, l.sent
}

// kindOf is the kind of a key of the source lane.
func kindOf(key string) (kind keyKind, known bool) {
	switch {
	case strings.HasPrefix(key, event.NetworkPrefix):
		return subjectOrNetwork, true
	case strings.HasPrefix(key, event.AppPrefix):
		return application, true
	case strings.HasPrefix(key, event.OrgPrefix):
		return organisation, true
	}
	return subjectOrNetwork, false
}

// sourceVersion is the newest version of the memory behind a key of the source
// lane; 0 when the key is of no kind.
func sourceVersion(key string) byte {
	switch kind, known := kindOf(key); {
	case !known:
		return 0
	case kind == application:
		return detectors.AppVersion
	case kind == organisation:
		return detectors.OrgVersion
	}
	return detectors.SourceVersion
}

// memoryOf is where the memory of a key of the kind is read to.
func (l *SourceLane) memoryOf(kind keyKind) sourceMemory {
	switch kind {
	case application:
		return &l.app
	case organisation:
		return &l.org
	}
	return &l.network
}

func (l *SourceLane) detect(kind keyKind, e *event.Event) []event.Event {
	switch kind {
	case application:
		return l.detectors.DetectApp(e, &l.app, l.sent[:0])
	case organisation:
		return l.detectors.DetectOrg(e, &l.org, l.sent[:0])
	}
	return l.detectors.DetectSource(e, &l.network, l.sent[:0])
}

// sourceMemory is what is remembered of a key of the source lane.
type sourceMemory interface {
	AppendBinary(b []byte) []byte
	DecodeBinary(r *wire.Reader)
}

// readSource sets the memory to the encoded value; an empty one is a key never
// seen. After an error the memory is that of one never seen.
func readSource(m sourceMemory, value []byte) error {
	if len(value) == 0 {
		clearSource(m)
		return nil
	}
	r := wire.NewReader(value)
	m.DecodeBinary(&r)
	if err := r.End(); err != nil {
		clearSource(m)
		return err
	}
	return nil
}

func clearSource(m sourceMemory) {
	switch m := m.(type) {
	case *detectors.SourceMemory:
		*m = detectors.SourceMemory{}
	case *detectors.AppMemory:
		*m = detectors.AppMemory{}
	case *detectors.OrgMemory:
		*m = detectors.OrgMemory{}
	}
}

// explain adds to a line what signals have raised on account of its event, with
// their share of the score after it. It must follow the Process of the event.
func (l *Lane) explain(r *Result, caused []event.Detection) {
	if r.Status != Scored || len(caused) == 0 {
		return
	}
	r.Detections = append(caused, r.Detections...)
	l.scorer.SetPoints(r.Detections, l.subject.open, r.AsOf)
}
