package engine

import (
	"bufio"
	"io"
	"math"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
)

// Replay feeds files through ingest, the source lane and the subject lane, in
// file order, with no Kafka and no clock. Files share the state of subjects and
// sources; each file is an input log of its own.
type Replay struct {
	lane      *Lane
	parser    *ingest.Parser
	partition *Partition
	out       *bufio.Writer
	sources   *SourceLane
	networks  *Partition // the state of the source lane
	records   *Records   // nil unless collected
	stats     ReplayStats

	line   []byte
	reject func(ingest.DeadLetter)
}

// ReplayStats counts what a replay read and what has no line of its own.
type ReplayStats struct {
	Lines       int // unique events, each with its line
	Repeats     int
	Signals     int
	NoSubject   int
	Falls       int
	DeadLetters map[string]int // by reason
}

// replayMemory bounds the state of a replay, in bytes.
const replayMemory = 64 << 30

// NewReplay writes replay lines to out. rejected is told of each dead letter.
func (p *Pipeline) NewReplay(source ingest.Source, out io.Writer, rejected func(ingest.DeadLetter)) (*Replay, error) {
	parser, err := p.Parser(source)
	if err != nil {
		return nil, err
	}
	r := &Replay{
		lane:      p.Lane(),
		parser:    parser,
		partition: NewPartition(replayMemory),
		sources:   p.SourceLane(),
		networks:  NewPartition(replayMemory),
		out:       bufio.NewWriterSize(out, 1<<16),
		stats:     ReplayStats{DeadLetters: map[string]int{}},
	}
	r.reject = func(d ingest.DeadLetter) {
		r.stats.DeadLetters[d.Reason]++
		rejected(d)
	}
	return r, nil
}

// Collect makes the replay keep the records that the lane publishes, for
// Records.
func (r *Replay) Collect() { r.records = newRecords(r.lane.config) }

// Records are the records collected so far.
func (r *Replay) Records() *Records { return r.records }

// Stats are the counts so far.
func (r *Replay) Stats() ReplayStats { return r.stats }

// File replays one file, plain or gzip, of any format that ingest reads.
func (r *Replay) File(in io.Reader) error {
	r.partition.marks = newMarks()
	err := r.parser.ParseFile(in, r.event, r.reject)
	if flushErr := r.out.Flush(); err == nil {
		err = flushErr
	}
	return err
}

func (r *Replay) event(e *event.Event) {
	var sink Sink // none: lines need no records
	if r.records != nil {
		sink = r.records
	}
	caused := r.signal(e, sink)
	result := r.lane.Process(r.partition, e, sink)
	r.lane.explain(&result, caused)
	r.partition.commit() // nothing is taken back
	switch result.Status {
	case Repeated:
		r.stats.Repeats++
	case NoSubject:
		r.stats.NoSubject++
	case Signalled:
		r.stats.Signals++
	case Scored:
		r.stats.Lines++
		r.line = appendLine(r.line[:0], e, &result)
		r.out.Write(r.line) // its error comes back from Flush
	}
}

// signal takes an event through the source lane and applies the signals that
// it causes. It returns what they have raised of the event's own subject. An
// event of a dump of risk.events causes none: its signals stand in the dump.
func (r *Replay) signal(e *event.Event, sink Sink) []event.Detection {
	if e.Origin.Set() {
		return nil
	}
	_, signals := r.sources.Process(r.networks, e)
	r.networks.commit()
	var caused []event.Detection
	for _, signal := range signals {
		result := r.lane.Process(r.partition, &signal, sink)
		if result.Status != Signalled {
			continue
		}
		r.stats.Signals++
		if signal.User.Subject == e.User.Subject {
			caused = append(caused, result.Detections...)
		}
	}
	return caused
}

// FallUntil publishes, to the collected records, every level that falls up to
// the given time.
func (r *Replay) FallUntil(until event.Time) {
	if r.records != nil {
		r.stats.Falls += r.lane.Fall(r.partition, until, math.MaxInt, r.records)
		r.partition.commit()
	}
}

// WriteState writes the canonical state of every subject, one JSON line each,
// sorted by key.
func (r *Replay) WriteState(w io.Writer) error { return writeState(w, r.partition) }
