package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

func exported(t *testing.T, store *Store, e Export) []byte {
	t.Helper()
	var out bytes.Buffer
	rows, err := store.Export(t.Context(), e, &out)
	if err != nil {
		t.Fatalf("%+v: %v", e, err)
	}
	var again bytes.Buffer
	if _, err := store.Export(t.Context(), e, &again); err != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("%+v: the same export twice has other bytes, %v", e, err)
	}
	if e.Format == JSONL {
		if lines := bytes.Count(out.Bytes(), []byte("\n")); int64(lines) != rows {
			t.Errorf("%+v: %d rows in %d lines", e, rows, lines)
		}
	}
	return out.Bytes()
}

func lines(t *testing.T, jsonl []byte) (all []map[string]any) {
	t.Helper()
	for scanner := bufio.NewScanner(bytes.NewReader(jsonl)); scanner.Scan(); {
		line := map[string]any{}
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			t.Fatalf("%s: %v", scanner.Bytes(), err)
		}
		all = append(all, line)
	}
	return all
}

func TestExportJSONL(t *testing.T) {
	store := filled(t, 60)
	events := lines(t, exported(t, store, Export{Table: "events", Format: JSONL}))
	if len(events) != 60 {
		t.Fatalf("%d events", len(events))
	}
	order := func(e map[string]any) string {
		return fmt.Sprint(e["tenant"], "\x00", e["subject"], "\x00", e["time"], "\x00", e["id"])
	}
	if !slices.IsSortedFunc(events, func(a, b map[string]any) int { return strings.Compare(order(a), order(b)) }) {
		t.Error("events are not in order")
	}
	annas := lines(t, exported(t, store, Export{Table: "events", Format: JSONL, Subjects: []Subject{{"default", "anna.weber@corp.example"}, {"default", "nobody"}}, Span: Span{Since: anEvent(5).Time, Until: anEvent(6).Time}}))
	if len(annas) != 1 {
		t.Fatalf("%d events of a user in a minute", len(annas))
	}
	if offset, ok := annas[0]["offset"].(float64); !ok || offset < 0 {
		t.Errorf("offset %v", annas[0]["offset"])
	}
	for _, varies := range []string{"partition", "offset"} {
		delete(annas[0], varies)
	}
	want := map[string]any{
		"tenant": "default", "subject": "anna.weber@corp.example", "time": "2026-03-02T08:05:00.123Z", "id": "e-5", "kind": "event", "action": "sign_in", "outcome": "success", "provider": "okta",
		"user_id": "00uanna", "user_name": "anna.weber", "user_email": "anna.weber@corp.example", "user_kind": "human",
		"source_ip": "203.0.113.9", "source_country": "DE", "source_city": "Berlin", "source_latitude": 52.5, "source_longitude": 13.4, "source_accuracy_km": 20.0, "source_as": 64500.0, "source_as_name": "Example Net",
		"user_agent": "Mozilla/5.0", "user_agent_name": "Safari", "user_agent_os": "Mac OS", "session_id": "s-attack", "app_id": "0oa1", "app_name": "Payroll", "app_sanctioned": true,
		"signal_users": 0.0, "signal_attempts": 0.0, "signal_tries": 0.0, "signal_networks": 0.0,
		"origin_topic": "idp.okta", "origin_topic_id": "AAAA", "origin_partition": 1.0, "origin_offset": 5.0, "origin_index": 0.0, "recorded": "2026-03-02T08:05:00.123Z", "topic": "risk.events",
	}
	if diff := cmp.Diff(want, annas[0]); diff != "" {
		t.Error(diff)
	}
	for _, line := range lines(t, exported(t, store, Export{Table: "scores", Format: JSONL})) {
		record, err := json.Marshal(line["record"])
		if err != nil {
			t.Fatal(err)
		}
		if score, err := publish.DecodeScore(record); err != nil || len(score.Reasons) != 1 || line["score"] != score.Score || line["reasons_points"] != nil {
			t.Errorf("%v: %+v, %v", line, score, err)
		}
	}
	if detections := lines(t, exported(t, store, Export{Table: "detections", Format: JSONL})); len(detections) != 60 || !cmp.Equal(detections[0]["evidence"], any(map[string]any{"device": "mac os / safari", "sign_ins": "31.00"})) {
		t.Errorf("%d detections: %v", len(detections), detections[0]["evidence"])
	}
	letters := lines(t, exported(t, store, Export{Table: "dead_letters", Format: JSONL}))
	if len(letters) != 1 || letters[0]["reason"] != "unknown_format" || letters[0]["record"].(map[string]any)["reason"] != "unknown_format" {
		t.Errorf("dead letters %v", letters)
	}
}

