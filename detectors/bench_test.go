package detectors

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

// BenchmarkDetectAndLearn is what the lane pays for an event: first one that
// fits the subject, then a break-in.
func BenchmarkDetectAndLearn(b *testing.B) {
	quiet := signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), session("s1"))
	attack := signIn(on(13, "08:10"), tokyo, kali, bound("mac-9"), session("s9"), through("hosting"))
	guess := signIn(on(14, "08:00"), tokyo, kali, wrongPassword)
	refresh := signIn(on(14, "08:00"), tokyo, action(event.TokenRefresh))
	push := signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), session("s1"), pushApproved)
	denial := signIn(on(14, "08:00"), tokyo, kali, pushDenied)
	code := signIn(on(14, "08:00"), tokyo, kali, wrongCode)
	download := signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), session("s1"), action(event.Download), resource("report"), appID("files"))
	enrolment := signIn(on(14, "08:00"), berlin, laptop, action(event.MFAEnroll))
	for _, c := range []struct {
		name  string
		event event.Event
	}{
		{"quiet", quiet},
		{"attack", attack},
		{"wrong password", guess},
		{"token refresh", refresh},
		{"push approved", push},
		{"push denied", denial},
		{"wrong code", code},
		{"factor enrolled", enrolment},
		{"download", download},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := settled(b)
			first := signIn(on(13, "09:00"), berlin, laptop, bound("mac-1"))
			d.set.Learn(&first, &d.m, Verdict{})
			if c.name == "push denied" { // the last of a burst
				d.prompted(11, c.event.Time.Add(-time.Minute), 8*time.Minute, tokyo, kali, pushDenied)
			}
			m := d.m
			var found []event.Detection
			b.ReportAllocs()
			for b.Loop() {
				m = d.m
				found = d.set.Detect(&c.event, &m, Standing{AsOf: c.event.Time}, found[:0])
				d.set.Learn(&c.event, &m, Verdict{EventLevel: levelOf(found)})
			}
		})
	}
}

func TestQuietEventsDoNotAllocate(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), session("s1")))
	out := make([]event.Detection, 0, 4)
	for _, change := range []change{nothing, pushAsked, pushApproved, rightCode, enrols, removes} {
		e := signIn(on(14, "08:00"), berlin, laptop, bound("mac-1"), session("s1"), change)
		if n := testing.AllocsPerRun(100, func() {
			out = d.set.Detect(&e, &d.m, Standing{AsOf: e.Time}, out[:0])
			d.set.Learn(&e, &d.m, Verdict{})
		}); n != 0 || len(out) != 0 {
			t.Errorf("%s: %g allocations, fired %q", e.Action, n, names(out))
		}
	}
}
