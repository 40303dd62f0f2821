package engine

import (
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

// stage is what a worker does: it reads the input, keeps state in the
// changelog, which has the input's partitions, and publishes.
type stage struct {
	name      string        // in metrics and of its snapshots
	group     string        // of its consumers
	input     string        // topic
	changelog string        // topic
	outputs   []string      // topics that its transactions write to, the changelog included
	memory    float64       // its share of the memory for state
	shortest  time.Duration // between two commits
	pause     time.Duration // between two polls; see pacer
	process   func(p *Partition, e *event.Event, out *outbox) Result
	fall      func(p *Partition, now event.Time, most int, out *outbox) int // publishes what time alone has changed
	measure   func(*stateSize)                                              // sets what the stage has counted
}

// subjectLane names the subject lane's stage.
const subjectLane = "lane"

// subjectStage is the subject lane: events to scores and detections.
func subjectStage(l *Lane, topics publish.Topics) *stage {
	return &stage{
		name:      subjectLane,
		group:     "subject-lane",
		input:     topics.Events,
		changelog: topics.State,
		outputs:   []string{topics.State, topics.Detections, topics.Scores},
		memory:    0.875,
		shortest:  shortestCommit,
		process:   func(p *Partition, e *event.Event, out *outbox) Result { return l.Process(p, e, out) },
		fall:      func(p *Partition, now event.Time, most int, out *outbox) int { return l.Fall(p, now, most, out) },
		measure: func(size *stateSize) {
			size.damaged, size.ruleErrors, size.policyErrors = l.damaged, l.rules.Errors(), l.scorer.Failures()
		},
	}
}

// sourceStage is the source lane: activities to signals, and to activities.
func sourceStage(l *SourceLane, topics publish.Topics) *stage {
	return &stage{
		name:      "source",
		group:     "source-lane",
		input:     topics.Activity,
		changelog: topics.SourceState,
		outputs:   []string{topics.SourceState, topics.Events, topics.Activity},
		memory:    0.125,
		shortest:  longestCommit, // a spray lasts for minutes
		pause:     longestCommit / 2,
		process: func(p *Partition, e *event.Event, out *outbox) Result {
			status, sent := l.Process(p, e)
			for i := range sent {
				out.Signal(&sent[i])
			}
			return Result{Status: status}
		},
		fall:    func(*Partition, event.Time, int, *outbox) int { return 0 },
		measure: func(size *stateSize) { size.damaged = l.damaged },
	}
}
