package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/publish"
)

// An ingester sends what it has produced at the end of each poll, and before
// that whenever it is this much.
const (
	sendRecords = 20_000
	sendBytes   = 16 << 20
)

// ingester reads raw records and produces events and dead letters. It keeps no
// state: after any failure a fresh one starts from the committed offsets, and
// the lane drops what comes twice by its origin.
//
// The lane may only do so if the events of one origin partition reach a
// partition of risk.events in their order, also when one is refused: what was
// acknowledged behind it would make its repetition look old. So the client
// sends nothing by itself: everything produced is in its buffer before send
// lets it go, the client fails what lies behind a refused record, and nothing
// is produced after a failure.
type ingester struct {
	parsers map[string]*ingest.Parser // by source topic
	topics  publish.Topics
	limit   int // most bytes of a record
	metrics *Metrics
	log     *slog.Logger
	drain   time.Duration // how long the end may take

	client   *kgo.Client
	while    context.Context // ends a while after the worker is told to stop
	topicIDs map[string]kadm.TopicID
	errors   readErrors
	read     offsets // of the records of this poll
	records  int     // produced and not sent
	bytes    int

	mu         sync.Mutex // guards what follows against callbacks
	done       offsets    // processed and acknowledged, not committed
	lastCommit time.Time
	failed     error
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
	client, err := kgo.NewClient(slices.Concat(opts, sessionOptions(group, sources...), []kgo.Opt{
		kgo.MetadataMaxAge(10 * time.Second), // a source topic that is created later is found within this
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, revoked map[string][]int32) {
			<-begun
			if err := g.commit(); err != nil {
				g.log.Warn("partitions leave without a commit; their next owner repeats some records", "error", err)
			}
			g.forget(revoked)
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, lost map[string][]int32) { g.forget(lost) }),
		kgo.ProducerBatchMaxBytes(int32(g.limit)),
		kgo.ManualFlushing(),
	})...)
	if err != nil {
		end()
		return fmt.Errorf("ingest: %w", err)
	}
	g.client, g.while = client, while
	g.topicIDs, g.done = map[string]kadm.TopicID{}, offsets{}
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
	if err := g.commit(); err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	return nil
}

// cycle is one poll and all that follows from it.
func (g *ingester) cycle(ctx context.Context) error {
	fetches := poll(ctx, g.client)
	defer g.client.AllowRebalance()
	g.read = offsets{}
	if err := g.learnTopicIDs(fetches); err != nil {
		return err
	}
	if err := g.errors.of(g.client, fetches); err != nil {
		return err
	}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		for _, record := range p.Records {
			g.process(record)
		}
		if n := len(p.Records); n > 0 {
			last := p.Records[n-1]
			g.read.set(p.Topic, p.Partition, kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1})
			g.metrics.lag(p.Topic, p.Partition, p.HighWatermark-last.Offset-1)
		}
	})
	if err := g.send(); err != nil {
		return err
	}
	g.advance()
	if time.Since(g.lastCommit) >= commitEvery {
		return g.commit()
	}
	return nil
}

// learnTopicIDs asks the broker once for each topic's id. Fetches carry it too,
// but not always, and an origin must never be named in two ways. They do tell
// when a topic was deleted and made anew.
func (g *ingester) learnTopicIDs(fetches kgo.Fetches) error {
	var failed error
	fetches.EachTopic(func(topic kgo.FetchTopic) {
		id, known := g.topicIDs[topic.Topic]
		if _, source := g.parsers[topic.Topic]; failed != nil || !source {
			return
		}
		if !known {
			id, failed = g.askTopicID(topic.Topic)
		}
		if now := kadm.TopicID(topic.TopicID); now != (kadm.TopicID{}) && now != id && failed == nil {
			failed = fmt.Errorf("topic %s was deleted and created anew", topic.Topic)
		}
	})
	return failed
}

func (g *ingester) askTopicID(topic string) (kadm.TopicID, error) {
	topics, err := kadm.NewClient(g.client).ListTopics(g.while, topic)
	if err == nil {
		err = topics[topic].Err
	}
	if err != nil {
		return kadm.TopicID{}, fmt.Errorf("id of topic %s: %w", topic, err)
	}
	g.topicIDs[topic] = topics[topic].ID
	return topics[topic].ID, nil
}

// process parses one raw record into events and dead letters.
func (g *ingester) process(record *kgo.Record) {
	headers := []kgo.RecordHeader{{Key: rawTimeHeader, Value: strconv.AppendInt(nil, record.Timestamp.UnixMilli(), 10)}}
	g.parsers[record.Topic].ParseAt(record.Value, g.origin(record.Topic, record.Partition, record.Offset), event.TimeOf(record.Timestamp),
		func(e *event.Event) {
			value := e.AppendJSON(make([]byte, 0, 1024))
			if len(value) > g.limit {
				g.reject(record.Topic, g.tooLargeAsEvent(record.Value, e, len(value)), headers)
				return
			}
			g.metrics.events.WithLabelValues(record.Topic, "parsed").Inc()
			g.produce(&kgo.Record{Topic: g.topics.Events, Key: eventKey(e), Value: value, Headers: headers})
		},
		func(d ingest.DeadLetter) { g.reject(record.Topic, deadLetter(d), headers) })
}

func (g *ingester) origin(topic string, partition int32, offset int64) event.Origin {
	return event.Origin{Topic: topic, TopicID: g.topicIDs[topic].String(), Partition: partition, Offset: offset}
}

// eventKey keys an event by its subject. An event of nobody is keyed by its
// source network, so that no partition takes them all.
func eventKey(e *event.Event) []byte {
	if e.User.Subject != "" {
		return []byte(event.Key(e.Tenant, e.User.Subject))
	}
	if e.Source.IP.IsValid() {
		return []byte(event.Key(e.Tenant, "ip:"+event.Network(e.Source.IP).String()))
	}
	return []byte(event.Key(e.Tenant, "id:"+e.ID))
}

// produce puts a record into the client's buffer, unless one has failed.
func (g *ingester) produce(record *kgo.Record) {
	if g.records >= sendRecords || g.bytes >= sendBytes {
		_ = g.send() // kept in g.failed
	}
	if g.err() != nil {
		return
	}
	g.records++
	g.bytes += len(record.Value)
	g.client.Produce(g.while, record, func(r *kgo.Record, err error) {
		if err != nil {
			g.fail(fmt.Errorf("producing to %s: %w", r.Topic, err))
		}
	})
}

// send sends what is buffered and waits until it is acknowledged.
func (g *ingester) send() error {
	g.records, g.bytes = 0, 0
	if err := g.client.Flush(g.while); err != nil {
		g.fail(fmt.Errorf("waiting for acknowledgements: %w", context.Cause(g.while)))
	}
	return g.err()
}

// advance notes that everything of this poll is acknowledged.
func (g *ingester) advance() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for topic, partitions := range g.read {
		for partition, at := range partitions {
			g.done.set(topic, partition, at)
		}
	}
}

// commit commits what is acknowledged.
func (g *ingester) commit() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastCommit = time.Now()
	if len(g.done) == 0 {
		return nil
	}
	committed, err := g.done.commit(g.while, g.client)
	if committed {
		clear(g.done)
	}
	return err
}

// forget drops the positions of partitions that are now another's.
func (g *ingester) forget(gone map[string][]int32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for topic, partitions := range gone {
		for _, partition := range partitions {
			delete(g.done[topic], partition)
			g.metrics.noLag(topic, partition)
		}
	}
}

func (g *ingester) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failed == nil {
		g.failed = err
	}
}

// err is the first failure to produce.
func (g *ingester) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}
