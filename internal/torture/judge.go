//go:build unix

package torture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// otherWait is how long an event may wait in a partition that a fault of an
// engine has not hit: a rebalance that does not stop the world passes it by.
const otherWait = 5 * time.Second

// Result is what became of a scenario.
type Result struct {
	Scenario    string
	Raw         int
	rawLog      rawLog
	detections  diff
	scores      scoreLog
	state       string // "equal", or how it differs
	Evicted     float64
	Resume      time.Duration // the longest time until hit partitions went on
	OtherWait   time.Duration // the longest time that an event waited in the others
	IngestStall time.Duration // the longest time for which a source was not read
	Took        time.Duration

	Problems []string // with what the scenario proves; none if it passed
	Forgiven []string // with what at-least-once delivery allows
}

func (r *Result) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// judge compares what the engines have left behind with a replay of
// risk.events.
func (r *Run) judge(scenario string) *Result {
	r.t.Helper()
	result := &Result{Scenario: scenario, Evicted: r.evicted}
	topics := r.kafka.Topics()
	log := r.read(topics.Events)
	replayed := r.replay(log)
	raw := r.rawPositions()
	result.Raw = len(raw)
	var err error
	result.rawLog, err = checkRaw(log, r.read(topics.DeadLetter), raw)
	r.must(err)
	detections := r.read(topics.Detections)
	result.detections = compareLines(linesByKey(r, replayed, "detections.jsonl"), byKey(detections))
	result.scores, err = checkScores(r.read(topics.Scores), lastByEntity(r, replayed))
	r.must(err)
	result.state = r.compareState(replayed)
	events, err := timings(log, detections)
	r.must(err)
	r.times(result, events)
	result.IngestStall = r.ingest.longestStall(r.load.began, r.load.ended)
	r.expect(result.rawLog.NoEvent == r.noEvents, "%d records of risk.events are no events, %d were put there", result.rawLog.NoEvent, r.noEvents)
	result.Problems = append(result.Problems, r.problems...)
	if r.fallsMayRepeat {
		result.scores.FallsDoubled = 0
	}
	result.weigh(r.Delivery, int(r.load.broken))
	result.Took = time.Since(r.began)
	return result
}

func (r *Run) read(topic string) []*kgo.Record {
	r.t.Helper()
	records, err := readCommitted(r.ctx, r.bed.Addrs(), topic)
	r.must(err)
	return records
}

// rawPositions are all positions of the sources.
func (r *Run) rawPositions() (raw []position) {
	r.t.Helper()
	ends, err := r.admin.ListEndOffsets(r.ctx, r.sources...)
	r.must(err)
	ends.Each(func(end kadm.ListedOffset) {
		for offset := range end.Offset {
			raw = append(raw, position{end.Topic, end.Partition, offset})
		}
	})
	return raw
}

// replay has the binary replay risk.events, each partition a file, and returns
// the directory with what it ends with. A record that is no event is left out,
// as the lane does.
func (r *Run) replay(log []*kgo.Record) (dir string) {
	r.t.Helper()
	dir = filepath.Join(r.dir, "replay")
	args := []string{"replay", "--config", r.engines[0].path("riskstream.yaml"), "--out", dir, "--until", r.fallsUntil().Format(time.RFC3339)}
	var decoder event.Decoder
	for id := range int32(partitions) {
		var dump bytes.Buffer
		for _, record := range log {
			if record.Partition != id {
				continue
			}
			if _, err := decoder.Decode(record.Value); err == nil {
				dump.Write(record.Value)
				dump.WriteByte('\n')
			}
		}
		if dump.Len() > 0 {
			name := filepath.Join(r.dir, fmt.Sprintf("events-%d.jsonl", id))
			r.must(os.WriteFile(name, dump.Bytes(), 0o644))
			args = append(args, name)
		}
	}
	cmd := exec.CommandContext(r.ctx, r.binary, args...)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("replay: %v\n%s", err, messages.Bytes())
	}
	r.logf("replay: %s", bytes.TrimSpace(messages.Bytes()))
	return dir
}

// eachLine hands on the lines of a file of the replay.
func (r *Run) eachLine(dir, name string, line func([]byte) error) {
	r.t.Helper()
	f, err := os.Open(filepath.Join(dir, name))
	r.must(err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		r.must(line(lines.Bytes()))
	}
	r.must(lines.Err())
}

func linesByKey(r *Run, dir, name string) map[string][]string {
	r.t.Helper()
	lines := map[string][]string{}
	r.eachLine(dir, name, func(line []byte) error {
		var d struct{ Tenant, Subject string }
		err := json.Unmarshal(line, &d)
		key := event.Key(d.Tenant, d.Subject)
		lines[key] = append(lines[key], string(line))
		return err
	})
	return lines
}

