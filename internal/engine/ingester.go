package engine

import (
	"context"
	"errors"
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

// maxInFlight bounds the records that an ingester has produced and not yet
// seen acknowledged before it waits.
const maxInFlight = 20_000

// ingester reads raw records and produces events and dead letters. It keeps no
// state: after any failure a fresh one starts from the committed offsets, and
// the lane drops what comes twice by its origin.
type ingester struct {
	parsers map[string]*ingest.Parser // by source topic
	topics  publish.Topics
	metrics *Metrics
	log     *slog.Logger

	client     *kgo.Client
	topicIDs   map[string]string
	inFlight   int
	lastCommit time.Time

	mu     sync.Mutex
	failed error
}

// run consumes the sources until ctx ends, then drains. Records of one origin
// partition are produced in their order, since one client does it with one
// idempotent producer.
func (g *ingester) run(ctx context.Context, opts []kgo.Opt, group string) error {
	var sources []string
	for topic := range g.parsers {
		sources = append(sources, topic)
	}
	begun := make(chan struct{}) // callbacks come as soon as the client is made
	client, err := kgo.NewClient(append(slices.Clone(opts),
		kgo.ConsumerGroup(group),
		kgo.ConsumeTopics(sources...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxWait(100*time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(heartbeatEvery),
		kgo.BlockRebalanceOnPoll(),
		kgo.MetadataMaxAge(10*time.Second), // a source topic that is created later is found within this
		kgo.OnPartitionsRevoked(func(context.Context, *kgo.Client, map[string][]int32) {
			<-begun
			if err := g.commit(context.WithoutCancel(ctx)); err != nil {
				g.log.Warn("partitions leave without a commit; their next owner repeats some records", "error", err)
			}
		}),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(publish.MaxRecordBytes),
		kgo.MaxBufferedRecords(200_000),
	)...)
	if err != nil {
		return fmt.Errorf("ingest: %w", err)
	}
	g.client, g.topicIDs = client, map[string]string{}
	close(begun)
	defer client.Close()

	for ctx.Err() == nil {
		if err := g.cycle(ctx); err != nil {
			return err
		}
	}
	drain, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = g.commit(drain)
	client.AllowRebalance()
	return err
}

func (g *ingester) cycle(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, commitEvery)
	fetches := g.client.PollRecords(wait, 10_000)
	cancel()
	defer g.client.AllowRebalance()

	var failed error
	fetches.EachError(func(topic string, partition int32, err error) {
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			failed = fmt.Errorf("ingest: reading %s/%d: %w", topic, partition, err)
		}
	})
	if failed != nil {
		return failed
	}
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		n := len(p.Records)
		if n == 0 || failed != nil {
			return
		}
		if failed = g.learnTopicID(ctx, p.Topic); failed != nil {
			return
		}
		for _, record := range p.Records {
			g.process(record)
		}
		g.metrics.lag(p.Topic, p.Partition, p.HighWatermark-p.Records[n-1].Offset-1)
	})
	if failed != nil {
		return failed
	}
	if g.inFlight >= maxInFlight || time.Since(g.lastCommit) >= commitEvery {
		return g.commit(context.WithoutCancel(ctx))
	}
	return g.err()
}

// learnTopicID asks the broker once for a topic's id. Fetches carry it too, but
// not always, and an origin must never be named in two ways.
func (g *ingester) learnTopicID(ctx context.Context, topic string) error {
	if _, known := g.topicIDs[topic]; known {
		return nil
	}
	topics, err := kadm.NewClient(g.client).ListTopics(ctx, topic)
	if err == nil {
		err = topics[topic].Err
	}
	if err != nil {
		return fmt.Errorf("ingest: id of topic %s: %w", topic, err)
	}
	g.topicIDs[topic] = topics[topic].ID.String()
	return nil
}

// process parses one raw record into events and dead letters.
func (g *ingester) process(record *kgo.Record) {
	parser := g.parsers[record.Topic]
	origin := event.Origin{Topic: record.Topic, TopicID: g.topicIDs[record.Topic], Partition: record.Partition, Offset: record.Offset}
	raw := kgo.RecordHeader{Key: rawTimeHeader, Value: strconv.AppendInt(nil, record.Timestamp.UnixMilli(), 10)}
	headers := []kgo.RecordHeader{raw}
	parser.ParseAt(record.Value, origin, event.TimeOf(record.Timestamp),
		func(e *event.Event) {
			g.metrics.events.WithLabelValues(record.Topic, "parsed").Inc()
			g.produce(&kgo.Record{Topic: g.topics.Events, Key: eventKey(e), Value: e.AppendJSON(make([]byte, 0, 1024)), Headers: headers})
		},
		func(d ingest.DeadLetter) {
			g.metrics.events.WithLabelValues(record.Topic, "dead_letter").Inc()
			g.metrics.deadLetters.WithLabelValues(d.Reason).Inc()
			g.produce(&kgo.Record{Topic: g.topics.DeadLetter, Key: []byte(record.Topic), Value: publish.AppendDeadLetter(nil, deadLetter(d)), Headers: headers})
		})
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

func deadLetter(d ingest.DeadLetter) publish.DeadLetter {
	return publish.DeadLetter{
		Reason: d.Reason, Error: d.Err, Format: d.Format, Origin: d.Origin,
		Size: d.Size, SHA256: d.SHA256, Raw: d.Raw,
	}
}

func (g *ingester) produce(record *kgo.Record) {
	g.inFlight++
	g.client.Produce(context.Background(), record, func(r *kgo.Record, err error) {
		if err == nil {
			return
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.failed == nil {
			g.failed = fmt.Errorf("ingest: producing to %s: %w", r.Topic, err)
		}
	})
}

// commit waits until everything produced is acknowledged and commits what was
// read. After a failure to produce it commits nothing, so that a fresh client
// reads it again.
func (g *ingester) commit(ctx context.Context) error {
	g.lastCommit = time.Now()
	g.inFlight = 0
	if err := g.client.Flush(ctx); err != nil {
		return fmt.Errorf("ingest: waiting for acknowledgements: %w", err)
	}
	if err := g.err(); err != nil {
		return err
	}
	offsets := g.client.UncommittedOffsets()
	if len(offsets) == 0 {
		return nil
	}
	var failed error
	g.client.CommitOffsetsSync(ctx, offsets, commitError(&failed))
	if failed != nil {
		return fmt.Errorf("ingest: committing offsets: %w", failed)
	}
	return nil
}

func (g *ingester) err() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed
}
