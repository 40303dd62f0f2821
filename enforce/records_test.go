package enforce

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Records come in the topic's order, which after a crash repeats some.
func TestOlderRecordsNeverReplaceNewerOnes(t *testing.T) {
	caused := func(version uint32, at time.Duration) event.Score {
		s := userScore(event.Medium, event.StepUp)
		s.Version, s.AsOf = version, event.TimeOf(before.Add(at))
		return s
	}
	fall := func(version uint32, at time.Duration) event.Score {
		s := caused(version, at)
		s.Event = event.Cause{}
		return s
	}
	tests := []struct {
		name      string
		held, new event.Score
		taken     bool
	}{
		{"next version", caused(5, 0), caused(6, time.Second), true},
		{"next version at the same time", caused(5, 0), caused(6, 0), true},
		{"the same again", caused(5, 0), caused(5, 0), true},
		{"repeat of an older version", caused(5, 0), caused(4, -time.Second), false},
		{"repeat of an older version of the same time", caused(5, 0), caused(4, 0), false},
		{"fall of the same version", caused(5, 0), fall(5, time.Minute), true},
		{"repeat of what has fallen", fall(5, time.Minute), caused(5, 0), false},
		{"late event after a fall", fall(5, time.Minute), caused(6, time.Second), true},
		{"repeat of the fall before a late event", caused(6, time.Second), fall(5, time.Minute), false},
		{"state rebuilt from a shorter history", caused(500, 0), caused(3, time.Minute), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := testTable(0, tt.held)
			tt.new.Score = 77 // to tell them apart
			table.records.put(tt.new, table.follower.partition(0))
			if taken := table.Decide(alice).Score == 77; taken != tt.taken {
				t.Errorf("taken %t, want %t", taken, tt.taken)
			}
		})
	}
}

func TestTombstonesEndARecord(t *testing.T) {
	table := testTable(0, sessionScore(event.High, event.Revoke), userScore(event.Low, event.Allow))
	table.records.remove("session:default/s-1")
	if v := table.Decide(Request{User: alice.User, Session: "s-1"}); v.Decision != event.Allow || v.Level != event.Low {
		t.Errorf("after the session's tombstone: %+v, want the user's record alone", v)
	}
	if n := table.Len(); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}

func TestSweepForgetsOnlyWhatHasNothingToSay(t *testing.T) {
	clearsAt := func(s event.Score, at time.Time) event.Score {
		s.Reasons = []event.Contribution{{Detection: "new_device", ClearsAt: event.TimeOf(at)}}
		return s
	}
	past, future := now.Add(-ms), now.Add(ms)
	pinned := userScore(event.High, event.Revoke)
	pinned.Reasons = nil
	unending := userScore(event.None, event.Allow)
	tests := []struct {
		name  string
		score event.Score
		kept  bool
	}{
		{"lapsed and cleared", clearsAt(userScore(event.Medium, event.StepUp, lapse(past, event.None, event.Allow)), past), false},
		{"lapsed, evidence still open", clearsAt(userScore(event.Medium, event.StepUp, lapse(past, event.None, event.Allow)), future), true},
		{"lapsed to low", clearsAt(userScore(event.Medium, event.StepUp, lapse(past, event.Low, event.Allow)), past), true},
		{"lapse ahead", clearsAt(userScore(event.Medium, event.StepUp, lapse(future, event.None, event.Allow)), past), true},
		{"pinned", pinned, true},
		{"evidence that does not end", unending, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := testTable(0, tt.score)
			table.records.sweep(event.TimeOf(now))
			if kept := table.Len() == 1; kept != tt.kept {
				t.Errorf("kept %t, want %t", kept, tt.kept)
			}
		})
	}
}
