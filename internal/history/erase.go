package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
)

// tableErasures says whose rows were erased, by hashes.
const tableErasures = "erasures"

// Summaries that have rows of single users.
const (
	tableNetworkDays = "network_days"
	tableNames       = "names"
)

// summariesOfUsers lists them.
func summariesOfUsers() []string { return []string{tableNetworkDays, tableNames} }

// Count is how many rows of a table are about a user.
type Count struct {
	Table string `json:"table"`
	Rows  uint64 `json:"rows"`
}

// RowsOf counts the rows of every table that has rows of single users.
func (s *Store) RowsOf(ctx context.Context, of Subject) ([]Count, error) {
	var counts []Count
	for _, table := range append([]string{tableEvents, tableDetections, tableScores}, summariesOfUsers()...) {
		c, from := Count{Table: table}, table
		if slices.Contains(summariesOfUsers(), table) {
			from += " FINAL" // as if all parts were merged
		}
		if err := s.conn.QueryRow(ctx, "SELECT count() FROM "+from+" WHERE tenant = ? AND subject = ?", of.Tenant, of.Name).Scan(&c.Rows); err != nil {
			return nil, fmt.Errorf("rows of %s: %w", table, err)
		}
		counts = append(counts, c)
	}
	return counts, nil
}

// Entities are the entities of the user's score records that the history has:
// the user and sessions.
func (s *Store) Entities(ctx context.Context, of Subject) ([]string, error) {
	return list(ctx, s, "entities of a user", func(row driver.Rows, entity *string) error {
		return row.Scan(entity)
	}, "SELECT DISTINCT entity FROM scores WHERE tenant = ? AND subject = ? ORDER BY entity", of.Tenant, of.Name)
}

// Stored is up to which offset of each partition of a topic the history has
// the records. A partition of which it has none is not in the map.
func (s *Store) Stored(ctx context.Context, topic string) (map[int32]int64, error) {
	all, err := s.stored(ctx)
	if err != nil {
		return nil, err
	}
	last := map[int32]int64{}
	for at, offset := range all {
		if at.topic == topic {
			last[at.partition] = offset
		}
	}
	return last, nil
}

// Erase deletes the rows of a user, and those of the score records of the
// given entities, which say the user's sessions: of all that the history has
// now. It returns when the engine has written its files anew without them. What
// the sink stores meanwhile stays.
//
// First it notes, by hashes, whose rows are erased up to where: then the audit
// does not miss them, and a sink that starts later goes on behind them. Told hears
// what is still to be written.
func (s *Store) Erase(ctx context.Context, cfg config.History, of Subject, entities []string, now time.Time, told func(string)) error {
	var made uint8
	if err := s.conn.QueryRow(ctx, "EXISTS TABLE "+tableErasures).Scan(&made); err != nil {
		return fmt.Errorf("erasing rows: %w", err)
	}
	if made == 0 {
		return errors.New("the history is as an older riskstream has made it, and cannot note who was erased: start riskstream run of this version, which brings it up to date")
	}
	known, err := s.Entities(ctx, of)
	if err != nil {
		return err
	}
	keys := map[string][]string{ // of the records in Kafka, by table
		tableEvents:     {event.Key(of.Tenant, of.Name)},
		tableDetections: {event.Key(of.Tenant, of.Name)},
		tableScores:     slices.Compact(slices.Sorted(slices.Values(slices.Concat(entities, known)))),
	}
	stored, err := s.stored(ctx)
	if err != nil {
		return err
	}
	var orders []string
	for _, table := range []string{tableEvents, tableDetections, tableScores} {
		if len(keys[table]) == 0 {
			continue
		}
		where := keyCondition(table, keys[table])
		if err := s.noteErased(ctx, table, where, stored, now); err != nil {
			return fmt.Errorf("noting whose rows of %s are erased: %w", table, err)
		}
		orders = append(orders, alter(cfg, table)+" DELETE WHERE "+where+" AND "+upTo(stored))
	}
	for _, summary := range summariesOfUsers() {
		orders = append(orders, alter(cfg, summary)+" DELETE WHERE "+keyCondition(summary, keys[tableEvents]))
	}
	for _, order := range orders {
		if err := s.conn.Exec(ctx, order+" SETTINGS mutations_sync = 0"); err != nil {
			return fmt.Errorf("erasing rows: %w", err)
		}
	}
	return s.rewritten(ctx, cfg, keys, told)
}

func alter(cfg config.History, table string) string {
	if cfg.Cluster == "" {
		return "ALTER TABLE " + table
	}
	return fmt.Sprintf("ALTER TABLE %s_local ON CLUSTER '%s'", table, cfg.Cluster)
}

// keyCondition selects the rows of a table whose records have one of the keys.
// It says hashes instead: the engine keeps the text of a deletion for long. The
// first hash is cheap, and the second one sure.
func keyCondition(table string, keys []string) string {
	column := "concat(tenant, '/', subject)"
	if table == tableScores {
		column = "entity"
	}
	cheap, sure := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		cheap[i] = fmt.Sprint(xxhash.Sum64String(key))
		sure[i] = "'" + hashOf(key) + "'"
	}
	return fmt.Sprintf("xxHash64(%s) IN (%s) AND lower(hex(SHA256(%s))) IN (%s)", column, strings.Join(cheap, ", "), column, strings.Join(sure, ", "))
}

