package history

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestEveryRecordIsInOneRow(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(300, kgo.TryCommit)
	w.produce(50, kgo.TryAbort)
	w.produce(200, kgo.TryCommit)
	stop := w.run(store)
	w.audited(store)
	w.produce(150, kgo.TryCommit)
	audits := w.audited(store)
	stop()
	for _, a := range audits {
		if !a.Clean() || a.Waiting != 0 || a.Rows != a.Records {
			t.Errorf("%+v", a)
		}
	}
	if rows := rowsIn(audits, tableEvents); rows != 650 {
		t.Errorf("%d events, want the 650 that were committed", rows)
	}
	if rows := rowsIn(audits, tableDeadLetters); rows != 13 {
		t.Errorf("%d dead letters, want 13", rows)
	}
}

// The history knows where it is; the group's offsets may be lost, reset or
// ahead, and nothing is missing or there twice.
func TestGoesOnBehindWhatIsStored(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	admin := kadm.NewClient(w.client)
	topic := w.kafka.Topics().Events
	for round, committed := range []int64{-1, 0, 1 << 40} {
		w.produce(100, kgo.TryCommit)
		if committed >= 0 {
			// A member keeps strangers from committing.
			if _, err := admin.LeaveGroup(t.Context(), kadm.LeaveGroup(w.kafka.Group("history")).InstanceIDs("test")); err != nil {
				t.Fatal(err)
			}
			var offsets kadm.Offsets
			for partition := range int32(partitions) {
				offsets.AddOffset(topic, partition, committed, -1)
			}
			if err := admin.CommitAllOffsets(t.Context(), w.kafka.Group("history"), offsets); err != nil {
				t.Fatal(err)
			}
		}
		stop := w.run(store)
		audits := w.audited(store)
		stop()
		for _, a := range audits {
			if !a.Clean() {
				t.Errorf("round %d: %+v", round, a)
			}
		}
		if rows, want := rowsIn(audits, tableEvents), int64(100*(round+1)); rows != want {
			t.Errorf("round %d: %d events, want %d", round, rows, want)
		}
	}
}

// A batch whose insert was not acknowledged is inserted again: the rows are
// there once, and so is what is summed up from them.
func TestABatchThatIsInsertedAgainCountsOnce(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(100, kgo.TryCommit)
	reader, err := kgo.NewClient(append(w.opts, kgo.ConsumeTopics(w.kafka.Topics().Events), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	batches := map[place]batch{}
	for n := 0; n < 100; {
		reader.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
			n++
			at := place{r.Topic, r.Partition}
			if batches[at] == nil {
				batches[at] = newBatch(tableEvents, r.Topic, r.Partition)
			}
			if err := batches[at].add(r); err != nil {
				t.Error(err)
			}
		})
	}
	for _, b := range batches {
		for range 3 {
			if err := b.insert(t.Context(), store.conn); err != nil {
				t.Fatal(err)
			}
		}
	}
	var rows, signIns uint64
	if err := store.conn.QueryRow(t.Context(), "SELECT count() FROM events").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	if err := store.conn.QueryRow(t.Context(), "SELECT sum(successes + failures) FROM network_days").Scan(&signIns); err != nil {
		t.Fatal(err)
	}
	if rows != 100 || signIns != 99 { // one of the events is a download
		t.Errorf("%d rows and %d sign-ins in the summary, want 100 and 99", rows, signIns)
	}
}

// An audit that finds nothing when something is wrong proves nothing.
func TestAuditSeesWhatIsWrong(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(100, kgo.TryCommit)
	stop := w.run(store)
	w.audited(store)
	stop()
	for _, sql := range []string{
		"INSERT INTO events SELECT * FROM events WHERE id IN ('e-7', 'e-8')",
		"DELETE FROM detections WHERE event_id = 'e-9'",
	} {
		if err := store.conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	doubled, missing := int64(0), int64(0)
	for _, a := range w.audited(store) {
		doubled += a.Doubled
		missing += a.Missing
	}
	if doubled != 2 || missing != 1 {
		t.Errorf("%d doubled and %d missing, want 2 and 1", doubled, missing)
	}
}

// What cannot be a row is stepped over, and what comes behind it is not lost.
func TestForeignRecordsAreSteppedOver(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(10, kgo.TryCommit)
	stranger, err := kgo.NewClient(w.opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	for _, value := range []string{"", "{", `{"event":{}}`} {
		if err := stranger.ProduceSync(t.Context(), &kgo.Record{Topic: w.kafka.Topics().Events, Key: []byte("default/user1@corp.example"), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(10, kgo.TryCommit)
	stop := w.run(store)
	audits := w.audited(store)
	stop()
	if rows := rowsIn(audits, tableEvents); rows != 20 {
		t.Errorf("%d events, want 20", rows)
	}
}

// A session's record ends with a tombstone, which the history keeps as a row.
func TestTombstonesAreRows(t *testing.T) {
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	if err := w.client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	w.send(w.kafka.Topics().Scores, []byte("session:default/s-1"), nil, began)
	if err := w.client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.client.EndTransaction(t.Context(), kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	stop := w.run(store)
	w.audited(store)
	stop()
	var tenant, session string
	var ended bool
	var asOf time.Time
	if err := store.conn.QueryRow(t.Context(), "SELECT tenant, session_id, ended, as_of FROM scores").Scan(&tenant, &session, &ended, &asOf); err != nil {
		t.Fatal(err)
	}
	if tenant != "default" || session != "s-1" || !ended || !asOf.Equal(began.Std()) {
		t.Errorf("%s %s %v %v", tenant, session, ended, asOf)
	}
}
