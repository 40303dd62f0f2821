// Package erase removes a person from riskstream: what the running engine
// remembers, the records of risk.scores and the rows of the history; and says
// what remains elsewhere, and until when.
//
// The engine alone writes its state. So the erasure goes through it: signals in
// risk.events and risk.activity, which the lanes work off as they do events.
package erase

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/publish"
)

// provider names who made the signal.
const provider = "riskstream"

// Eraser erases people, and looks for what there is of them.
type Eraser struct {
	cfg    *config.Config
	store  *history.Store // nil without a history
	now    func() time.Time
	wait   time.Duration // for the engine, and then for the history's sink
	told   func(string)
	topics publish.Topics
	opts   []kgo.Opt
	client *kgo.Client // asks and produces
	admin  *kadm.Client
}

// New connects to Kafka. A nil store is a configuration without a history. The
// engine is waited for as long as wait says, and then the history's sink; told
// hears what is under way.
func New(cfg *config.Config, store *history.Store, log *slog.Logger, now func() time.Time, wait time.Duration, told func(string)) (*Eraser, error) {
	opts, err := cfg.Kafka.ClientOptions(log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(slices.Clone(opts), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return nil, err
	}
	return &Eraser{
		cfg: cfg, store: store, now: now, wait: wait, told: told,
		topics: cfg.Kafka.Topics(), opts: opts, client: client, admin: kadm.NewClient(client),
	}, nil
}

// Close leaves Kafka.
func (e *Eraser) Close() { e.client.Close() }

// Find is the user of a name: any that the history knows, or the subject,
// behind its tenant and a slash where that is not the default one. Several users
// of one name are an error that lists them. Whom the history does not know may
// be known elsewhere, so a name is then taken for the subject: guessed.
func Find(ctx context.Context, cfg *config.Config, store *history.Store, name string) (of history.Subject, guessed bool, err error) {
	if store == nil {
		return literal(cfg, name), true, nil
	}
	found, err := store.Find(ctx, name)
	switch {
	case errors.As(err, new(*history.UnknownError)):
		return literal(cfg, name), true, nil
	case err != nil:
		return of, false, err
	case len(found) == 1:
		return found[0], false, nil
	}
	list := make([]string, len(found))
	for i, s := range found {
		list[i] = event.Key(s.Tenant, s.Name)
	}
	return of, false, fmt.Errorf("%q is the name of several users; say which one as tenant/subject: %s", name, strings.Join(list, ", "))
}

// literal reads a name as a subject, of the tenant before the slash if there is
// such a tenant. Addresses are lower-cased, as ingest does it; in the id of a
// provider case counts.
func literal(cfg *config.Config, name string) history.Subject {
	s := history.Subject{Tenant: ingest.DefaultTenant, Name: name}
	if tenant, rest, ok := strings.Cut(name, "/"); ok && rest != "" && isTenant(cfg, tenant) {
		s = history.Subject{Tenant: tenant, Name: rest}
	}
	if strings.Contains(s.Name, "@") {
		s.Name = strings.ToLower(s.Name)
	}
	return s
}

func isTenant(cfg *config.Config, name string) bool {
	return name == ingest.DefaultTenant || slices.ContainsFunc(cfg.Sources, func(s ingest.Source) bool { return s.Tenant == name })
}

// Verify changes nothing and says what there is of the user.
func (e *Eraser) Verify(ctx context.Context, of history.Subject) (*Report, error) {
	now := e.now()
	there, err := e.look(ctx, of)
	if err != nil {
		return nil, err
	}
	r := &Report{Tenant: of.Tenant, Subject: of.Name, At: event.TimeOf(now), Found: append([]Found{}, there.found...)}
	since := now
	if e.store != nil {
		waiting, err := e.notStored(ctx, of, there.entities)
		if err != nil {
			return nil, err
		}
		if waiting.records > 0 {
			r.Found = append(r.Found, Found{"history", "records in Kafka that the history has still to store", waiting.records})
		}
		erased, err := e.store.ErasedAt(ctx, of)
		if err != nil {
			return nil, err
		}
		if !erased.IsZero() {
			since = erased
		}
	}
	r.Remains = e.remains(ctx, of, since)
	return r, nil
}

// Erase erases the user and then says what there is, as Verify does. When no
// engine works the signal off in time the error is an *UndoneError: the rows of
// the history are left, since the engine may have more come.
func (e *Eraser) Erase(ctx context.Context, of history.Subject) (*Report, error) {
	before, err := e.look(ctx, of)
	if err != nil {
		return nil, err
	}
	e.told("there is of " + event.Key(of.Tenant, of.Name) + ": " + before.String())
	at, err := e.signal(ctx, of, before.entities)
	if err != nil {
		return nil, err
	}
	if e.store != nil {
		if err := e.eraseHistory(ctx, of, before.entities); err != nil {
			return nil, err
		}
	}
	r, err := e.Verify(ctx, of)
	if err != nil {
		return nil, err
	}
	r.Signal, r.Before = &at, before.found
	return r, nil
}

// Position is where a record stands in Kafka.
type Position struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

// UndoneError says that no engine has worked the signal off.
type UndoneError struct {
	Signal Position
	Waited time.Duration
}

func (e *UndoneError) Error() string {
	return fmt.Sprintf("no engine has worked off the signal at %s/%d offset %d within %v. It stays there: riskstream run does it when it runs again, and has come so far. "+
		"The history is as it was. Run riskstream erase once more then", e.Signal.Topic, e.Signal.Partition, e.Signal.Offset, e.Waited)
}

// signal sends the signals that erase the user, and waits until the engine has
// worked them off: the subject lane gets one, and one more for each further
// session that has a record; of the source lane each partition gets one, since
// any network may remember the user's name.
func (e *Eraser) signal(ctx context.Context, of history.Subject, entities []string) (Position, error) {
	subjects, err := e.bounds(ctx, e.topics.State)
	if err != nil {
		return Position{}, err
	}
	sources, err := e.bounds(ctx, e.topics.SourceState)
	if err != nil {
		return Position{}, err
	}
	partition := e.partitionOf(e.topics.Events, of, len(subjects))
	sessions := []string{""}
	for _, entity := range entities {
		if id, ok := strings.CutPrefix(entity, "session:"+event.Key(of.Tenant, "")); ok {
			sessions = append(sessions, id)
		}
	}
	var records []*kgo.Record
	for _, session := range sessions {
		records = append(records, e.record(e.topics.Events, partition, of, session))
	}
	for source := range sources {
		records = append(records, e.record(e.topics.Activity, source, of, ""))
	}
	sent, err := e.produce(ctx, records)
	if err != nil {
		return Position{}, err
	}
	at := Position{e.topics.Events, partition, sent[e.topics.Events][partition]}
	e.told(fmt.Sprintf("the signal is at %s/%d offset %d; waiting for the engine, %v at most", at.Topic, at.Partition, at.Offset, e.wait))
	waiting, cancel := context.WithTimeoutCause(ctx, e.wait, &UndoneError{at, e.wait})
	defer cancel()
	err = e.workedOff(waiting, e.topics.State, sent[e.topics.Events], subjects)
	if err == nil {
		err = e.workedOff(waiting, e.topics.SourceState, sent[e.topics.Activity], sources)
	}
	return at, err
}

func (e *Eraser) record(topic string, partition int32, of history.Subject, session string) *kgo.Record {
	signal := erasure(of, session, event.TimeOf(e.now()))
	return &kgo.Record{Topic: topic, Partition: partition, Key: []byte(event.Key(of.Tenant, of.Name)), Value: signal.AppendJSON(nil)}
}

// produce returns the offsets of the last records by topic and partition.
func (e *Eraser) produce(ctx context.Context, records []*kgo.Record) (map[string]map[int32]int64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTime, fmt.Errorf("the brokers did not answer for %v", askTime))
	defer cancel()
	last := map[string]map[int32]int64{}
	for _, result := range e.client.ProduceSync(ctx, records...) {
		r := result.Record
		if result.Err != nil {
			return nil, fmt.Errorf("sending a signal to %s: %w", r.Topic, e.cfg.Kafka.Explain(result.Err))
		}
		if last[r.Topic] == nil {
			last[r.Topic] = map[int32]int64{}
		}
		last[r.Topic][r.Partition] = max(last[r.Topic][r.Partition], r.Offset)
	}
	return last, nil
}

