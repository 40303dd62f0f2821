package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPacer(t *testing.T) {
	for name, test := range map[string]struct {
		records int
		work    time.Duration // between the polls
		want    time.Duration // that the next poll waits
	}{
		"few records":        {3, 0, 5 * time.Millisecond},
		"time has passed":    {3, 2 * time.Millisecond, 3 * time.Millisecond},
		"after a silence":    {0, time.Second, 0},
		"more must be there": {manyRecords, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pacer{pause: 5 * time.Millisecond}
				p.polled(test.records)
				time.Sleep(test.work)
				began := time.Now()
				p.wait(t.Context())
				if took := time.Since(began); took != test.want {
					t.Errorf("waited %v, want %v", took, test.want)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := pacer{pause: time.Hour}
		p.polled(0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		began := time.Now()
		p.wait(ctx)
		if took := time.Since(began); took != 0 {
			t.Errorf("a worker that is told to stop waits %v", took)
		}
	})
}
