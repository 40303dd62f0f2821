package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/publish"
)

// An ingester sends what it has made at the end of each poll, and before that
// whenever it is this much.
const (
	sendRecords = 20_000
	sendBytes   = 16 << 20
)

// ingestPause is how far apart the polls of ingest are. With 5 ms the brokers'
// work is so much less that scores come sooner under load than without.
const ingestPause = 5 * time.Millisecond

// ingester reads raw records and produces events and dead letters. It keeps no
// state: after any failure a fresh one starts from the committed offsets, and
// the lane drops what comes twice by its origin.
//
// The lane may only do so if the events of one origin partition reach a
// partition of risk.events in their order, also when one is refused: what was
// acknowledged behind it would make its repetition look old. So what a poll
// makes is sent at once (a parcel), and the next one only after it is
// acknowledged, and nothing is sent after a failure. The client is given all of
// a parcel before it hears of a refusal (see gate), and then fails what lies
// behind the refused record; the first record for a topic goes alone (see
// introduce). While a parcel is on its way the next one is made.
type ingester struct {
	parsers map[string]*ingest.Parser // by source topic
	topics  publish.Topics
	member  string        // of the group, the same after a restart
	session time.Duration // of the group
	limit   int           // most bytes of a record
	metrics *Metrics
	log     *slog.Logger
	drain   time.Duration // how long the end may take

	client   *kgo.Client
	gate     gate            // of the client
	while    context.Context // ends a while after the worker is told to stop
	topicIDs map[string]topicName
	moved    atomic.Bool // partitions have come or gone since the last poll
	unheard  []string    // topics that the client has not heard of yet
	errors   readErrors
	pacer    pacer
	making   *parcel
	spare    *parcel

	onEvent    func(*event.Event) // bound once
	onReject   func(ingest.DeadLetter)
	raw        *kgo.Record // being processed
	headers    []kgo.RecordHeader
	key, value []byte        // being made
	activities []event.Event // of the event that is processed

	mu         sync.Mutex  // guards what follows against callbacks
	sending    *parcel     // on its way; nil when none is
	done       offsets     // acknowledged, not committed
	committing chan commit // how the one that is under way has ended; nil when none is
	lastCommit time.Time

	failing sync.Mutex // guards failed
	failed  error
}

// topicName is a topic's id, and how events write it.
type topicName struct {
	id   kadm.TopicID
	text string
}

// run consumes the sources until ctx ends, then drains. Any other return is an
// error, after which a fresh ingester may start.
func (g *ingester) run(ctx context.Context, opts []kgo.Opt, group string) error {
	var sources []string
	for topic := range g.parsers {
		sources = append(sources, topic)
	}
	while, end := outlasting(ctx, g.drain)
	begun := make(chan struct{}) // callbacks come as soon as the client is made
	client, err := kgo.NewClient(slices.Concat(opts, sessionOptions(group, g.member, g.session, sources...), []kgo.Opt{
		kgo.MetadataMaxAge(10 * time.Second), // a source topic that is created later is found within this
		kgo.AdjustFetchOffsetsFn(func(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			<-begun
			g.moved.Store(true)
			return offsets, fromStart(ctx, g.client, offsets)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			<-begun
			g.moved.Store(true)
			if err := g.settleAndCommit(); err != nil {
				g.log.Warn("partitions leave without a commit; their next owner repeats some records", "error", err)
			}
			g.forget(revoked)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
			<-begun
			g.moved.Store(true)
			g.forget(lost)
		}),
		// A parcel is in memory already. The client would refuse what is above
		// a limit in bytes, and a raw record of which that much is made would
		// never be got past.
		kgo.MaxBufferedRecords(200_000),
		kgo.ProducerBatchMaxBytes(int32(g.limit)),
		kgo.ManualFlushing(),
		kgo.WithHooks(&g.gate),
	})...)
	if err != nil {
		end()
		return fmt.Errorf("ingest: %w", err)
	}
	g.client, g.while = client, while
	g.topicIDs, g.done = map[string]topicName{}, offsets{}
	g.unheard = []string{g.topics.Events, g.topics.Activity, g.topics.DeadLetter}
	g.making, g.spare = newParcel(), newParcel()
	g.pacer = pacer{pause: ingestPause}
	g.onEvent = g.event
	g.onReject = func(d ingest.DeadLetter) { g.reject(g.raw.Topic, Rejected(d), g.headers) }
	g.errors = readErrors{log: g.log, metrics: g.metrics, tooLarge: g.stepOver}
	close(begun)
	defer func() {
		end() // after a failure, nothing is waited for
		leave(client)
	}()

	for ctx.Err() == nil {
		if err := g.cycle(ctx); err != nil {
			return fmt.Errorf("ingest: %w", err)
		}
	}
	if err := g.settleAndCommit(); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// cycle is one poll and all that follows from it.
func (g *ingester) cycle(ctx context.Context) error {
	fetches := g.poll(ctx)
	defer g.client.AllowRebalance()
	if g.moved.Swap(false) {
		readOn(g.client)
	}
	if err := g.learnTopicIDs(fetches); err != nil {
		return err
	}
	if err := g.errors.of(g.client, fetches); err != nil {
		return err
	}
	var failed error
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, record := range p.Records {
			if failed != nil {
				return
			}
			g.process(record)
			g.making.read.set(p.Topic, p.Partition, kgo.EpochOffset{Epoch: record.LeaderEpoch, Offset: record.Offset + 1})
			if len(g.making.records) >= sendRecords || g.making.bytes >= sendBytes {
				failed = g.send()
			}
		}
		if n := len(p.Records); n > 0 {
			g.metrics.lag(p.Topic, p.Partition, p.HighWatermark-p.Records[n-1].Offset-1)
		}
	})
	if failed == nil {
		failed = g.send()
	}
	if failed != nil {
		return failed
	}
	return g.commitNow()
}

