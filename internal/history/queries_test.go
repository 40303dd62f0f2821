package history

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// filled is a history with the events of newTopics' users.
func filled(t *testing.T, events int) *Store {
	t.Helper()
	store := openStore(t, inDir(t.TempDir()))
	w := newTopics(t)
	w.produce(events, kgo.TryCommit)
	stop := w.run(store)
	w.audited(store)
	stop()
	return store
}

func TestUsersAreFoundByAnyName(t *testing.T) {
	store := filled(t, 30)
	for _, name := range []string{"user3@corp.example", "USER3@corp.example", "User3", "00u3", "default/user3@corp.example"} {
		found, err := store.Find(t.Context(), name)
		if err != nil || len(found) != 1 || found[0] != (Subject{"default", "user3@corp.example"}) {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	var unknown *UnknownError
	if _, err := store.Find(t.Context(), "nobody"); !errors.As(err, &unknown) {
		t.Errorf("nobody: %v", err)
	}
}

func TestTimeline(t *testing.T) {
	store := filled(t, 30)
	subject := Subject{"default", "user3@corp.example"}
	entries, err := store.Timeline(t.Context(), subject, Span{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.EventID)
		if len(e.Detections) != 1 || e.Score == nil || e.Score.Decision != "step_up" || e.IP != someIP || e.City != "Berlin" {
			t.Errorf("%+v", e)
		}
	}
	if got := strings.Join(ids, " "); got != "e-10 e-17 e-24" {
		t.Errorf("events %s", got)
	}
	entries, err = store.Timeline(t.Context(), subject, Span{Since: anEvent(10).Time, Until: anEvent(24).Time}, 100)
	if err != nil || len(entries) != 2 || entries[0].EventID != "e-10" || entries[1].EventID != "e-17" {
		t.Errorf("of a span: %+v, %v", entries, err)
	}
	entries, err = store.Timeline(t.Context(), subject, Span{}, 1)
	if err != nil || len(entries) != 1 || entries[0].EventID != "e-24" {
		t.Errorf("the newest alone: %+v, %v", entries, err)
	}
}

func TestExplain(t *testing.T) {
	store := filled(t, 30)
	found, err := store.Explain(t.Context(), "e-10")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	e := found[0]
	if e.Event.Action != "sign_in" || e.Event.City != "Berlin" || e.Event.Time != anEvent(10).Time {
		t.Errorf("event: %+v", e.Event)
	}
	if !e.Caused || e.Score == nil || len(e.Score.Reasons) != 1 || e.Score.Reasons[0].EventID != "e-10" {
		t.Errorf("score: %+v", e.Score)
	}
	if len(e.Found) != 1 || e.Found[0].Seen["device"] != "mac os / safari" || e.Found[0].Seen["sign_ins"] != "31.00" && e.Found[0].Seen["sign_ins"] != "31" {
		t.Errorf("detections: %+v", e.Found)
	}
	if found, err := store.Explain(t.Context(), "e-4711"); err != nil || found != nil {
		t.Errorf("an unknown event: %v, %v", found, err)
	}
}

func TestTop(t *testing.T) {
	store := filled(t, 30)
	list, err := store.Top(t.Context(), Span{Since: anEvent(8).Time}, 3)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	if first := list[0]; first.Subject.Name != "user0@corp.example" || first.Score != 42.5 || first.Detections != 3 || first.EventID != "e-28" || len(first.Reasons) != 1 {
		t.Errorf("%+v", first)
	}
}

// TestQuestions runs the queries of docs/history.md, each of which must find
// something.
func TestQuestions(t *testing.T) {
	doc, err := os.ReadFile("../../docs/history.md")
	if err != nil {
		t.Fatal(err)
	}
	questions := regexp.MustCompile("(?s)\\*\\*(\\d+)\\. [^\n]*\\*\\*\n\n```sql\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	if len(questions) != 10 {
		t.Fatalf("%d questions in docs/history.md, want 10", len(questions))
	}
	store := filled(t, 60) // a dead letter comes with the 50th
	for _, q := range questions {
		rows, err := store.conn.Query(t.Context(), q[2])
		if err != nil {
			t.Errorf("question %s: %v", q[1], err)
			continue
		}
		n := 0
		for rows.Next() {
			n++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || n == 0 {
			t.Errorf("question %s: %d rows, %v", q[1], n, err)
		}
	}
}
