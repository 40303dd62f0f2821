package erase

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/publish"
)

// there is what must be gone after an erasure.
type there struct {
	found    []Found
	entities []string // of the user's records in risk.scores, and the user's own
}

func (t *there) String() string {
	if len(t.found) == 0 {
		return "nothing"
	}
	list := make([]string, len(t.found))
	for i, f := range t.found {
		list[i] = f.String()
	}
	return strings.Join(list, "; ")
}

func (t *there) add(where, what string, count int) {
	if count > 0 {
		t.found = append(t.found, Found{where, what, uint64(count)})
	}
}

// look finds what there is of a user in the changelog, in risk.scores and in
// the history.
func (e *Eraser) look(ctx context.Context, of history.Subject) (*there, error) {
	found := &there{}
	bounds, err := e.bounds(ctx, e.topics.State)
	if err != nil {
		return nil, err
	}
	own := e.partitionOf(e.topics.State, of, len(bounds))
	traces, err := e.traces(ctx, e.topics.State, of, map[int32]span{own: bounds[own]})
	if err != nil {
		return nil, err
	}
	found.add(e.topics.State, "what the engine remembers of the user", traces[engine.TraceState])
	found.add(e.topics.State, "levels that will fall", traces[engine.TraceFall])
	if bounds, err = e.bounds(ctx, e.topics.SourceState); err != nil {
		return nil, err
	}
	if traces, err = e.traces(ctx, e.topics.SourceState, of, bounds); err != nil {
		return nil, err
	}
	found.add(e.topics.SourceState, "networks and applications that remember the user's name", traces[engine.TraceName])
	users, sessions, err := e.scores(ctx, of)
	if err != nil {
		return nil, err
	}
	found.add(e.topics.Scores, "the user's score", users)
	found.add(e.topics.Scores, "scores of the user's sessions", len(sessions))
	found.entities = append(sessions, userEntity(of))
	if e.store == nil {
		return found, nil
	}
	counts, err := e.store.RowsOf(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, c := range counts {
		found.add("history", "rows of "+c.Table, int(c.Rows))
	}
	return found, nil
}

func userEntity(of history.Subject) string { return "user:" + event.Key(of.Tenant, of.Name) }

// traces counts what a changelog has of a user now, by kind.
func (e *Eraser) traces(ctx context.Context, changelog string, of history.Subject, spans map[int32]span) (map[string]int, error) {
	last := map[string]string{} // by key
	err := e.read(ctx, changelog, spans, func(r *kgo.Record) error {
		if trace := engine.Trace(r.Key, r.Value, of.Tenant, of.Name); trace != "" {
			last[string(r.Key)] = trace
		} else {
			delete(last, string(r.Key))
		}
		return nil
	})
	counts := map[string]int{}
	for _, trace := range last {
		counts[trace]++
	}
	return counts, err
}

// scores looks through risk.scores for the user's record and the entities of
// the user's sessions.
func (e *Eraser) scores(ctx context.Context, of history.Subject) (users int, sessions []string, err error) {
	bounds, err := e.bounds(ctx, e.topics.Scores)
	if err != nil {
		return 0, nil, err
	}
	last := map[string]bool{} // entities that are there
	own := userEntity(of)
	tenants := "session:" + event.Key(of.Tenant, "")
	err = e.read(ctx, e.topics.Scores, bounds, func(r *kgo.Record) error {
		key := string(r.Key)
		switch {
		case len(r.Value) == 0:
			delete(last, key)
		case key == own:
			last[key] = true
		case strings.HasPrefix(key, tenants):
			// One that is not riskstream's is nobody's.
			score, err := publish.DecodeScore(r.Value)
			if err == nil && score.Tenant == of.Tenant && score.Subject == of.Name {
				last[key] = true
			} else {
				delete(last, key)
			}
		}
		return nil
	})
	if last[own] {
		users = 1
		delete(last, own)
	}
	for entity := range last {
		sessions = append(sessions, entity)
	}
	slices.Sort(sessions)
	return users, sessions, err
}

// waiting is what the history has still to store of a user.
type waiting struct {
	records uint64
	last    map[string]map[int32]int64 // offsets of the last such records, by topic and partition
}

// notStored finds the committed records of a user, and of the entities, that
// the history has not stored.
func (e *Eraser) notStored(ctx context.Context, of history.Subject, entities []string) (waiting, error) {
	w := waiting{last: map[string]map[int32]int64{}}
	own := event.Key(of.Tenant, of.Name)
	for topic, keys := range map[string][]string{e.topics.Events: {own}, e.topics.Detections: {own}, e.topics.Scores: entities} {
		bounds, err := e.bounds(ctx, topic)
		if err != nil {
			return w, err
		}
		stored, err := e.store.Stored(ctx, topic)
		if err != nil {
			return w, err
		}
		if topic != e.topics.Scores {
			partition := e.partitionOf(topic, of, len(bounds))
			bounds = map[int32]span{partition: bounds[partition]}
		}
		for partition, at := range bounds {
			if last, ok := stored[partition]; ok {
				bounds[partition] = span{max(at.start, last+1), at.end}
			}
		}
		last := map[int32]int64{}
		err = e.read(ctx, topic, bounds, func(r *kgo.Record) error {
			if slices.Contains(keys, string(r.Key)) {
				w.records++
				last[r.Partition] = r.Offset
			}
			return nil
		})
		if err != nil {
			return w, err
		}
		w.last[topic] = last
	}
	return w, nil
}

// areStored reports that the history has stored what was waiting.
func (e *Eraser) areStored(ctx context.Context, w waiting) (bool, error) {
	for topic, last := range w.last {
		if len(last) == 0 {
			continue
		}
		stored, err := e.store.Stored(ctx, topic)
		if err != nil {
			return false, err
		}
		for partition, offset := range last {
			if at, ok := stored[partition]; !ok || at < offset {
				return false, nil
			}
		}
	}
	return true, nil
}

// partitionOf is the partition of a user's records, which is that of their key
// as Kafka's own clients see it.
func (e *Eraser) partitionOf(topic string, of history.Subject, partitions int) int32 {
	key := []byte(event.Key(of.Tenant, of.Name))
	return int32(kgo.StickyKeyPartitioner(nil).ForTopic(topic).Partition(&kgo.Record{Key: key}, partitions))
}

// Found is something that must be gone after an erasure.
type Found struct {
	Where string `json:"where"` // a topic, or the history
	What  string `json:"what"`
	Count uint64 `json:"count"`
}

func (f Found) String() string { return fmt.Sprintf("%s: %s (%d)", f.Where, f.What, f.Count) }
