// Package engine turns events into scores. Lane is the way of one event:
// deduplicate → detect → rules → score → decide → publish, over the state of
// its subject. Replay feeds a Lane from files; Run feeds one per worker from
// Kafka, behind ingest. Both run the same code, so that a replay of a log gives
// the records that were published live.
package engine

import (
	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/rules"
	"github.com/riskstream/riskstream/scoring"
)

// Late is how far an event may lie behind its subject's newest one and still
// teach the baselines something.
const Late = event.Day

// Status says what became of an event in the lane.
type Status int

// What becomes of an event.
const (
	Scored    Status = iota
	Signalled        // a signal: applied, but no event of the log
	Repeated         // seen before: ingest's or the identity provider's repeat
	NoSubject        // nobody to score
)

// Result is what the lane made of one event. Its slices are valid until the
// next Process.
type Result struct {
	Status     Status
	Subject    string
	EventRisk  float64
	Score      float64
	Level      event.Level
	Decision   event.Decision
	AsOf       event.Time // newest event time of the subject
	Detections []event.Detection
}

// Sink takes the records that the lane publishes. Of what it is given only the
// score records may be kept.
type Sink interface {
	// Detections raised by one event; never empty.
	Detections(e *event.Event, detections []event.Detection)
	// Score is a new record of a user or session, caused by an event or by
	// the passing of time.
	Score(record *event.Score)
	// Gone is the end of a record: of a session's risk, or of whoever is
	// erased. Only the entity is sure to be set.
	Gone(record *event.Score)
}

// Lane evaluates events one after the other. It belongs to one goroutine.
type Lane struct {
	detectors *detectors.Set
	rules     *rules.Evaluator
	scorer    *scoring.Evaluator
	config    string // hash of the configuration, for the records

	subject    subject // of the event in the lane
	detections []event.Detection
	key, value []byte
	damaged    uint64 // subjects whose state could not be read
}

// Process takes one event through the lane. A nil Sink takes no records.
func (l *Lane) Process(p *Partition, e *event.Event, out Sink) Result {
	if !p.marks.advance(subjectOrNetwork, &e.Origin) {
		return Result{Status: Repeated}
	}
	if e.User.Subject == "" {
		return Result{Status: NoSubject}
	}
	if e.Erases() {
		l.erase(p, e, out)
		return Result{Status: Signalled, Subject: e.User.Subject}
	}
	sub := l.recall(p, e)
	if !sub.seen.add(e) {
		return Result{Status: Repeated}
	}
	detections := l.detect(e, sub)
	var scored scoring.Result
	scored, sub.open = l.scorer.Apply(e, detections, &sub.score, sub.open)
	l.learn(e, sub, scored)
	l.publish(p, e, sub, detections, scored, out)
	l.remember(p, sub)

	return Result{
		Status:     status(e),
		Subject:    e.User.Subject,
		EventRisk:  scored.EventRisk,
		Score:      scored.Score,
		Level:      scored.Level,
		Decision:   scored.Decision,
		AsOf:       sub.score.AsOf,
		Detections: detections,
	}
}

// recall decodes the state of the event's subject. Damaged state, which no
// checksum has caught, is counted and begun afresh: one subject must not stop
// the others.
func (l *Lane) recall(p *Partition, e *event.Event) *subject {
	l.key = appendSubjectKey(l.key[:0], e)
	value, _ := p.store.Get(l.key)
	if err := l.subject.read(value); err != nil {
		l.damaged++
	}
	l.subject.verified = l.subject.verified || scoring.Proves(e)
	return &l.subject
}

// remember encodes the state of the subject that recall decoded.
func (l *Lane) remember(p *Partition, sub *subject) {
	l.value = sub.appendTo(l.value[:0])
	p.store.Put(tierOf(l.key, l.value), l.key, l.value)
}

// detect runs detectors, then rules, which see what the detectors found, and
// weighs what they raised. A signal is evidence by itself.
func (l *Lane) detect(e *event.Event, sub *subject) []event.Detection {
	l.detections = l.detections[:0]
	if e.Kind == event.KindSignal {
		l.detections = l.detectors.DetectSignal(e, l.detections)
		l.scorer.Weigh(l.detections)
		return l.detections
	}
	asOf := max(sub.score.AsOf, e.Time)
	score, level := l.scorer.At(&sub.score, sub.open, asOf)
	l.detections = l.detectors.Detect(e, &sub.memory, detectors.Standing{AsOf: asOf, Level: level}, l.detections)
	l.detections = l.rules.Match(e, l.view(e, sub, score, level), l.detections)
	l.scorer.Weigh(l.detections)
	return l.detections
}

// Fall publishes the levels that fall up to now, but at most so many, and
// returns how many did. A fall changes no state: its record follows from the
// record before it.
func (l *Lane) Fall(p *Partition, now event.Time, most int, out Sink) int {
	n := 0
	for n < most {
		rec := p.falls.next(now)
		if rec == nil {
			break
		}
		fallen, remains := l.scorer.Fall(rec)
		if remains {
			out.Score(&fallen)
		} else {
			out.Gone(&fallen)
			fallen.Lapses = nil // else a restart would publish its end again
		}
		p.falls.schedule(&fallen)
		n++
	}
	return n
}

// view is what rules may know of the subject before the event.
func (l *Lane) view(e *event.Event, sub *subject, score float64, level event.Level) rules.Subject {
	known := l.detectors.Familiarity(e, &sub.memory)
	return rules.Subject{
		Score:          score,
		Level:          level,
		SignIns:        known.SignIns,
		DaysKnown:      known.DaysKnown,
		KnownDevice:    known.KnownDevice,
		KnownNetwork:   known.KnownNetwork,
		KnownCountry:   known.KnownCountry,
		RecentFailures: known.RecentFailures,
	}
}

// learn lets the baselines take from the event what its risk allows.
func (l *Lane) learn(e *event.Event, sub *subject, scored scoring.Result) {
	if e.Kind == event.KindSignal {
		switch e.Code {
		case event.ConfirmSafe:
			l.detectors.ConfirmSafe(&sub.memory)
		case event.ConfirmCompromised:
			l.detectors.ConfirmCompromised(&sub.memory)
		}
		return
	}
	late := sub.score.AsOf-e.Time > Late
	l.detectors.Learn(e, &sub.memory, detectors.Verdict{
		EventLevel: scored.EventLevel, Late: late, Distrusted: scored.Distrusted,
	})
}

// publish hands the event's detections and the records that it changed to the
// sink, and notes when their levels will fall.
func (l *Lane) publish(p *Partition, e *event.Event, sub *subject, detections []event.Detection, scored scoring.Result, out Sink) {
	if out == nil {
		return
	}
	if len(detections) > 0 {
		out.Detections(e, detections)
	}
	if scored.Changed {
		record := l.scorer.Record(e, &sub.score, scored, sub.open, l.config)
		out.Score(&record)
		p.falls.schedule(&record)
	}
	for _, session := range scored.Sessions {
		record, exists := l.scorer.SessionRecord(e, &sub.score, session, sub.open, l.config)
		if exists {
			out.Score(&record)
		} else {
			out.Gone(&record)
		}
		p.falls.schedule(&record)
	}
}

func status(e *event.Event) Status {
	if e.Kind == event.KindSignal {
		return Signalled
	}
	return Scored
}