// hashOf is how the history names who was erased.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// upTo selects the rows that do not stand behind the given offsets.
func upTo(stored map[place]int64) string {
	places := slices.SortedFunc(maps.Keys(stored), func(a, b place) int {
		if c := strings.Compare(a.topic, b.topic); c != 0 {
			return c
		}
		return int(a.partition - b.partition)
	})
	if len(places) == 0 {
		return "1" // there are no rows
	}
	names, offsets := make([]string, len(places)), make([]string, len(places))
	for i, at := range places {
		names[i] = fmt.Sprintf("'%s %d'", at.topic, at.partition) // a topic's name has no quotes
		offsets[i] = fmt.Sprintf("toInt64(%d)", stored[at])
	}
	return fmt.Sprintf("offset <= transform(concat(topic, ' ', toString(partition)), [%s], [%s], toInt64(-1))", strings.Join(names, ", "), strings.Join(offsets, ", "))
}

// erasure is a row of the table erasures.
type erasure struct {
	key string // a hash
	at  place
}

// noteErased notes for each partition that has rows of the condition that they
// are erased up to the last row that is stored.
func (s *Store) noteErased(ctx context.Context, table, where string, stored map[place]int64, now time.Time) error {
	key := "concat(tenant, '/', subject)"
	if table == tableScores {
		key = "entity"
	}
	noted, err := list(ctx, s, "where they stood", func(row driver.Rows, e *erasure) error {
		return row.Scan(&e.key, &e.at.topic, &e.at.partition)
	}, "SELECT DISTINCT lower(hex(SHA256("+key+"))), topic, partition FROM "+table+" WHERE "+where)
	if err != nil || len(noted) == 0 {
		return err
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"async_insert": 0, "distributed_foreground_insert": 1}))
	into, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+tableErasures+" (key, topic, partition, offset, erased)")
	if err != nil {
		return err
	}
	defer into.Close()
	for _, e := range noted {
		if err := into.Append(e.key, e.at.topic, e.at.partition, stored[e.at], now); err != nil {
			return err
		}
	}
	return into.Send()
}

// lookEvery is how often the engine is asked whether it has written its files.
const lookEvery = 200 * time.Millisecond

// rewritten waits until the deletions are done: until the files have been
// written anew, on all servers.
func (s *Store) rewritten(ctx context.Context, cfg config.History, keys map[string][]string, told func(string)) error {
	mutations := "system.mutations"
	if cfg.Cluster != "" {
		mutations = fmt.Sprintf("clusterAllReplicas('%s', system.mutations)", cfg.Cluster)
	}
	var ours []string
	for _, key := range slices.Concat(keys[tableEvents], keys[tableScores]) {
		ours = append(ours, "position(command, '"+hashOf(key)+"') > 0")
	}
	question := "SELECT count(), sum(parts_to_do), anyLast(latest_fail_reason) FROM " + mutations +
		" WHERE database = currentDatabase() AND NOT is_done AND (" + strings.Join(ours, " OR ") + ")"
	for last := ""; ; {
		var left uint64
		var parts int64
		var failure string
		if err := s.conn.QueryRow(ctx, question).Scan(&left, &parts, &failure); err != nil {
			return fmt.Errorf("waiting until the rows are erased: %w", err)
		}
		switch {
		case left == 0:
			return nil
		case failure != "":
			return fmt.Errorf("erasing rows, which the engine goes on to try: %.300s", failure)
		}
		if now := fmt.Sprintf("the history writes its files anew: %d deletions, %d parts to do", left, parts); now != last {
			told(now)
			last = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the history has not written its files anew in time, and goes on with it: %w", context.Cause(ctx))
		case <-time.After(lookEvery):
		}
	}
}

// ErasedAt is when rows of the user were last erased; zero when they never
// were, or when nothing is left that says so.
func (s *Store) ErasedAt(ctx context.Context, of Subject) (time.Time, error) {
	var made uint8
	if err := s.conn.QueryRow(ctx, "EXISTS TABLE "+tableErasures).Scan(&made); err != nil || made == 0 {
		return time.Time{}, err
	}
	var times uint64
	var last time.Time
	err := s.conn.QueryRow(ctx, "SELECT count(), max(erased) FROM "+tableErasures+" WHERE key = ?", hashOf(event.Key(of.Tenant, of.Name))).Scan(&times, &last)
	if err != nil || times == 0 {
		return time.Time{}, err
	}
	return last, nil
}

// erasedUpTo is, for each hash of a key, the offset up to which its records of
// the partition are erased.
func (s *Store) erasedUpTo(ctx context.Context, at place) (map[string]int64, error) {
	type upTo struct {
		key    string
		offset int64
	}
	noted, err := list(ctx, s, "whose rows were erased", func(row driver.Rows, e *upTo) error {
		return row.Scan(&e.key, &e.offset)
	}, "SELECT key, max(offset) FROM "+tableErasures+" WHERE topic = ? AND partition = ? GROUP BY key", at.topic, at.partition)
	erased := map[string]int64{}
	for _, e := range noted {
		erased[e.key] = e.offset
	}
	return erased, err
}
