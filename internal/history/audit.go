package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/publish"
)

// Audit is what a comparison of the history with Kafka has found in one
// partition.
type Audit struct {
	Table     string `json:"table"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Rows      int64  `json:"rows"`                    // in the history
	Doubled   int64  `json:"doubled"`                 // rows beyond the first of an offset
	Records   int64  `json:"records"`                 // in Kafka, up to the last row
	Missing   int64  `json:"missing"`                 // of them, that are in no row
	First     int64  `json:"first_missing,omitempty"` // offset of the first that is missing
	Waiting   int64  `json:"waiting"`                 // records behind the last row, which the sink has still to bring
	Expired   int64  `json:"expired"`                 // records that are older than their table keeps rows
	Erased    int64  `json:"erased"`                  // records that are in no row because their user was erased
}

// Clean reports that nothing is missing or there twice.
func (a *Audit) Clean() bool { return a.Doubled == 0 && a.Missing == 0 }

// AuditAll holds the history against Kafka: every committed record that Kafka
// still has, up to the last row of its partition, must be in exactly one row.
// What retention has removed from Kafka can be told to be double, but not to be
// missing; what is older than the history keeps may be in it or not. A record
// that is not riskstream's is in no row, and so counts as missing. One of a user
// who was erased since, told by a hash of its key, is in no row either. told
// hears how many offsets of how many are done.
func (s *Store) AuditAll(ctx context.Context, kafka publish.KafkaConfig, opts []kgo.Opt, now time.Time, told func(done, total int64)) ([]Audit, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	defer client.Close()
	var all []Audit
	var ends []int64 // of the partitions of all
	for topic, table := range tablesByTopic(kafka.Topics()) {
		listed, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
		if err == nil {
			err = listed.Error()
		}
		if err != nil {
			return nil, fmt.Errorf("audit: end of %s: %w", topic, err)
		}
		for _, end := range listed[topic] {
			all = append(all, Audit{Table: table, Topic: topic, Partition: end.Partition})
			ends = append(ends, end.Offset)
		}
	}
	done, total := int64(0), int64(0)
	for _, end := range ends {
		total += end
	}
	for i := range all {
		a := &all[i]
		if err := s.audit(ctx, a, opts, ends[i], s.oldest(a.Table, now), func(offset int64) { told(done+offset, total) }); err != nil {
			return nil, fmt.Errorf("audit of %s/%d: %w", a.Topic, a.Partition, err)
		}
		done += ends[i]
	}
	slices.SortFunc(all, func(a, b Audit) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return all, nil
}

// audit reads a partition of Kafka to its end, and looks up its offsets as it
// goes.
func (s *Store) audit(ctx context.Context, a *Audit, opts []kgo.Opt, end int64, oldest time.Time, told func(offset int64)) error {
	var last int64
	err := s.conn.QueryRow(ctx, "SELECT toInt64(count()), toInt64(count() - uniqExact(offset)), if(count() = 0, -1, max(offset)) FROM "+a.Table+" WHERE topic = ? AND partition = ?", a.Topic, a.Partition).
		Scan(&a.Rows, &a.Doubled, &last)
	if err != nil {
		return err
	}
	erased, err := s.erasedUpTo(ctx, place{a.Topic, a.Partition})
	if err != nil {
		return err
	}
	for _, offset := range erased {
		last = max(last, offset) // the last row may be among those that were erased
	}
	client, err := kgo.NewClient(slices.Concat(opts, []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{a.Topic: {a.Partition: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
	})...)
	if err != nil {
		return err
	}
	defer client.Close()
	a.First = -1
	for next := int64(0); next < end; {
		records, behind, err := committed(ctx, client, last, oldest)
		if err != nil {
			return err
		}
		if len(records) == 0 && behind == nothing {
			break // what is left was compacted away
		}
		a.Waiting += behind.records
		a.Expired += behind.expired
		next = max(next, behind.next)
		told(next)
		if err := s.lookUp(ctx, a, records, erased); err != nil {
			return err
		}
	}
	if a.Missing == 0 {
		a.First = 0
	}
	return nil
}

// past is what a poll has found beside the records that must be in rows.
type past struct {
	records int64 // behind the last row
	expired int64 // older than rows are kept
	next    int64 // offset behind all of them
}

// nothing is what a poll finds that finds no record.
var nothing = past{}

// committed reads some committed records of a partition: those up to last, and
// what else there is.
func committed(ctx context.Context, client *kgo.Client, last int64, oldest time.Time) (records []*kgo.Record, behind past, err error) {
	ctx, cancel := context.WithTimeout(ctx, quietTime)
	defer cancel()
	fetches := client.PollFetches(ctx)
	if err := fetches.Err0(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return nil, nothing, err
	}
	fetches.EachRecord(func(r *kgo.Record) {
		behind.next = r.Offset + 1
		switch {
		case r.Attrs.IsControl():
		case r.Timestamp.Before(oldest):
			behind.expired++
		case r.Offset > last:
			behind.records++
		default:
			records = append(records, r)
		}
	})
	return records, behind, nil
}

// quietTime is how long a partition is waited for that may have no more.
const quietTime = 5 * time.Second

// lookUp counts which of the records, whose offsets ascend, have no row. Up to
// the offset that erased says for the hash of its key, a record needs none.
func (s *Store) lookUp(ctx context.Context, a *Audit, records []*kgo.Record, erased map[string]int64) error {
	if len(records) == 0 {
		return nil
	}
	a.Records += int64(len(records))
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT offset FROM "+a.Table+" WHERE topic = ? AND partition = ? AND offset BETWEEN ? AND ? ORDER BY offset",
		a.Topic, a.Partition, records[0].Offset, records[len(records)-1].Offset)
	if err != nil {
		return err
	}
	stored := make(map[int64]bool, len(records))
	for rows.Next() {
		var offset int64
		if err := rows.Scan(&offset); err != nil {
			return errors.Join(err, rows.Close())
		}
		stored[offset] = true
	}
	for _, r := range records {
		if stored[r.Offset] {
			continue
		}
		if upTo, ok := erased[hashOf(string(r.Key))]; ok && r.Offset <= upTo {
			a.Erased++
			continue
		}
		if a.Missing == 0 {
			a.First = r.Offset
		}
		a.Missing++
	}
	return errors.Join(rows.Err(), rows.Close())
}
