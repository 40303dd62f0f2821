package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// Warm gives a new deployment the state that the events of a history have led
// to: baselines, open evidence and the last scores. read hands the events on,
// user after user. It is to be called before Run and does nothing where there is
// state already, so that it may be asked for at every start.
//
// The state goes into the changelog in transactions of one id, so that of two
// processes that warm up at once the older one fails; whoever comes while it
// goes on waits. It counts as done once the group's offsets are committed. The
// state of source networks is not in a history: it spans a day.
func (g *Engine) Warm(ctx context.Context, read func(each func(*event.Event) error) error) error {
	opts, err := g.cfg.Kafka.ClientOptions(g.log)
	if err != nil {
		return err
	}
	if err := g.ensureTopics(ctx, opts); err != nil {
		return err
	}
	w, err := g.newWarmer(opts)
	if err != nil {
		return err
	}
	defer w.client.Close()
	if needed, err := w.needed(ctx); err != nil || !needed {
		return err
	}
	began := time.Now()
	g.log.Info("warming up: the state is made from the history")
	if err := w.begin(); err != nil {
		return err
	}
	err = read(func(e *event.Event) error { return w.event(ctx, e) })
	if err == nil {
		err = w.end(ctx)
	}
	if err != nil {
		return fmt.Errorf("warming up: %w", errors.Join(err, w.abort()))
	}
	g.log.Info("warmed up", "events", w.events, "users", w.users, "scores", w.published, "seconds", int(time.Since(began).Seconds()))
	return nil
}

// warmer makes the changelog of a new deployment.
type warmer struct {
	engine *Engine
	topics publish.Topics
	group  string
	client *kgo.Client
	admin  *kadm.Client

	lane      *Lane
	partition *Partition // of the users that came last; each is done with before the next
	byKey     kgo.TopicPartitioner
	user      []byte                  // key of the user at hand, in risk.events
	tenant    string                  // of that user
	subject   string                  // of that user
	key       []byte                  // of the event at hand
	last      map[string]*event.Score // the user's last records, by entity

	events, users, published int
	pending                  int // bytes that are produced and not committed
	failed                   *kgo.FirstErrPromise
	told                     time.Time
}

// warmTransaction is how many bytes a transaction takes. Transactions live for
// a few seconds only.
const warmTransaction = 8 << 20

func (g *Engine) newWarmer(opts []kgo.Opt) (*warmer, error) {
	topics := g.cfg.Kafka.Topics()
	group := g.cfg.Kafka.Group(subjectStage(nil, topics).group)
	producing := []kgo.Opt{
		kgo.RecordPartitioner(changelogPartitioner(topics.State)),
		kgo.ProducerBatchMaxBytes(publish.MaxRecordBytes),
	}
	if g.exactlyOnce() {
		producing = append(producing, kgo.TransactionalID(group+"-warm"), kgo.TransactionTimeout(time.Minute))
	}
	client, err := kgo.NewClient(slices.Concat(opts, producing)...)
	if err != nil {
		return nil, err
	}
	return &warmer{
		engine: g, topics: topics, group: group, client: client, admin: kadm.NewClient(client),
		lane: g.pipeline.Lane(), partition: NewPartition(storedMemory),
		byKey: kgo.StickyKeyPartitioner(nil).ForTopic(topics.Events), last: map[string]*event.Score{}, told: time.Now(),
	}, nil
}

// needed reports that there is no state yet. While another process warms up it
// waits.
func (w *warmer) needed(ctx context.Context) (bool, error) {
	for before := int64(-1); ; {
		offsets, err := w.offsets(ctx)
		if err != nil {
			return false, err
		}
		if len(offsets) > 0 {
			w.engine.log.Info("there is state already: nothing to warm up")
			return false, nil
		}
		events, err := sizeOf(ctx, w.admin, w.topics.Events)
		if err != nil {
			return false, err
		}
		if events > 0 {
			return false, fmt.Errorf("%s has %d records already, from which the state is made: warming up is for a new deployment", w.topics.Events, events)
		}
		now, err := sizeOf(ctx, w.admin, w.topics.State)
		if err != nil {
			return false, err
		}
		if now == 0 || now == before {
			return true, nil
		}
		if before >= 0 {
			w.engine.log.Info("another process is warming up: waiting for it", "records", now)
		}
		before = now
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(5 * time.Second):
		}
	}
}

// offsets are what the group has committed. A cluster that nobody has used yet
// needs a while to answer.
func (w *warmer) offsets(ctx context.Context) (kadm.OffsetResponses, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		offsets, err := w.admin.FetchOffsets(ctx, w.group)
		switch {
		case err == nil, errors.Is(err, kerr.GroupIDNotFound):
			return offsets, nil
		case !publish.MayPass(err):
			return nil, fmt.Errorf("offsets of %s: %w", w.group, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("offsets of %s: %w", w.group, err)
		case <-time.After(time.Second):
		}
	}
}

