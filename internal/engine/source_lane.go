package engine

import (
	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

// SourceLane sees what comes from one source network across many subjects, and
// sends signals to the subjects concerned. A signal is a record of risk.events,
// so that the subject lane has one input. It belongs to one goroutine.
type SourceLane struct {
	detectors *detectors.Set
	memory    detectors.SourceMemory // of the network in the lane
	signals   []event.Event
	key       []byte
	value     []byte
	damaged   uint64 // memories that could not be read
}

// SourceLane makes a source lane for one goroutine.
func (p *Pipeline) SourceLane() *SourceLane { return &SourceLane{detectors: p.detectors} }

// Process takes an activity, or the event that it is of, through the lane and
// returns the signals that it causes, in a fixed order. They are valid until
// the next call.
func (l *SourceLane) Process(p *Partition, e *event.Event) (Status, []event.Event) {
	if !p.marks.advance(&e.Origin) {
		return Repeated, nil
	}
	if e.Erases() {
		l.erase(p, e)
		return Signalled, nil
	}
	network := e.NetworkKey()
	if network == "" {
		return NoSubject, nil
	}
	l.key = append(append(l.key[:0], sourcePrefix...), network...)
	value, _ := p.store.Get(l.key)
	if err := readSource(&l.memory, value); err != nil {
		l.damaged++
	}
	activity := e.Activity() // what a replay knows more than the topic must not count
	l.signals = l.detectors.DetectSource(&activity, &l.memory, l.signals[:0])
	l.value = l.memory.AppendBinary(l.value[:0])
	p.store.Put(tierOf(l.key, l.value), l.key, l.value)
	return Scored, l.signals
}

// readSource sets the memory to the encoded value; an empty one is a network
// never seen. After an error the memory is that of one never seen.
func readSource(m *detectors.SourceMemory, value []byte) error {
	if len(value) == 0 {
		*m = detectors.SourceMemory{}
		return nil
	}
	r := wire.NewReader(value)
	m.DecodeBinary(&r)
	if err := r.End(); err != nil {
		*m = detectors.SourceMemory{}
		return err
	}
	return nil
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
