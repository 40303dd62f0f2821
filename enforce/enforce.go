// Package enforce is what an enforcement point imports: a table of riskstream's
// scores, kept up to date from the compacted topic risk.scores, and the decision
// for a request in well under a microsecond.
//
//	table, err := enforce.Watch(ctx, enforce.Config{Brokers: []string{"kafka:9092"}})
//	...
//	verdict := table.Decide(enforce.Request{User: "alice@example.com", SessionStart: began})
//	switch verdict.Decision {
//	case event.StepUp: // ask for a strong authentication, then pass its time as StrongAuthAt
//	case event.Revoke: // end the session
//	}
//
// The table never blocks a request: what it does not know, and what it knows
// from too long ago, it allows and marks. docs/enforcement.md tells how to run
// an enforcement point.
package enforce

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// DefaultTopic is where riskstream publishes scores when it has no topic
// prefix.
const DefaultTopic = "risk.scores"

// DefaultStaleAfter is how old knowledge may be before decisions no longer rest
// on it. It spans the election of a partition's new leader and a broker's
// restart, and is short against the time that an attacker needs.
const DefaultStaleAfter = time.Minute

// Config says where the scores are.
type Config struct {
	Brokers []string // host:port, to start from
	Topic   string   // DefaultTopic when empty

	// Options are further options of the Kafka client: TLS, SASL, a dialer. The
	// table consumes all partitions without a group; an option that makes the
	// client a member of one is an error.
	Options []kgo.Opt

	// StaleAfter is the age from which knowledge counts as stale;
	// DefaultStaleAfter when zero.
	StaleAfter time.Duration

	// Now is the clock that lapses and ages are measured with; time.Now when nil.
	Now func() time.Time

	Logger *slog.Logger // slog.Default when nil
}

// Table is the scores of all users and sessions at risk. All methods are safe
// for concurrent use.
type Table struct {
	records    records
	follower   *follower
	staleAfter time.Duration
	now        func() time.Time

	close  context.CancelFunc
	ending sync.WaitGroup
}

// Watch starts to read the scores and returns at once; see WaitReady. The table
// is kept up to date until ctx ends or Close is called, through outages of the
// brokers, new partitions and a topic that does not exist yet. An error is a
// configuration that cannot work.
func Watch(ctx context.Context, c Config) (*Table, error) {
	if len(c.Brokers) == 0 {
		return nil, errors.New("enforce: Config.Brokers is empty; name at least one broker as host:port")
	}
	if c.StaleAfter < 0 {
		return nil, fmt.Errorf("enforce: Config.StaleAfter is %v; want a positive duration, or 0 for %v", c.StaleAfter, DefaultStaleAfter)
	}
	if c.Topic == "" {
		c.Topic = DefaultTopic
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = DefaultStaleAfter
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	t := newTable(c)
	if err := t.follower.connect(c); err != nil {
		return nil, fmt.Errorf("enforce: %w", err)
	}
	ctx, t.close = context.WithCancel(ctx)
	t.ending.Go(func() { t.follower.consume(ctx) })
	t.ending.Go(func() { t.follower.watchEnds(ctx) })
	return t, nil
}

func newTable(c Config) *Table {
	t := &Table{staleAfter: c.StaleAfter, now: c.Now, close: func() {}}
	t.records.init()
	t.follower = newFollower(c, &t.records)
	return t
}

// Ready is closed once the table has read everything that was in the topic when
// Watch began. Until then Decide allows and marks.
func (t *Table) Ready() <-chan struct{} { return t.follower.ready }

// WaitReady returns when the table is ready, or with the context's error.
func (t *Table) WaitReady(ctx context.Context) error {
	select {
	case <-t.Ready():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("enforce: the scores were not read to their end: %w", context.Cause(ctx))
	}
}

// Age is how old the table's knowledge is: the time since which it is not known
// to have every committed score. It is the figure to alert on.
func (t *Table) Age() time.Duration {
	age, _ := t.follower.age(t.now())
	return age
}

// Len is the number of users and sessions in the table.
func (t *Table) Len() int { return t.records.len() }

// Close ends the reading and waits for it. Decide goes on to answer, with
// knowledge that grows stale.
func (t *Table) Close() {
	t.close()
	t.ending.Wait()
}