// sizeOf is how many offsets a topic has.
func sizeOf(ctx context.Context, admin *kadm.Client, topic string) (n int64, err error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("start of %s: %w", topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("end of %s: %w", topic, err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok {
			n += end.Offset - start.Offset
		}
	})
	return n, nil
}

// event takes an event through the lane.
func (w *warmer) event(ctx context.Context, e *event.Event) error {
	w.key = appendEventKey(w.key[:0], e)
	if string(w.key) != string(w.user) {
		if err := w.endUser(ctx); err != nil {
			return err
		}
		w.user = append(w.user[:0], w.key...)
		w.tenant, w.subject = e.Tenant, e.User.Subject
		w.partition.marks = newMarks()
	}
	w.events++
	w.lane.Process(w.partition, e, w)
	w.partition.commit()
	return nil
}

// Detections implements Sink.
func (w *warmer) Detections(*event.Event, []event.Detection) {}

// Score implements Sink.
func (w *warmer) Score(record *event.Score) { w.last[record.Entity] = record }

// Gone implements Sink.
func (w *warmer) Gone(session *event.Score) { delete(w.last, session.Entity) }

// endUser produces what the user's events have led to.
func (w *warmer) endUser(ctx context.Context) error {
	if w.subject == "" {
		clear(w.last)
		return nil
	}
	id := int32(w.byKey.Partition(&kgo.Record{Key: w.user}, int(w.engine.cfg.Kafka.Partitions)))
	state := func(key []byte) {
		if value, ok := w.partition.store.Get(key); ok {
			w.produce(ctx, &kgo.Record{Topic: w.topics.State, Partition: id, Key: slices.Clone(key), Value: slices.Clone(value)})
		}
	}
	w.users++
	state(appendSubjectKey(nil, &event.Event{Tenant: w.tenant, User: event.User{Subject: w.subject}}))
	for _, entity := range slices.Sorted(maps.Keys(w.last)) {
		state(w.partition.falls.keyOf(entity))
		w.produce(ctx, &kgo.Record{Topic: w.topics.Scores, Key: []byte(entity), Value: publish.AppendScore(nil, w.last[entity])})
		w.published++
	}
	clear(w.last)
	if time.Since(w.told) > 10*time.Second {
		w.told = time.Now()
		w.engine.log.Info("warming up", "events", w.events, "users", w.users)
	}
	if w.pending < warmTransaction {
		return nil
	}
	if err := w.commit(ctx); err != nil {
		return err
	}
	return w.begin()
}

// produce leaves out what no broker takes, as the lane does.
func (w *warmer) produce(ctx context.Context, record *kgo.Record) {
	if size := len(record.Key) + len(record.Value); size > w.engine.recordLimit {
		w.engine.log.Error("a record is larger than max.message.bytes allows and is left out", "topic", record.Topic, "bytes", size)
		return
	}
	w.pending += len(record.Key) + len(record.Value)
	w.client.Produce(ctx, record, w.failed.Promise())
}

// end says in each partition that it is whole, and then that all of it is.
func (w *warmer) end(ctx context.Context) error {
	if err := w.endUser(ctx); err != nil {
		return err
	}
	ends, err := w.admin.ListEndOffsets(ctx, w.topics.Events)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("end of %s: %w", w.topics.Events, err)
	}
	var done kadm.Offsets
	ends.Each(func(end kadm.ListedOffset) {
		p := NewPartition(0)
		p.next, p.liveFrom = end.Offset, end.Offset
		w.produce(ctx, &kgo.Record{Topic: w.topics.State, Partition: end.Partition, Key: []byte(progressKey), Value: p.appendProgress(nil)})
		done.AddOffset(w.topics.Events, end.Partition, end.Offset, -1)
	})
	if err := w.commit(ctx); err != nil {
		return err
	}
	if err := w.admin.CommitAllOffsets(ctx, w.group, done); err != nil {
		return fmt.Errorf("saying that it is done: %w", err)
	}
	return nil
}

func (w *warmer) begin() error {
	w.pending, w.failed = 0, &kgo.FirstErrPromise{}
	if !w.engine.exactlyOnce() {
		return nil
	}
	return w.client.BeginTransaction()
}

func (w *warmer) commit(ctx context.Context) error {
	if err := errors.Join(w.client.Flush(ctx), w.failed.Err()); err != nil || !w.engine.exactlyOnce() {
		return err
	}
	return w.client.EndTransaction(ctx, kgo.TryCommit)
}

// abort gives the open transaction up, after an error that is being told.
func (w *warmer) abort() error {
	if !w.engine.exactlyOnce() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.client.AbortBufferedRecords(ctx); err != nil {
		return err
	}
	return w.client.EndTransaction(ctx, kgo.TryAbort)
}
