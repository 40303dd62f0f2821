package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/config"
)

func user(n int) Subject { return Subject{"default", fmt.Sprintf("user%d@corp.example", n)} }

func erase(t *testing.T, store *Store, of Subject, sessions ...string) {
	t.Helper()
	if err := store.Erase(t.Context(), config.History{}, of, sessions, time.Now(), func(what string) { t.Log(what) }); err != nil {
		t.Fatal(err)
	}
}

func counted(t *testing.T, store *Store, of Subject) (rows []uint64) {
	t.Helper()
	counts, err := store.RowsOf(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range counts {
		rows = append(rows, c.Rows)
	}
	return rows
}

func sums(audits []Audit) (sum Audit) {
	for _, a := range audits {
		sum.Rows += a.Rows
		sum.Missing += a.Missing
		sum.Doubled += a.Doubled
		sum.Waiting += a.Waiting
		sum.Erased += a.Erased
	}
	return sum
}

func TestErase(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(100, kgo.TryCommit)
	if err := w.client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.send(w.kafka.Topics().Scores, []byte("session:default/s-1"), nil, began) // names no user
	w.send(w.kafka.Topics().Scores, []byte("session:default/s-2"), nil, began)
	if err := w.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	stop := w.run(store)
	before := sums(w.audited(store))
	others := counted(t, store, user(2))
	erased := counted(t, store, user(1))
	for i, n := range erased {
		if n == 0 || others[i] == 0 {
			t.Fatalf("nothing to erase: %v, %v", erased, others)
		}
	}

	erase(t, store, user(1), "session:default/s-1")
	if left := counted(t, store, user(1)); fmt.Sprint(left) != "[0 0 0 0 0]" {
		t.Errorf("left: %v", left)
	}
	if now := counted(t, store, user(2)); fmt.Sprint(now) != fmt.Sprint(others) {
		t.Errorf("rows of another: %v, were %v", now, others)
	}
	gone := int64(erased[0] + erased[1] + erased[2] + 1) // and the session's end
	if now := sums(w.audited(store)); now.Missing != 0 || now.Doubled != 0 || now.Erased != gone || now.Rows != before.Rows-gone {
		t.Errorf("audit %+v, want %d erased of %d rows", now, gone, before.Rows)
	}
	var text string
	if err := store.conn.QueryRow(t.Context(), "SELECT arrayStringConcat(groupArray(command)) FROM system.mutations").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if text == "" || strings.Contains(text, "user1") {
		t.Errorf("the engine keeps the name in its list of deletions: %s", text)
	}

	// Who comes again is stored again, and erased again.
	w.produce(50, kgo.TryCommit)
	if now := sums(w.audited(store)); now.Missing != 0 || now.Erased != gone {
		t.Errorf("audit after new events %+v", now)
	}
	if rows := counted(t, store, user(1)); rows[0] == 0 {
		t.Error("later events were not stored")
	}
	erase(t, store, user(1))
	if left := counted(t, store, user(1)); fmt.Sprint(left) != "[0 0 0 0 0]" {
		t.Errorf("left: %v", left)
	}

	// An audit that takes anything for erased proves nothing.
	stop()
	if err := store.conn.Exec(t.Context(), "DELETE FROM detections WHERE event_id IN ('e-16', 'e-107')"); err != nil { // of another, and from before and after
		t.Fatal(err)
	}
	if now := sums(w.audited(store)); now.Missing != 2 {
		t.Errorf("%d are missing, want 2", now.Missing)
	}
}

// A sink that starts after everything was erased, the last rows too, does not
// bring it back.
func TestWhatIsErasedDoesNotComeBack(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(40, kgo.TryCommit)
	stop := w.run(store)
	w.audited(store)
	stop()
	for n := range 7 {
		erase(t, store, user(n))
	}
	erase(t, store, Subject{"default", "anna.weber@corp.example"})
	stop = w.run(store)
	w.produce(7, kgo.TryCommit)
	now := sums(w.audited(store))
	stop()
	if now.Rows != 21 || now.Missing != 0 || now.Erased != 120 {
		t.Errorf("audit %+v, want the 21 new rows", now)
	}
}

// Rows that are stored behind what was known when the erasing began stay.
func TestErasureHasAnEnd(t *testing.T) {
	sql := upTo(map[place]int64{{"b", 0}: 7, {"a", 1}: 5, {"a", 0}: 3})
	want := "offset <= transform(concat(topic, ' ', toString(partition)), ['a 0', 'a 1', 'b 0'], [toInt64(3), toInt64(5), toInt64(7)], toInt64(-1))"
	if sql != want {
		t.Errorf("got %s", sql)
	}
	store := openStore(t, inDir(t.TempDir()))
	for row, want := range map[string]bool{"'a', 1, 5": true, "'a', 1, 6": false, "'b', 0, 7": true, "'c', 0, 0": false} {
		var got uint8
		if err := store.conn.QueryRow(t.Context(), "SELECT "+sql+" FROM (SELECT c.1 AS topic, toInt32(c.2) AS partition, toInt64(c.3) AS offset FROM (SELECT tuple("+row+") AS c))").Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got == 1 != want {
			t.Errorf("%s: %d", row, got)
		}
	}
}