// poll returns the records that come within commitEvery. It keeps rebalances
// away until AllowRebalance.
func (g *ingester) poll(ctx context.Context) kgo.Fetches {
	g.pacer.wait(ctx)
	wait, cancel := context.WithTimeout(ctx, commitEvery)
	defer cancel()
	fetches := g.client.PollRecords(wait, pollRecords)
	g.pacer.polled(fetches.NumRecords())
	return fetches
}

// learnTopicIDs asks the broker once for each topic's id. Fetches carry it too,
// but not always, and an origin must never be named in two ways. They do tell
// when a topic was deleted and made anew.
func (g *ingester) learnTopicIDs(fetches kgo.Fetches) error {
	var failed error
	fetches.EachTopic(func(topic kgo.FetchTopic) {
		name, known := g.topicIDs[topic.Topic]
		if _, source := g.parsers[topic.Topic]; failed != nil || !source {
			return
		}
		if !known {
			name, failed = g.askTopicID(topic.Topic)
		}
		if now := kadm.TopicID(topic.TopicID); now != (kadm.TopicID{}) && now != name.id && failed == nil {
			failed = fmt.Errorf("topic %s was deleted and created anew", topic.Topic)
		}
	})
	return failed
}

func (g *ingester) askTopicID(topic string) (topicName, error) {
	id, err := topicID(g.while, g.client, topic)
	if err != nil {
		return topicName{}, err
	}
	name := topicName{id, id.String()}
	g.topicIDs[topic] = name
	return name, nil
}

// process parses one raw record into events and dead letters.
func (g *ingester) process(record *kgo.Record) {
	g.raw = record
	g.headers = g.making.headersOf(record.Timestamp)
	g.parsers[record.Topic].ParseAt(record.Value, g.origin(record.Topic, record.Partition, record.Offset), event.TimeOf(record.Timestamp), g.onEvent, g.onReject)
}

// event takes an event of the raw record that is processed.
func (g *ingester) event(e *event.Event) {
	g.value = e.AppendJSON(g.value[:0])
	if len(g.value) > g.limit {
		g.reject(g.raw.Topic, g.tooLargeAsEvent(g.raw.Value, e, len(g.value)), g.headers)
		return
	}
	g.metrics.events.WithLabelValues(g.raw.Topic, "parsed").Inc()
	g.key = appendEventKey(g.key[:0], e)
	g.add(g.topics.Events, g.key, g.value, g.headers)
	g.addActivities(e)
}

func (g *ingester) origin(topic string, partition int32, offset int64) event.Origin {
	return event.Origin{Topic: topic, TopicID: g.topicIDs[topic].text, Partition: partition, Offset: offset}
}

// appendEventKey appends the key of an event: its subject. An event of nobody
// is keyed by its source network, so that no partition takes them all.
func appendEventKey(b []byte, e *event.Event) []byte {
	b = append(append(b, e.Tenant...), '/')
	switch {
	case e.User.Subject != "":
		return append(b, e.User.Subject...)
	case e.Source.IP.IsValid():
		return event.Network(e.Source.IP).AppendTo(append(b, "ip:"...))
	}
	return append(append(b, "id:"...), e.ID...)
}

// addActivities tells the source lane of the event, as far as it concerns it.
func (g *ingester) addActivities(e *event.Event) {
	g.activities = e.AppendActivities(g.activities[:0])
	for i := range g.activities {
		g.key = append(g.key[:0], g.activities[i].ActivityKey()...)
		g.value = g.activities[i].AppendJSON(g.value[:0])
		g.add(g.topics.Activity, g.key, g.value, g.headers)
	}
}
