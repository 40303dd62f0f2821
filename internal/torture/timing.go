package torture

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
)

// scored is when an event came into risk.events and when its first detection
// went out, by the clocks of the engines, which are on this machine. The test
// rules give each event a detection. A record's own time is when its producer
// made it; one whose producer was cut off comes later, and never before the
// records in front of it were made.
type scored struct{ came, went time.Time }

// timings are the times of the events by the partition of risk.events, in the
// order in which they went out. Events that the lane drops have none.
func timings(log, detections []*kgo.Record) (map[int32][]scored, error) {
	type place struct {
		partition int32
		origin    event.Origin
	}
	came := map[place]time.Time{}
	newest := map[int32]time.Time{}
	var decoder event.Decoder
	for _, record := range log {
		if record.Timestamp.After(newest[record.Partition]) {
			newest[record.Partition] = record.Timestamp
		}
		if e, err := decoder.Decode(record.Value); err == nil && e.Origin.Set() {
			at := place{record.Partition, e.Origin}
			if _, repeated := came[at]; !repeated {
				came[at] = newest[record.Partition]
			}
		}
	}
	list := map[int32][]scored{}
	for _, record := range detections {
		var d struct {
			Origin struct {
				Topic     string `json:"topic"`
				TopicID   string `json:"topic_id"`
				Partition int32  `json:"partition"`
				Offset    int64  `json:"offset"`
				Index     int32  `json:"index"`
			} `json:"origin"`
		}
		if err := json.Unmarshal(record.Value, &d); err != nil {
			return nil, fmt.Errorf("detection %d/%d: %w", record.Partition, record.Offset, err)
		}
		at := place{record.Partition, event.Origin(d.Origin)}
		if since, waits := came[at]; waits {
			list[record.Partition] = append(list[record.Partition], scored{since, record.Timestamp})
			delete(came, at)
		}
	}
	for _, events := range list {
		slices.SortStableFunc(events, func(a, b scored) int { return a.went.Compare(b.went) })
	}
	return list, nil
}

// wentOn is how long after a time the first detection went out; false if none
// did.
func wentOn(events []scored, from time.Time) (time.Duration, bool) {
	for _, e := range events {
		if !e.went.Before(from) {
			return e.went.Sub(from), true
		}
	}
	return 0, false
}

// longestWait is how long an event at most had to wait that came between two
// times, and when it came.
func longestWait(events []scored, from, to time.Time) (longest time.Duration, came time.Time) {
	for _, e := range events {
		if e.came.Before(from) || e.came.After(to) {
			continue
		}
		if wait := e.went.Sub(e.came); wait > longest {
			longest, came = wait, e.came
		}
	}
	return longest, came
}
