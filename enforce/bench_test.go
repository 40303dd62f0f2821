package enforce

import (
	"fmt"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
)

const benchUsers = 100_000

func benchTable(b *testing.B) (*Table, []Request) {
	table := testTable(0)
	table.now = time.Now
	heard := time.Now().Add(time.Hour)
	p := table.follower.partition(0)
	p.heard.Store(&heard)
	requests := make([]Request, benchUsers)
	for i := range requests {
		s := userScore(event.Medium, event.StepUp, lapse(now.AddDate(10, 0, 0), event.None, event.Allow))
		s.Subject = fmt.Sprintf("user%06d@example.com", i)
		s.Entity = "user:default/" + s.Subject
		table.records.put(s, p)
		requests[i] = Request{User: s.Subject, Session: fmt.Sprintf("session-%06d", i), SessionStart: before, StrongAuthAt: before}
	}
	return table, requests
}

func BenchmarkDecide(b *testing.B) {
	table, requests := benchTable(b)
	run := func(name string, change func(*Request)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				r := requests[i%benchUsers]
				change(&r)
				table.Decide(r)
				i += 7919
			}
		})
	}
	// Far from any cache: each request is another user's.
	run("user", func(r *Request) { r.Session = "" })
	run("user and session", func(*Request) {})
	run("same user", func(r *Request) { *r = alice; r.User = requests[0].User })
	run("unknown", func(r *Request) { r.User = "nobody@example.com" })
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			i := 0
			for pb.Next() {
				table.Decide(requests[i%benchUsers])
				i += 7919
			}
		})
	})
}

// BenchmarkTake is the cost of a record when the table is filled.
func BenchmarkTake(b *testing.B) {
	table := testTable(0)
	p := table.follower.partition(0)
	s := userScore(event.Medium, event.StepUp, lapse(now, event.None, event.Allow))
	s.Reasons = append(s.Reasons, s.Reasons[0], s.Reasons[0])
	for i := range s.Reasons {
		s.Reasons[i] = event.Contribution{
			Detection: "impossible_travel", Group: event.GroupVelocity, LLR: 6, HalfLife: 86400, Points: 50,
			Summary: "Berlin to Sydney in 1 h", At: s.AsOf, EventID: "00000000-0000-0000-0000-000000000000", ClearsAt: s.AsOf,
		}
	}
	raw := publish.AppendScore(nil, &s)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		score, err := publish.DecodeScore(raw)
		if err != nil {
			b.Fatal(err)
		}
		table.records.put(score, p)
	}
}
