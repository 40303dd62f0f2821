package engine

import (
	"bufio"
	"io"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
)

// Replay feeds files through ingest and the subject lane, in file order, with
// no Kafka and no clock. Files share their subjects' state; each file is an
// input log of its own.
type Replay struct {
	lane      *Lane
	parser    *ingest.Parser
	partition *Partition
	out       *bufio.Writer
	records   *Records // nil unless collected
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

// maxReplaySubjects bounds the state of a replay.
const maxReplaySubjects = 50_000_000

// NewReplay writes replay lines to out. rejected is told of each dead letter.
func (p *Pipeline) NewReplay(source ingest.Source, out io.Writer, rejected func(ingest.DeadLetter)) (*Replay, error) {
	parser, err := p.Parser(source)
	if err != nil {
		return nil, err
	}
	r := &Replay{
		lane:      p.Lane(),
		parser:    parser,
		partition: NewPartition(maxReplaySubjects),
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
	r.partition.marks = marks{}
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
	result := r.lane.Process(r.partition, e, sink)
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

// FallUntil publishes, to the collected records, every level that falls up to
// the given time.
func (r *Replay) FallUntil(until event.Time) {
	if r.records != nil {
		r.stats.Falls += r.lane.Fall(r.partition, until, r.records)
	}
}

// WriteState writes the canonical state of every subject, one JSON line each,
// sorted by key.
func (r *Replay) WriteState(w io.Writer) error { return writeState(w, r.partition.store) }