// erasure is the signal that erases a user, and a session that the engine may
// not know of any more.
func erasure(of history.Subject, session string, at event.Time) event.Event {
	var id [12]byte
	rand.Read(id[:]) // never fails
	return event.Event{
		Time: at, ID: "erase-" + hex.EncodeToString(id[:]), Kind: event.KindSignal, Action: event.IDPSignal, Code: event.Erase, Provider: provider,
		User: event.User{Subject: of.Name}, Session: event.Session{ID: session}, Tenant: of.Tenant,
	}
}

// workedOff waits until a changelog says that the lane has got past the signals,
// whose offsets are given by partition. What stood in the changelog before the
// signals were sent, up to the given ends, need not be read.
func (e *Eraser) workedOff(ctx context.Context, changelog string, signals map[int32]int64, before map[int32]span) error {
	left, from := maps.Clone(signals), map[int32]int64{}
	for partition := range left {
		from[partition] = before[partition].end
	}
	client, err := e.reader(changelog, from)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := e.refused(fetches); err != nil {
			return err
		}
		var failed error
		fetches.EachRecord(func(r *kgo.Record) {
			next, ok, err := engine.Progress(r.Key, r.Value)
			failed = errors.Join(failed, err)
			if signal, waits := left[r.Partition]; ok && waits && next > signal {
				delete(left, r.Partition)
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// eraseHistory waits for the sink to store what it has still to store of the
// user, the signal last, and erases all of it.
func (e *Eraser) eraseHistory(ctx context.Context, of history.Subject, entities []string) error {
	waiting, err := e.notStored(ctx, of, entities)
	if err != nil {
		return err
	}
	if waiting.records > 0 {
		e.told(fmt.Sprintf("the engine has done it; waiting for the history to store %d records, %v at most", waiting.records, e.wait))
	}
	deadline := time.Now().Add(e.wait)
	for time.Now().Before(deadline) {
		stored, err := e.areStored(ctx, waiting)
		if err != nil {
			return err
		}
		if stored {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(storedEvery):
		}
	}
	return e.store.Erase(ctx, e.cfg.History, of, entities, e.now(), e.told)
}

// storedEvery is how often the history is asked what it has stored: a sink
// inserts once a second.
const storedEvery = 200 * time.Millisecond