func lastByEntity(r *Run, dir string) map[string]string {
	r.t.Helper()
	last := map[string]string{}
	r.eachLine(dir, "scores.jsonl", func(line []byte) error {
		var s struct{ Entity string }
		err := json.Unmarshal(line, &s)
		last[s.Entity] = string(line)
		return err
	})
	return last
}

// times fills in how long faults have stopped whom.
func (r *Run) times(result *Result, events map[int32][]scored) {
	for i, f := range r.faults {
		// Others are watched until the next fault.
		end := r.load.ended
		if i+1 < len(r.faults) {
			end = r.faults[i+1].at
		}
		hit := map[int32]bool{}
		for id := range int32(partitions) {
			hit[id] = f.hit == nil
		}
		for _, id := range f.hit {
			hit[id] = true
		}
		for id := range int32(partitions) {
			if !hit[id] {
				wait, came := longestWait(events[id], f.at, end)
				result.OtherWait = max(result.OtherWait, wait)
				if wait > otherWait {
					result.late("%s: in partition %d, which it has not hit, an event that came at %v waited for %v, want at most %v", f.what, id,
						came.Sub(r.load.began).Round(time.Millisecond), wait.Round(time.Millisecond), otherWait)
				}
				continue
			}
			after, resumes := wentOn(events[id], f.healed)
			result.Resume = max(result.Resume, after)
			if !resumes {
				result.problem("%s: partition %d never went on", f.what, id)
			} else if f.within > 0 && after > f.within {
				result.late("%s: partition %d went on after %v, want %v", f.what, id, after.Round(time.Millisecond), f.within)
			}
		}
	}
}

func (r *Result) late(format string, args ...any) {
	r.Forgiven = append(r.Forgiven, fmt.Sprintf(format, args...))
}

// weigh turns counts into problems. Under at-least-once delivery a record that
// is repeated is forgiven, and so are late returns, which only exactly-once
// delivery promises.
func (r *Result) weigh(delivery string, broken int) {
	count := func(n int, what, example string) {
		if n > 0 {
			r.problem("%d %s; %.1000s", n, what, example)
		}
	}
	if r.Raw == 0 || r.detections.Want == 0 || r.scores.Records == 0 {
		r.problem("the replay gives nothing to compare with")
	}
	count(r.rawLog.Missing, "raw positions are neither in risk.events nor dead letters", r.rawLog.Example)
	if r.rawLog.Dead < broken {
		r.problem("%d dead letters for %d broken records", r.rawLog.Dead, broken)
	}
	count(r.detections.Lost, "detections lost", r.detections.Example)
	count(r.detections.Foreign, "detections that the replay does not have", r.detections.Example)
	count(r.detections.Disordered, "subjects with detections in another order", r.detections.Example)
	count(r.scores.Lost, "scores lost", r.scores.Example)
	count(r.scores.Different, "entities whose last score is not the replay's", r.scores.Example)
	count(int(r.Evicted), "subjects evicted", "")
	if r.state != "equal" {
		r.problem("state: %s", r.state)
	}

	forgiven := r.Forgiven
	r.Forgiven = nil
	repeated := func(n int, what, example string) {
		if n > 0 {
			forgiven = append(forgiven, fmt.Sprintf("%d %s; %.1000s", n, what, example))
		}
	}
	repeated(r.detections.Doubled, "detections doubled", r.detections.Example)
	repeated(r.scores.Doubled, "scores doubled", r.scores.Example)
	// Between scores that are published again come falls that were not due
	// between them the first time.
	repeated(r.scores.Disordered, "scores with an older version than one before", r.scores.Example)
	repeated(r.scores.FallsDoubled, "falls doubled", r.scores.Example)
	if delivery != exactlyOnce {
		r.Forgiven = forgiven
	} else {
		r.Problems = append(r.Problems, forgiven...)
	}
}

// compareState compares the canonical state that the changelog holds with the
// replay's.
func (r *Run) compareState(replayed string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.ctx, r.binary, "state", "--config", r.engines[0].path("riskstream.yaml"))
	var messages bytes.Buffer
	cmd.Stderr = &messages
	got, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("reading the state: %v\n%s", err, messages.Bytes())
	}
	want, err := os.ReadFile(filepath.Join(replayed, "state.jsonl"))
	r.must(err)
	if bytes.Equal(want, got) {
		return "equal"
	}
	d := compareLines(map[string][]string{"": splitLines(want)}, map[string][]string{"": splitLines(got)})
	return fmt.Sprintf("%d of %d subjects differ; %.1000s", d.Lost+d.Disordered, d.Want, d.Example)
}

func splitLines(b []byte) (lines []string) {
	for line := range bytes.Lines(b) {
		lines = append(lines, string(line))
	}
	return lines
}
