package engine

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
)

// Replay feeds files through ingest, the source lane and the subject lane, in
// file order, with no Kafka and no clock. Files share the state of subjects and
// sources; each file is an input log of its own. What a history has stored is
// replayed by Stored instead.
type Replay struct {
	lane       *Lane
	parser     *ingest.Parser
	partition  *Partition
	out        *bufio.Writer
	sources    *SourceLane
	networks   *Partition    // the state of the source lane
	activities []event.Event // of the event that is replayed, and the notes that follow
	records    *Records      // nil unless collected
	observers  []Observer
	sink       Sink // records and observers; nil when there is none
	stats      ReplayStats

	fallsFollow bool
	newest      event.Time

	storedKey []byte // of the user whose stored events are being replayed
	line      []byte
	reject    func(ingest.DeadLetter)
}

// Observer sees what a replay makes of its input, in order: of each event the
// records that a live run would publish, and then the event.
type Observer interface {
	Sink
	// Event is an event, or a signal, and the line of its file; 0 outside files.
	Event(e *event.Event, line int)
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

// replayMemory bounds the state of a replay, in bytes; storedMemory one that is
// done with a user before the next comes.
const (
	replayMemory = 64 << 30
	storedMemory = 256 << 20
)

// NewReplay writes replay lines to out. rejected is told of each dead letter.
func (p *Pipeline) NewReplay(source ingest.Source, out io.Writer, rejected func(ingest.DeadLetter)) (*Replay, error) {
	parser, err := p.Parser(source)
	if err != nil {
		return nil, err
	}
	r := p.newReplay(replayMemory, out)
	r.parser = parser
	r.reject = func(d ingest.DeadLetter) {
		r.stats.DeadLetters[d.Reason]++
		rejected(d)
	}
	return r, nil
}

// NewReplayOfStored is a replay for Stored alone. Its memory is that of some
// users, however many there are.
func (p *Pipeline) NewReplayOfStored(out io.Writer) *Replay { return p.newReplay(storedMemory, out) }

func (p *Pipeline) newReplay(memory int, out io.Writer) *Replay {
	return &Replay{
		lane:      p.Lane(),
		partition: NewPartition(memory),
		sources:   p.SourceLane(),
		networks:  NewPartition(memory),
		out:       bufio.NewWriterSize(out, 1<<16),
		stats:     ReplayStats{DeadLetters: map[string]int{}},
	}
}

// Collect makes the replay keep the records that the lane publishes, for
// Records.
func (r *Replay) Collect() {
	r.records = newRecords(r.lane.config)
	r.tell()
}

// Observe makes the replay tell an observer of everything.
func (r *Replay) Observe(o Observer) {
	r.observers = append(r.observers, o)
	r.tell()
}

func (r *Replay) tell() {
	var all sinks
	if r.records != nil {
		all = append(all, r.records)
	}
	for _, o := range r.observers {
		all = append(all, o)
	}
	r.sink = all
}

// FallsFollow makes levels fall whenever the newest event time passes a lapse,
// as they do live, and not only at the end.
func (r *Replay) FallsFollow() { r.fallsFollow = true }

// Records are the records collected so far.
func (r *Replay) Records() *Records { return r.records }

// Stats are the counts so far.
func (r *Replay) Stats() ReplayStats { return r.stats }

// Newest is the newest event time so far.
func (r *Replay) Newest() event.Time { return r.newest }

// File replays one file, plain or gzip, of any format that ingest reads.
func (r *Replay) File(in io.Reader) error {
	r.partition.marks = newMarks()
	return errors.Join(r.parser.ParseFile(in, r.event, r.reject), r.out.Flush())
}

// Stored replays one event of a history, which has all of a user's events, one
// user after the other: who is done with may be forgotten.
func (r *Replay) Stored(e *event.Event) {
	key := appendEventKey(r.line[:0], e)
	if !bytes.Equal(key, r.storedKey) {
		r.storedKey = append(r.storedKey[:0], key...)
		r.partition.marks = newMarks() // which know positions, whoever stands there
		r.newest = 0
	}
	r.line = key
	r.event(e, 0)
}

// Flush writes the lines of what was stored.
func (r *Replay) Flush() error { return r.out.Flush() }

// Take replays one event that somebody else has parsed, and returns what came of
// it, with what the signals that it caused have raised of its own subject; no
// line is written. It is for comparing several replays of one log, which is
// then parsed once. The result is valid until the next event.
func (r *Replay) Take(e *event.Event) Result { return r.take(e, 0) }

func (r *Replay) event(e *event.Event, line int) {
	if result := r.take(e, line); result.Status == Scored {
		r.line = appendLine(r.line[:0], e, &result)
		r.out.Write(r.line) // its error comes back from Flush
	}
}

// take takes an event through both lanes and counts what became of it.
func (r *Replay) take(e *event.Event, line int) Result {
	r.newest = max(r.newest, e.Time)
	if r.fallsFollow {
		r.FallUntil(r.newest)
	}
	caused := r.signal(e, line)
	result := r.process(e, line)
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
	}
	return result
}

// process takes an event through the lane and tells those who watch.
func (r *Replay) process(e *event.Event, line int) Result {
	result := r.lane.Process(r.partition, e, r.sink)
	for _, o := range r.observers {
		o.Event(e, line)
	}
	return result
}

// signal takes an event through the source lane and applies the signals that
// it causes. It returns what they have raised of the event's own subject. An
// event of a dump of risk.events causes none: its signals stand in the dump.
func (r *Replay) signal(e *event.Event, line int) []event.Detection {
	if e.Origin.Set() {
		return nil
	}
	var caused []event.Detection
	r.activities = e.AppendActivities(r.activities[:0])
	for i := 0; i < len(r.activities); i++ {
		_, sent := r.sources.Process(r.networks, &r.activities[i])
		for _, signal := range sent {
			if signal.ActivityKey() != "" {
				r.activities = append(r.activities, signal) // a note
				continue
			}
			result := r.process(&signal, line)
			if result.Status != Signalled {
				continue
			}
			r.stats.Signals++
			if signal.User.Subject == e.User.Subject {
				caused = append(caused, result.Detections...)
			}
		}
	}
	r.networks.commit()
	return caused
}

// FallUntil publishes, to the collected records and observers, every level that
// falls up to the given time.
func (r *Replay) FallUntil(until event.Time) {
	if r.sink != nil {
		r.stats.Falls += r.lane.Fall(r.partition, until, math.MaxInt, r.sink)
		r.partition.commit()
	}
}

// WriteState writes the canonical state of every subject, one JSON line each,
// sorted by key.
func (r *Replay) WriteState(w io.Writer) error { return writeState(w, r.partition) }

// sinks are several that take the same.
type sinks []Sink

func (s sinks) Detections(e *event.Event, detections []event.Detection) {
	for _, to := range s {
		to.Detections(e, detections)
	}
}

func (s sinks) Score(record *event.Score) {
	for _, to := range s {
		to.Score(record)
	}
}

func (s sinks) Gone(session *event.Score) {
	for _, to := range s {
		to.Gone(session)
	}
}
