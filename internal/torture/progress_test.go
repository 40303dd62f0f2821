package torture

import (
	"testing"
	"time"
)

// eachSecond makes a sample each second from committed offsets; the end is far
// ahead where it is not given.
func eachSecond(began time.Time, committed ...int64) []sample {
	var samples []sample
	for i, at := range committed {
		samples = append(samples, sample{at: began.Add(time.Duration(i) * time.Second), committed: []int64{at}, end: []int64{1000}})
	}
	return samples
}

func TestResumed(t *testing.T) {
	began := time.Unix(1000, 0)
	after := func(s int) time.Time { return began.Add(time.Duration(s)*time.Second + time.Millisecond) }
	const ms = time.Millisecond
	idle := eachSecond(began, 5, 5, 5)
	for i := range idle {
		idle[i].end[0] = 5
	}
	for _, test := range []struct {
		name    string
		samples []sample
		from    time.Time
		want    time.Duration
		resumes bool
	}{
		{"after three seconds", eachSecond(began, 1, 2, 2, 2, 3), after(1), 3*time.Second - ms, true},
		{"what moved before does not count", eachSecond(began, 1, 2, 3, 3, 3, 4), after(2), 3*time.Second - ms, true},
		{"never", eachSecond(began, 1, 2, 2, 2), after(1), 0, false},
		{"idle", idle, after(0), 0, true},
	} {
		if got, resumes := resumed(test.samples, 0, test.from); got != test.want || resumes != test.resumes {
			t.Errorf("%s: %v, %v; want %v, %v", test.name, got, resumes, test.want, test.resumes)
		}
	}
}

func TestStall(t *testing.T) {
	began := time.Unix(1000, 0)
	all := began.Add(time.Hour)
	if got := stall(eachSecond(began, 1, 2, 2, 2, 2, 3, 3, 4), 0, began, all); got != 4*time.Second {
		t.Errorf("%v, want the 4 s from one step to the next", got)
	}
	if got := stall(eachSecond(began, 1, 2, 2, 2, 2, 3), 0, began.Add(3*time.Second), all); got != 2*time.Second {
		t.Errorf("%v, want the 2 s within the time asked for", got)
	}
	open := eachSecond(began, 1, 2, 2, 2)
	if got := stall(open, 0, began, all); got != 2*time.Second {
		t.Errorf("%v, want the 2 s that have not ended", got)
	}
	idle := eachSecond(began, 7, 7, 7, 8)
	for i := range 3 {
		idle[i].end[0] = 7
	}
	if got := stall(idle, 0, began, all); got != 0 {
		t.Errorf("%v for a partition with nothing to do", got)
	}
}
