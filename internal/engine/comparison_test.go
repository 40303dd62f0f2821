package engine

import (
	"cmp"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/publish"
)

// archive keeps what a replay makes, as a history would.
type archive struct {
	events []event.Event
	scores []archived
}

type archived struct {
	entity string
	record []byte
}

func (a *archive) Event(e *event.Event, line int) {
	stored := *e
	stored.Origin = event.Origin{Topic: "file", Offset: int64(len(a.events))}
	a.events = append(a.events, stored)
}
func (a *archive) Detections(*event.Event, []event.Detection) {}
func (a *archive) Score(s *event.Score) {
	a.scores = append(a.scores, archived{s.Entity, publish.AppendScore(nil, s)})
}
func (a *archive) Gone(s *event.Score) { a.scores = append(a.scores, archived{s.Entity, nil}) }

// someDay is after the example, when not all has fallen yet.
var someDay = event.TimeOf(time.Date(2026, 1, 27, 0, 0, 0, 0, time.UTC))

// archiveExample replays the example log, whose users fall in level and whose
// sessions end.
func archiveExample(t *testing.T) (*Pipeline, *archive, string) {
	t.Helper()
	pipeline, err := NewPipeline(config.Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pipeline.Close() })
	r, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { t.Errorf("dead letter: %s", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Open("../../examples/okta.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var kept archive
	r.Observe(&kept)
	r.FallsFollow()
	if err := r.File(log); err != nil {
		t.Fatal(err)
	}
	r.FallUntil(someDay)
	var state strings.Builder
	if err := r.WriteState(&state); err != nil {
		t.Fatal(err)
	}
	return pipeline, &kept, state.String()
}

// replayArchive replays an archive user by user and compares it.
func replayArchive(t *testing.T, p *Pipeline, kept *archive) (*Comparison, *Replay) {
	t.Helper()
	r := p.NewReplayOfStored(io.Discard)
	compared := p.NewComparison()
	r.Observe(compared)
	byUser := slices.Clone(kept.events)
	slices.SortStableFunc(byUser, func(a, b event.Event) int { return cmp.Compare(a.User.Subject, b.User.Subject) })
	for i := range byUser {
		r.Stored(&byUser[i])
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, s := range kept.scores {
		compared.Published(s.entity, s.record)
	}
	return compared, r
}

// What is stored, replayed user by user, makes the same records and state as
// the log did in its own order.
func TestStoredEventsMakeWhatWasPublished(t *testing.T) {
	pipeline, kept, want := archiveExample(t)
	compared, r := replayArchive(t, pipeline, kept)
	result := compared.Result()
	if result.Differs != nil || result.Missing != nil || result.Same != result.Published || result.Published != len(kept.scores) {
		t.Fatalf("%+v of %d", result, len(kept.scores))
	}
	ended, fell := 0, 0
	for _, s := range kept.scores {
		if s.record == nil {
			ended++
		} else if !strings.Contains(string(s.record), `"event":{"id"`) {
			fell++
		}
	}
	if ended == 0 || fell == 0 {
		t.Errorf("the example has %d ends of sessions and %d falls: it proves nothing of them", ended, fell)
	}
	r.FallUntil(someDay)
	var state strings.Builder
	if err := r.WriteState(&state); err != nil {
		t.Fatal(err)
	}
	if state.String() != want {
		t.Error("the state is another one")
	}
}

func TestComparisonTellsWhatDiffers(t *testing.T) {
	pipeline, kept, _ := archiveExample(t)
	last := len(kept.scores) - 1
	user := slices.IndexFunc(kept.scores, func(s archived) bool { return strings.HasPrefix(s.entity, "user:") })
	for name, change := range map[string]struct {
		kept           archive
		differs, makes bool
	}{
		"delivered again":  {archive{kept.events, slices.Insert(slices.Clone(kept.scores), user, kept.scores[user])}, false, false},
		"one is changed":   {archive{kept.events, slices.Concat(kept.scores[:user], []archived{{kept.scores[user].entity, []byte(strings.Replace(string(kept.scores[user].record), `"score":`, `"score":1`, 1))}}, kept.scores[user+1:])}, true, false},
		"one is there too": {archive{kept.events, slices.Concat(kept.scores, []archived{kept.scores[user]})}, true, false},
		"none is there":    {archive{kept.events, nil}, false, true},
		"no event":         {archive{nil, kept.scores[:last]}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			compared, _ := replayArchive(t, pipeline, &change.kept)
			result := compared.Result()
			if (result.Differs != nil) != change.differs || (result.Missing != nil) != change.makes {
				t.Errorf("%+v", result)
			}
		})
	}
}
