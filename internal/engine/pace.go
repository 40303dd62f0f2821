package engine

import (
	"context"
	"time"
)

// pacer keeps polls apart. A client that is polled asks the brokers for more at
// once, and they answer as soon as they have a single record: polled without
// pause, under a middling load, they are asked thousands of times a second for
// a few records each, and so are those who read what is made of them. A record
// that comes after a while of silence is not delayed.
type pacer struct {
	pause time.Duration // from the end of a poll to the next
	last  time.Time     // when the last poll returned
	full  bool          // it found so much that more must be waiting
}

// manyRecords in a poll are worth one of their own.
const manyRecords = 1_000

// polled takes note of a poll that has returned so many records.
func (p *pacer) polled(records int) { p.last, p.full = time.Now(), records >= manyRecords }

// wait waits until it is time for the next poll.
func (p *pacer) wait(ctx context.Context) {
	left := p.pause - time.Since(p.last)
	if p.full || left <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(left):
	}
}