func TestExportParquet(t *testing.T) {
	store := filled(t, 60)
	type row struct {
		ID         string     `parquet:"id"`
		Subject    string     `parquet:"subject"`
		Time       time.Time  `parquet:"time,timestamp"`
		IP         string     `parquet:"source_ip"`
		Privileged *bool      `parquet:"user_privileged"`
		Managed    *bool      `parquet:"device_managed"`
		Lat        *float64   `parquet:"source_latitude"`
		Since      *time.Time `parquet:"signal_since,timestamp"`
		AS         uint32     `parquet:"source_as"`
		Offset     int64      `parquet:"origin_offset"`
	}
	events := parquetRows[row](t, exported(t, store, Export{Table: "events", Format: Parquet}))
	if len(events) != 60 {
		t.Fatalf("%d events", len(events))
	}
	i := slices.IndexFunc(events, func(r row) bool { return r.ID == "e-10" })
	want := row{ID: "e-10", Subject: "user3@corp.example", Time: anEvent(10).Time.Std(), IP: someIP, Privileged: new(false), Lat: new(52.5), AS: 64500, Offset: 10}
	if diff := cmp.Diff(want, events[i]); diff != "" {
		t.Error(diff)
	}
	type score struct {
		Score      float64     `parquet:"score"`
		Ended      bool        `parquet:"ended"`
		Record     string      `parquet:"record,json"`
		Detections []string    `parquet:"reasons_detection,list"`
		At         []time.Time `parquet:"reasons_at,list" parquet-element:",timestamp"`
		Sure       []bool      `parquet:"reasons_unconfirmed,list"`
		Points     []float64   `parquet:"reasons_points,list"`
	}
	scores := parquetRows[score](t, exported(t, store, Export{Table: "scores", Format: Parquet, Subjects: []Subject{{"default", "user3@corp.example"}}, Span: Span{Since: anEvent(10).Time, Until: anEvent(11).Time}}))
	if len(scores) != 1 || !strings.HasPrefix(scores[0].Record, `{"entity":"user:default/user3@corp.example",`) {
		t.Fatalf("scores %+v", scores)
	}
	scores[0].Record = ""
	if diff := cmp.Diff(score{Score: 42.5, Detections: []string{"new_device"}, At: []time.Time{anEvent(10).Time.Std()}, Sure: []bool{false}, Points: []float64{42.3}}, scores[0]); diff != "" {
		t.Error(diff)
	}
	type detection struct {
		Evidence string   `parquet:"evidence,json"`
		Tags     []string `parquet:"rule_tags,list"`
	}
	if found := parquetRows[detection](t, exported(t, store, Export{Table: "detections", Format: Parquet})); len(found) != 60 || found[0].Evidence != `{"device":"mac os / safari","sign_ins":"31.00"}` {
		t.Errorf("%d detections, %+v", len(found), found[0])
	}
	if letters := parquetRows[struct {
		Reason string `parquet:"reason"`
	}](t, exported(t, store, Export{Table: "dead_letters", Format: Parquet})); len(letters) != 1 || letters[0].Reason != "unknown_format" {
		t.Errorf("dead letters %v", letters)
	}
}

func parquetRows[R any](t *testing.T, file []byte) []R {
	t.Helper()
	rows, err := parquet.Read[R](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Rows come as they are stored: to sort them all first would need as much memory
// as there are rows.
func TestExportIsNotSortedInMemory(t *testing.T) {
	store := filled(t, 60)
	for _, table := range Exports() {
		e := Export{Table: table}
		sql, _, err := e.query()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := store.conn.Query(t.Context(), "EXPLAIN PIPELINE "+sql)
		if err != nil {
			t.Fatal(err)
		}
		var plan, line string
		for rows.Next() {
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan += line + "\n"
		}
		if err := rows.Close(); err != nil || !strings.Contains(plan, "FinishSorting") || strings.Contains(plan, "MergeSorting") {
			t.Errorf("%s: %v\n%s", table, err, plan)
		}
	}
}

func TestExportOfWhatIsNotThere(t *testing.T) {
	store := filled(t, 7)
	later := Span{Since: anEvent(0).Time + event.Day}
	if out := exported(t, store, Export{Table: "events", Format: JSONL, Span: later}); len(out) != 0 {
		t.Errorf("nothing is %q", out)
	}
	if rows := parquetRows[struct {
		ID string `parquet:"id"`
	}](t, exported(t, store, Export{Table: "events", Format: Parquet, Span: later})); len(rows) != 0 {
		t.Errorf("nothing is %v", rows)
	}
	for want, e := range map[string]Export{
		"no table":             {Table: "network_days", Format: JSONL},
		"format":               {Table: "events", Format: "csv"},
		"belong to no user":    {Table: "dead_letters", Format: JSONL, Subjects: []Subject{{"default", "x"}}},
		"export of detections": {Table: "detections", Format: JSONL},
	} {
		if _, err := store.Export(t.Context(), e, brokenPipe{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", e, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.Export(ctx, Export{Table: "events", Format: JSONL}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestExportThatIsInterrupted(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	fillHistory(t, store, newVisits(5_000, batchRows, 90), batchRows)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := store.Export(ctx, Export{Table: tableEvents, Format: JSONL}, cancelling{cancel})
	if !errors.Is(err, context.Canceled) || rows >= batchRows {
		t.Errorf("%d rows, %v", rows, err)
	}
	// The engine is free for others.
	if _, err := store.Top(t.Context(), Span{}, 1); err != nil {
		t.Error(err)
	}
}

// cancelling ends a context with the first bytes that are written.
type cancelling struct{ cancel func() }

func (c cancelling) Write(b []byte) (int, error) {
	c.cancel()
	return len(b), nil
}
