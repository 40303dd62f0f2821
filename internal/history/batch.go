package history

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// Bounds of a batch. A small insert costs the engine as much as a large one,
// and it merges each of them later.
const (
	batchRows  = 50_000
	batchBytes = 64 << 20
	batchAge   = time.Second
)

// batch is consecutive rows of one partition of one topic, which are inserted
// at once: all of them are there afterwards, or none.
type batch interface {
	// add takes a record. Its error says why it is no row.
	add(record *kgo.Record) error
	// fits reports whether the record belongs into the batch.
	fits(record *kgo.Record) bool
	info() *batchInfo
	// renew empties the batch for rows of another partition of its table.
	renew(topic string, partition int32)
	// insert inserts the rows, under a token by which the engine knows a batch
	// that it has already.
	insert(ctx context.Context, conn driver.Conn) error
}

// batchInfo is what a batch is about.
type batchInfo struct {
	table       string
	topic       string
	partition   int32
	rows, bytes int
	first, last int64          // offsets of the first and last row
	next        int64          // offset behind the last record, row or not
	month       int            // of all rows
	began       time.Time      // when the first row was added
	hash        *xxhash.Digest // of the records; see token
	in          bool           // inserted
}

func (b *batchInfo) due(now time.Time) bool {
	return b.rows > 0 && (b.rows >= batchRows || b.bytes >= batchBytes || now.Sub(b.began) >= batchAge)
}

// schemaVersion is part of the token: the same rows in other columns are
// another batch.
const schemaVersion = 1

// token names the batch by what is in it. The engine drops a batch whose token
// it knows, whatever its rows: so different rows never have the same one.
func (b *batchInfo) token() string {
	return fmt.Sprintf("%s-%d-%d-%d-%d-%d-%x", b.topic, b.partition, b.first, b.last, b.rows, schemaVersion, b.hash.Sum64())
}

// monthOf is the partition of the tables that a row is in.
func monthOf(t time.Time) int { return t.UTC().Year()*12 + int(t.UTC().Month()) }

// rowsOf is a batch of a table whose rows are an R.
type rowsOf[R any] struct {
	batchInfo
	columns  []column[R]
	read     func(key, value []byte, row *R) error
	position func(row *R) *position
	row      R
	room     []string
}

func (b *rowsOf[R]) info() *batchInfo { return &b.batchInfo }

func (b *rowsOf[R]) fits(record *kgo.Record) bool {
	return b.rows == 0 || b.rows < batchRows && b.bytes < batchBytes && b.month == monthOf(record.Timestamp)
}

func (b *rowsOf[R]) add(record *kgo.Record) error {
	b.next = record.Offset + 1
	if err := b.read(record.Key, record.Value, &b.row); err != nil {
		return err
	}
	if b.rows == 0 {
		b.first, b.month, b.began = record.Offset, monthOf(record.Timestamp), time.Now()
		b.hash.Reset()
	}
	*b.position(&b.row) = position{b.topic, b.partition, record.Offset, event.TimeOf(record.Timestamp)}
	for _, c := range b.columns {
		c.add(&b.row)
	}
	b.rows++
	b.bytes += len(record.Value) + 200
	b.last = record.Offset
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(record.Offset))
	b.hash.Write(at[:])
	b.hash.Write(record.Key)
	b.hash.Write(record.Value)
	return nil
}

func (b *rowsOf[R]) renew(topic string, partition int32) {
	b.batchInfo = batchInfo{table: b.table, topic: topic, partition: partition, hash: b.hash}
	for _, c := range b.columns {
		c.reset()
	}
}

func (b *rowsOf[R]) insert(ctx context.Context, conn driver.Conn) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"insert_deduplicate":                                 1,
		"insert_deduplication_token":                         b.token(),
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		// The whole batch is one block and so one part.
		"max_insert_block_size":       batchRows * 2,
		"min_insert_block_size_rows":  batchRows * 2,
		"min_insert_block_size_bytes": 2 * batchBytes,
		"max_insert_threads":          1,
		"async_insert":                0,
		"max_execution_time":          int(insertTime / time.Second),
	}))
	var columns []column[R]
	var names []string
	for _, c := range b.columns {
		if !c.blank() {
			columns, names = append(columns, c), append(names, "`"+strings.ReplaceAll(c.title(), ".", "`.`")+"`")
		}
	}
	into, err := conn.PrepareBatch(ctx, "INSERT INTO "+b.table+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return err
	}
	defer into.Close()
	for i, c := range columns {
		if err := c.fill(into.Column(i), &b.room); err != nil {
			return fmt.Errorf("column %s: %w", c.title(), err)
		}
	}
	clear(b.room) // lets go of the texts
	return into.Send()
}

func newBatch(table, topic string, partition int32) batch {
	info := batchInfo{table: table, topic: topic, partition: partition, hash: xxhash.New()}
	switch table {
	case tableEvents:
		var r eventReader
		return &rowsOf[eventRow]{batchInfo: info, columns: eventColumns(), read: r.read, position: func(r *eventRow) *position { return &r.position }}
	case tableDetections:
		var r detectionReader
		return &rowsOf[detectionRow]{batchInfo: info, columns: detectionColumns(), read: r.read, position: func(r *detectionRow) *position { return &r.position }}
	case tableScores:
		var r scoreReader
		return &rowsOf[scoreRow]{batchInfo: info, columns: scoreColumns(), read: r.read, position: func(r *scoreRow) *position { return &r.position }}
	case tableDeadLetters:
		var r deadLetterReader
		return &rowsOf[deadLetterRow]{batchInfo: info, columns: deadLetterColumns(), read: r.read, position: func(r *deadLetterRow) *position { return &r.position }}
	}
	panic("history: no table " + table)
}

// spares are batches that are done with. Gathering into one of them costs less
// than into a new one, whose columns grow.
type spares struct {
	mu      sync.Mutex
	batches map[string][]batch // by table
}

// maxSpares is how many are kept of a table; one of events holds some 50 MB.
const maxSpares = 2

// take returns an empty batch.
func (s *spares) take(table, topic string, partition int32) batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.batches[table]
	if len(list) == 0 {
		return newBatch(table, topic, partition)
	}
	b := list[len(list)-1]
	s.batches[table] = list[:len(list)-1]
	b.renew(topic, partition)
	return b
}

// give takes a batch that is not looked at any more.
func (s *spares) give(b batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	table := b.info().table
	b.renew("", 0) // lets go of the rows
	if s.batches == nil {
		s.batches = map[string][]batch{}
	}
	if len(s.batches[table]) < maxSpares {
		s.batches[table] = append(s.batches[table], b)
	}
}
