package history

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// Loader writes into the history what a replay makes of log files, as a Sink
// would if the same had been published. A file is known by its SHA-256: loading
// it again adds nothing, and a load that was cut off goes on where it was.
//
// The rows of a file have "sha256:" and its sum for a topic. Their offset is
// the number of the element of the file that they follow from, and behind it
// which of its rows they are; since the rows of events are inserted last,
// everything up to the last of them is there, or was erased.
type Loader struct {
	ctx    context.Context // of the whole loading: observers of a replay get none
	store  *Store
	config string // hash of the configuration
	at     time.Time
	err    error // the first one, which ends the loading

	file    string           // as a topic
	done    map[string]int64 // the highest offset that is stored, by table
	open    map[string]batch // by table
	element int64            // of the file, from 1
	row     map[string]int64 // of the element, by table
	fresh   bool             // has had an event that was not stored
	line    int              // of the last event
	inLine  int32            // events of that line before
	value   []byte

	sent     []batch    // being inserted
	inserted chan error // its outcome; nil when nothing is being inserted
	spares   spares
	rows     map[string]int64 // inserted, by table
}

// elementBits is how many bits of an offset number the rows of an element.
const elementBits = 16

// NewLoader makes a loader. config is the hash of the configuration, and at the
// time of loading, by which rows are kept.
func (s *Store) NewLoader(ctx context.Context, config string, at time.Time) *Loader {
	return &Loader{ctx: ctx, store: s, config: config, at: at, open: map[string]batch{}, row: map[string]int64{}, rows: map[string]int64{}}
}

// File begins a file, whose SHA-256 is sum, in hexadecimal. Files of one loader
// are one after the other in time.
func (l *Loader) File(sum string) error {
	if err := l.End(); err != nil {
		return err
	}
	l.file, l.element, l.fresh, l.line, l.inLine = fileTopic+sum, 0, false, 0, 0
	l.at = l.at.Add(time.Millisecond) // orders the files; see Read
	l.done = map[string]int64{}
	for _, table := range tables() {
		last := int64(-1)
		err := l.store.conn.QueryRow(l.ctx, "SELECT if(count() = 0, -1, max(offset)) FROM (SELECT offset FROM "+table+" WHERE topic = ? UNION ALL SELECT offset FROM "+tableErasures+" WHERE topic = ?)", l.file, l.file).Scan(&last)
		if err != nil {
			return fmt.Errorf("history: what is stored of the file in %s: %w", table, err)
		}
		l.done[table] = last
	}
	l.begin()
	return nil
}

// begin begins the next element of the file.
func (l *Loader) begin() {
	l.element++
	clear(l.row)
}

// Event takes an event, whose detections and scores came before, or a signal,
// which comes before the event that causes it. line is where it stands.
func (l *Loader) Event(e *event.Event, line int) {
	stored := *e
	if !stored.Origin.Set() {
		if line != l.line {
			l.line, l.inLine = line, 0
		}
		stored.Origin = event.Origin{Topic: l.file, Offset: int64(line), Index: l.inLine}
	}
	l.value = stored.AppendJSON(l.value[:0])
	if e.Kind == event.KindSignal {
		l.add(tableEvents, nil, l.value)
		return
	}
	l.inLine++
	l.row[tableEvents] = 1<<elementBits - 1 // behind all its signals
	l.add(tableEvents, nil, l.value)
	l.begin()
}

// DeadLetter takes what became no event.
func (l *Loader) DeadLetter(d publish.DeadLetter, line int) {
	d.Origin = event.Origin{Topic: l.file, Offset: int64(line), Index: d.Origin.Index}
	l.value = publish.AppendDeadLetter(l.value[:0], d)
	l.add(tableDeadLetters, []byte(l.file), l.value)
	l.begin()
}

// Detections takes the detections of an event.
func (l *Loader) Detections(e *event.Event, detections []event.Detection) {
	for i := range detections {
		l.value = publish.AppendDetection(l.value[:0], e, &detections[i], l.config)
		l.add(tableDetections, nil, l.value)
	}
}

// Score takes a score.
func (l *Loader) Score(record *event.Score) {
	l.value = publish.AppendScore(l.value[:0], record)
	l.add(tableScores, []byte(record.Entity), l.value)
}

// Gone takes the end of a session's risk.
func (l *Loader) Gone(session *event.Score) {
	l.add(tableScores, []byte(session.Entity), nil)
}

// add adds a row, unless it is stored.
func (l *Loader) add(table string, key, value []byte) {
	offset := l.element<<elementBits | l.row[table]
	l.row[table]++
	whole := l.done[tableEvents] >= l.element<<elementBits // whatever configuration it was loaded under
	if l.err != nil || whole || offset <= l.done[table] {
		return
	}
	record := &kgo.Record{Topic: l.file, Key: key, Value: value, Offset: offset, Timestamp: l.at}
	if b := l.open[table]; b != nil && !b.fits(record) {
		// What follows from an event is stored before it. Here that is all but
		// the rows of the element at hand, so the events of those are not there.
		l.flush()
	}
	b := l.open[table]
	if b == nil {
		b = l.spares.take(table, l.file, 0)
		l.open[table] = b
	}
	l.fresh = l.fresh || table == tableEvents
	if err := b.add(record); err != nil {
		l.err = errors.Join(l.err, fmt.Errorf("a row for %s, at element %d of the file: %w", table, l.element, err))
	}
}

// flush has what is gathered inserted, events last, while the replay goes on.
func (l *Loader) flush() {
	l.settle()
	var group []batch
	for _, table := range []string{tableDetections, tableScores, tableDeadLetters, tableEvents} {
		if b := l.open[table]; b != nil && b.info().rows > 0 && l.err == nil {
			group = append(group, b)
		}
		delete(l.open, table)
	}
	if len(group) == 0 {
		return
	}
	done := make(chan error, 1)
	l.sent, l.inserted = group, done
	go func() { done <- l.insert(group) }()
}

// insert inserts batches one after the other, until one fails.
func (l *Loader) insert(group []batch) error {
	for _, b := range group {
		if err := b.insert(l.ctx, l.store.conn); err != nil {
			return fmt.Errorf("history: %d rows into %s: %w; load the file again to go on", b.info().rows, b.info().table, err)
		}
		b.info().in = true
	}
	return nil
}

// settle waits for what is being inserted.
func (l *Loader) settle() {
	if l.inserted == nil {
		return
	}
	l.err = errors.Join(l.err, <-l.inserted)
	l.inserted = nil
	for _, b := range l.sent {
		if b.info().in {
			l.rows[b.info().table] += int64(b.info().rows)
			l.spares.give(b)
		}
	}
	l.sent = nil
}

// Fresh reports that the file has events that were not stored before it.
func (l *Loader) Fresh() bool { return l.fresh }

// Err is what went wrong, after which nothing more is taken.
func (l *Loader) Err() error { return l.err }

// End inserts what is left of the last file.
func (l *Loader) End() error {
	l.flush()
	l.settle()
	return l.err
}

// Close waits for what is being inserted, when a load is given up.
func (l *Loader) Close() { l.settle() }

// Rows are how many events, signals among them, and dead letters have been
// added to the history.
func (l *Loader) Rows() (events, deadLetters int64) {
	return l.rows[tableEvents], l.rows[tableDeadLetters]
}
