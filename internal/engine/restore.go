package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// restored is a partition whose state is there again, or why not.
type restored struct {
	partition *lanePartition
	err       error
}

// restore brings back the state of newly assigned partitions beside the worker,
// who goes on with the others: from a snapshot, if there is one that can be
// read, and then from the rest of the changelog. The group has said which
// offsets are committed only after the transactions with them had ended.
func (w *worker) restore(opts []kgo.Opt, committed map[int32]kgo.Offset) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &restorer{
		worker: w, partitions: map[int32]*lanePartition{}, committed: map[int32]int64{},
		from: map[int32]int64{}, until: map[int32]int64{},
	}
	for id, at := range committed {
		if p := w.partitions[id]; p != nil && !p.ready {
			r.partitions[id] = p
			r.committed[id] = at.EpochOffset().Offset
		}
		committed[id] = kgo.NewOffset().At(0) // until it is open
	}
	if len(r.partitions) > 0 {
		go r.run(w.while, opts)
	}
}

// restorer restores some partitions, each until the end of its changelog.
type restorer struct {
	worker     *worker
	partitions map[int32]*lanePartition
	committed  map[int32]int64 // offsets of the input; negative where there is none
	from       map[int32]int64 // next offsets of the changelog
	until      map[int32]int64 // its ends
}

func (r *restorer) run(ctx context.Context, opts []kgo.Opt) {
	err := r.prepare(ctx)
	if err == nil {
		err = r.readChangelog(ctx, opts)
	}
	for _, p := range r.partitions {
		if err != nil && !p.gone.Load() {
			r.deliver(ctx, restored{p, err})
		}
	}
}

// prepare reads the snapshots and learns where the topics begin and end.
func (r *restorer) prepare(ctx context.Context) error {
	w := r.worker
	admin := kadm.NewClient(w.admin())
	ends, err := admin.ListEndOffsets(ctx, w.stage.changelog)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("end of %s: %w", w.stage.changelog, err)
	}
	for partition, p := range r.partitions {
		end, known := ends.Lookup(w.stage.changelog, partition)
		if !known {
			return fmt.Errorf("the brokers do not say where %s/%d ends", w.stage.changelog, partition)
		}
		r.until[partition] = end.Offset
		p.Partition, r.from[partition] = w.snapshots.read(w.stage, w.changelogID, partition, end.Offset, w.memory)
		p.snapshotAt = r.from[partition]
	}
	return nil
}

// readChangelog reads the changelogs from where the snapshots end.
func (r *restorer) readChangelog(ctx context.Context, opts []kgo.Opt) error {
	w := r.worker
	from := map[int32]kgo.Offset{}
	for id, at := range r.from {
		if at < r.until[id] {
			from[id] = kgo.NewOffset().At(at)
		} else if err := r.finish(ctx, id); err != nil {
			return err
		}
	}
	if len(from) == 0 {
		return nil
	}
	client, err := kgo.NewClient(slices.Concat(opts, []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{w.stage.changelog: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),
		kgo.FetchMaxPartitionBytes(8 << 20),
		kgo.FetchMaxWait(fetchMaxWait), // the end of a transaction, which is waited for, does not always wake a fetch
	})...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(r.partitions) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			w.log.Warn("the changelog cannot be read; it is tried again", "topic", e.Topic, "partition", e.Partition, "error", e.Err)
		}
		var failed error
		fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
			failed = errors.Join(failed, r.load(ctx, fetched))
		})
		if failed != nil {
			return failed
		}
		r.dropGone()
	}
	return nil
}

// load takes what was read of one changelog into the state.
func (r *restorer) load(ctx context.Context, fetched kgo.FetchTopicPartition) error {
	p := r.partitions[fetched.Partition]
	if p == nil {
		return nil
	}
	for _, record := range fetched.Records {
		r.from[fetched.Partition] = record.Offset + 1
		if record.Attrs.IsControl() {
			continue
		}
		if err := p.load(record.Key, record.Value); err != nil {
			return fmt.Errorf("%s/%d offset %d: %w", record.Topic, record.Partition, record.Offset, err)
		}
	}
	if r.from[fetched.Partition] < r.until[fetched.Partition] {
		return nil
	}
	return r.finish(ctx, fetched.Partition)
}

// finish hands a partition to the worker.
func (r *restorer) finish(ctx context.Context, id int32) error {
	p := r.partitions[id]
	p.loaded()
	p.logged = r.until[id]
	if err := r.position(ctx, p); err != nil {
		return err // p stays among those of which run says why
	}
	delete(r.partitions, id)
	r.deliver(ctx, restored{partition: p})
	return nil
}

func (r *restorer) deliver(ctx context.Context, done restored) {
	select {
	case r.worker.restored <- done:
	case <-ctx.Done():
	}
}

// dropGone ends the restoring of partitions that the worker has given up.
func (r *restorer) dropGone() {
	maps.DeleteFunc(r.partitions, func(_ int32, p *lanePartition) bool { return p.gone.Load() })
}

// position decides where in its input a partition goes on: where the changelog
// says, if the log still has it. Without a changelog, which earlier versions
// did not write, everything is read from the start, and what the group has
// committed is not published again.
func (r *restorer) position(ctx context.Context, p *lanePartition) error {
	w := r.worker
	start, end, err := bounds(ctx, w.admin(), w.stage.input, p.id)
	if err != nil {
		return err
	}
	log := w.log.With("topic", w.stage.input, "partition", p.id)
	committed := r.committed[p.id]
	switch {
	case p.next < 0 && committed > end:
		// Of what is there nobody knows what was published; twice is better
		// than never.
		log.Warn("the log is shorter than what was committed, so it was cut or created anew: all of it is published again",
			"committed", committed, "end", end)
		p.next, p.liveFrom = start, start
	case p.next < 0:
		p.next, p.liveFrom = start, max(committed, start)
		if committed >= 0 && committed < start {
			log.Warn("events are gone before they were scored: retention has removed them", "from", committed, "to", start)
		}
	case p.next < start:
		log.Warn("events are gone before they were scored: retention has removed them", "from", p.next, "to", start)
		p.next = start
	case p.next > end:
		// What was scored before is told by its origin.
		log.Warn("the log is shorter than what was scored, so it was cut or created anew: it is read from its start", "scored", p.next, "end", end)
		p.next, p.liveFrom = start, start
	}
	p.before = progress{p.next, p.liveFrom}
	return nil
}

// bounds asks where a partition begins and ends.
func bounds(ctx context.Context, client *kgo.Client, topic string, partition int32) (start, end int64, err error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("start of %s: %w", topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("end of %s: %w", topic, err)
	}
	first, startKnown := starts.Lookup(topic, partition)
	last, endKnown := ends.Lookup(topic, partition)
	if !startKnown || !endKnown {
		return 0, 0, fmt.Errorf("the brokers do not say where %s/%d begins and ends", topic, partition)
	}
	return first.Offset, last.Offset, nil
}
