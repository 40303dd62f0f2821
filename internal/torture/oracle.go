package torture

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// diff is how a log differs from what it should be, in lines.
type diff struct {
	Want       int
	Lost       int // not there, or not as often as wanted
	Doubled    int // there more often than wanted
	Foreign    int // there and never wanted
	Disordered int // keys whose lines are the right ones in another order
	Example    string
}

// compareLines compares lines by key, with how often each comes and their
// order within a key.
func compareLines(want, got map[string][]string) diff {
	var d diff
	for _, key := range keys(want, got) {
		d.key(want[key], got[key])
	}
	return d
}

func (d *diff) key(want, got []string) {
	d.Want += len(want)
	balance, wanted := map[string]int{}, map[string]bool{}
	for _, line := range want {
		balance[line]++
		wanted[line] = true
	}
	for _, line := range got {
		balance[line]--
	}
	same := true
	for _, line := range keys(balance, nil) {
		n := balance[line]
		switch {
		case n > 0:
			d.Lost += n
			d.example("lost", line)
		case n < 0 && wanted[line]:
			d.Doubled -= n
			d.example("doubled", line)
		case n < 0:
			d.Foreign -= n
			d.example("foreign", line)
		}
		same = same && n == 0
	}
	if same && !slices.Equal(want, got) {
		d.Disordered++
		d.example("in another order", got[0])
	}
}

func (d *diff) example(what, line string) {
	if d.Example == "" {
		d.Example = what + ": " + line
	}
}

func keys[V any](maps ...map[string]V) []string {
	var list []string
	for _, m := range maps {
		for key := range m {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// byKey are the values of a topic's records by their keys, in log order. A
// tombstone is the empty text.
func byKey(records []*kgo.Record) map[string][]string {
	lines := map[string][]string{}
	for _, r := range records {
		lines[string(r.Key)] = append(lines[string(r.Key)], string(r.Value))
	}
	return lines
}

// scoreLog is what the records of risk.scores say of each other.
type scoreLog struct {
	Records      int
	Lost         int // versions of a user that are left out
	Doubled      int // records that events have caused, published again
	FallsDoubled int // records that time has caused, published again
	Disordered   int // records with an older version than one before
	Different    int // entities whose last record is not the replay's
	Example      string
}

// checkScores looks at each entity's records in log order. A record is never
// published twice, since each differs from the others by its version or its
// level; a user's version grows by one with each record that an event causes.
// The last record is want's, which has none for an entity that has ended.
func checkScores(records []*kgo.Record, want map[string]string) (scoreLog, error) {
	s := scoreLog{Records: len(records)}
	got := byKey(records)
	for _, entity := range keys(got, nil) {
		if err := s.entity(got[entity]); err != nil {
			return s, err
		}
	}
	for _, entity := range keys(want) {
		if len(got[entity]) == 0 {
			got[entity] = []string{""}
		}
	}
	for entity, lines := range got {
		if last := lines[len(lines)-1]; last != want[entity] {
			s.Different++
			s.example(fmt.Sprintf("%s ends with %s, in the replay with %s", entity, last, want[entity]))
		}
	}
	return s, nil
}

func (s *scoreLog) entity(lines []string) error {
	seen := map[string]bool{}
	versions := uint32(0)
	for _, line := range lines {
		if line == "" {
			continue // a session's end; an event may say it again after time has
		}
		score, err := publish.DecodeScore([]byte(line))
		if err != nil {
			return err
		}
		caused := score.Event.ID != ""
		switch {
		case seen[line] && caused:
			s.Doubled++
			s.example("doubled: " + line)
		case seen[line]:
			s.FallsDoubled++
			s.example("fall doubled: " + line)
		case score.Version < versions:
			s.Disordered++
			s.example("an older version: " + line)
		case caused && score.Session == "" && score.Version > versions+1:
			s.Lost += int(score.Version - versions - 1)
			s.example(fmt.Sprintf("after version %d: %s", versions, line))
		}
		seen[line] = true
		versions = max(versions, score.Version)
	}
	return nil
}

func (s *scoreLog) example(text string) {
	if s.Example == "" {
		s.Example = text
	}
}

// position is a place in a raw topic.
type position struct {
	topic     string
	partition int32
	offset    int64
}

// rawLog is what became of the raw records.
type rawLog struct {
	Events  int // in risk.events, signals among them
	Repeats int // of them, which the lane drops by their origins
	NoEvent int // records of risk.events that are no events
	Dead    int // positions among the dead letters
	Missing int // positions that are nowhere
	Example string
}

// checkRaw looks for each of the raw positions among those events that the lane
// takes, and among the dead letters. An event that came behind a later one of
// its origin partition looks like a repeat to the lane and is lost.
func checkRaw(log, deadLetters []*kgo.Record, raw []position) (rawLog, error) {
	var r rawLog
	type origin struct {
		log   int32
		topic string
		from  int32
	}
	type mark struct {
		offset int64
		index  int32
	}
	marks := map[origin]mark{}
	found := map[position]bool{}
	var decoder event.Decoder
	for _, record := range log {
		e, err := decoder.Decode(record.Value)
		if err != nil {
			r.NoEvent++
			continue
		}
		r.Events++
		o := e.Origin
		if !o.Set() {
			continue // a signal, which no raw record is
		}
		key, at := origin{record.Partition, o.TopicID, o.Partition}, mark{o.Offset, o.Index}
		last, known := marks[key]
		if known && (at.offset < last.offset || at.offset == last.offset && at.index <= last.index) {
			r.Repeats++
			continue
		}
		marks[key] = at
		found[position{o.Topic, o.Partition, o.Offset}] = true
	}
	for _, record := range deadLetters {
		var letter struct {
			Origin struct {
				Topic     string `json:"topic"`
				Partition int32  `json:"partition"`
				Offset    int64  `json:"offset"`
			} `json:"origin"`
		}
		if err := json.Unmarshal(record.Value, &letter); err != nil {
			return r, fmt.Errorf("dead letter %d/%d: %w", record.Partition, record.Offset, err)
		}
		at := position{letter.Origin.Topic, letter.Origin.Partition, letter.Origin.Offset}
		if !found[at] {
			r.Dead++
		}
		found[at] = true
	}
	for _, at := range raw {
		if !found[at] {
			r.Missing++
			if r.Example == "" {
				r.Example = fmt.Sprintf("%s/%d at offset %d is nowhere", at.topic, at.partition, at.offset)
			}
		}
	}
	return r, nil
}
