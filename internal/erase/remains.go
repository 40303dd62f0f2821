package erase

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/history"
)

// Report is what an erasure has done, and what there is of the user now.
type Report struct {
	Tenant  string     `json:"tenant"`
	Subject string     `json:"subject"`
	At      event.Time `json:"at"`
	Signal  *Position  `json:"signal,omitempty"` // the last one that was sent; none to verify
	Before  []Found    `json:"before,omitempty"` // what there was before the signal
	Found   []Found    `json:"found"`            // what must be gone and is there
	Remains []Remains  `json:"remains"`          // what riskstream does not erase
}

// Clean reports that nothing is there that must be gone.
func (r *Report) Clean() bool { return len(r.Found) == 0 }

// Remains is a place that an erasure does not reach.
type Remains struct {
	Where string     `json:"where"`
	What  string     `json:"what"`
	Until event.Time `json:"until,omitzero"` // by then it is gone, if nothing new has come; absent when no time says
	Note  string     `json:"note,omitempty"` // what ends it otherwise
}

// remains lists where something of the user may be that was there at a time.
func (e *Eraser) remains(ctx context.Context, of history.Subject, since time.Time) []Remains {
	kept := []struct{ topic, what string }{
		{e.topics.Events, "the user's events, and the signal"},
		{e.topics.Detections, "what was detected of the user"},
		{e.topics.DeadLetter, "raw records that could not be read; riskstream cannot tell of whom"},
		{e.topics.Activity, "sign-ins by network and application, and notes of wrong passwords"},
		{e.topics.State, "earlier states of the user, until compaction"},
		{e.topics.Scores, "earlier scores, until compaction"},
	}
	for _, source := range e.cfg.Sources {
		if !slices.ContainsFunc(kept, func(k struct{ topic, what string }) bool { return k.topic == source.Topic }) {
			kept = append(kept, struct{ topic, what string }{source.Topic, "raw records of the identity provider"})
		}
	}
	names := make([]string, len(kept))
	for i, k := range kept {
		names[i] = k.topic
	}
	settings := e.settings(ctx, names)
	var list []Remains
	for _, k := range kept {
		r := Remains{Where: k.topic, What: k.what}
		if s, ok := settings[k.topic]; ok {
			s.bound(&r, since)
		} else {
			r.Note = "as long as the topic keeps it; its settings may not be read here (DESCRIBE_CONFIGS)"
		}
		list = append(list, r)
	}
	list = append(list,
		Remains{Where: e.topics.SourceState, What: "hashes of the user, of networks, applications and the organisation; and earlier states with the name, until compaction", Note: "hashes until newer ones take their place"},
		e.snapshot(ctx, of))
	if e.store != nil {
		days := e.cfg.History.Days
		list = append(list,
			e.ofHistory("dead_letters", "raw records that could not be read; riskstream cannot tell of whom", days.DeadLetters, since),
			e.ofHistory("event_hours", "numbers of users by hour, in sketches of hashes; no name", days.Events, since),
			e.ofHistory("detection_days", "numbers of users by day, in sketches of hashes; no name", days.Detections, since),
			Remains{Where: "history: erasures", What: "a hash of the user's name, by which the audit knows what was erased", Note: "for ever; who guesses the name can check it"},
			Remains{Where: "history: events of others", What: "names in what others did: the resource of an administrator's action, say", Note: "as long as those events"},
			Remains{Where: "history: ClickHouse", What: "its files from before, its query log, backups", Note: "files for some 8 minutes, else as its administrator has set it"},
		)
	}
	return list
}

// snapshot is about the local copies of the state.
func (e *Eraser) snapshot(ctx context.Context, of history.Subject) Remains {
	name := "lane-*.snapshot"
	if bounds, err := e.bounds(ctx, e.topics.State); err == nil {
		name = fmt.Sprintf("lane-%d.snapshot", e.partitionOf(e.topics.State, of, len(bounds)))
	}
	return Remains{
		Where: name + ", source-*.snapshot in engine.state_dir", What: "the state from before the erasure",
		Note: "for two minutes at most on the process that has the partition; where another has had it before, until that file is deleted (it is not used for more than a day)",
	}
}

func (e *Eraser) ofHistory(table, what string, days int, since time.Time) Remains {
	r := Remains{Where: "history: " + table, What: what}
	if days == 0 {
		r.Note = "for ever: history.days is 0"
	} else {
		r.Until = event.TimeOf(since.AddDate(0, 0, days))
		r.Note = "then at the next merge of its rows"
	}
	return r
}

// settings are those of topics that say how long records stay.
type settings struct {
	compacted, deleted     bool
	retention, segment, by time.Duration // by: compacted after, at the latest; unbounded is never
}

// unbounded stands for no bound.
const unbounded time.Duration = math.MaxInt64

// settings asks for the settings of topics. Topics of which the brokers do not
// tell are left out.
func (e *Eraser) settings(ctx context.Context, topics []string) map[string]settings {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	all := map[string]settings{}
	configs, err := e.admin.DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return all // a remark is not worth the report
	}
	for _, of := range configs {
		if of.Err == nil {
			all[of.Name] = settingsOf(of.Configs)
		}
	}
	return all
}

func settingsOf(configs []kadm.Config) settings {
	s := settings{retention: unbounded, segment: 7 * 24 * time.Hour, by: unbounded} // Kafka's own, where the brokers leave it out
	for _, c := range configs {
		if c.Value == nil {
			continue
		}
		switch c.Key {
		case "cleanup.policy":
			s.compacted, s.deleted = strings.Contains(*c.Value, "compact"), strings.Contains(*c.Value, "delete")
		case "retention.ms":
			s.retention = duration(*c.Value)
		case "segment.ms":
			s.segment = duration(*c.Value)
		case "max.compaction.lag.ms":
			s.by = duration(*c.Value)
		}
	}
	return s
}

// duration reads milliseconds; what is negative or centuries away is unbounded.
func duration(millis string) time.Duration {
	ms, err := strconv.ParseInt(millis, 10, 64)
	if err != nil || ms < 0 || ms > int64(unbounded/time.Millisecond/10) {
		return unbounded
	}
	return time.Duration(ms) * time.Millisecond
}

// bound sets until when records of a time stay. Kafka deletes and compacts
// whole segments, which are closed when they are segment.ms old; so a record
// stays for that much longer.
func (s *settings) bound(r *Remains, since time.Time) {
	switch {
	case s.compacted && s.by != unbounded:
		r.Until = event.TimeOf(since.Add(s.by + min(s.by, s.segment)))
		r.Note = "if its partition is written to meanwhile"
	case s.compacted && !s.deleted:
		r.Note = "until Kafka compacts the partition, which no time bounds: set max.compaction.lag.ms on the topic"
	case s.retention == unbounded:
		r.Note = "for ever: the topic has no retention.ms"
	case s.segment == unbounded:
		r.Note = "no time bounds it: the topic has no segment.ms"
	default:
		r.Until = event.TimeOf(since.Add(s.retention + s.segment))
		r.Note = fmt.Sprintf("retention.ms of %s, and segment.ms", days(s.retention))
	}
}

func days(d time.Duration) string {
	if n := d / (24 * time.Hour); n > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", n)
	}
	return d.String()
}
