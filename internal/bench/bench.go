// Package bench measures the engine on a Kafka broker: how many events it
// scores in a second beside a plain copy of the same records, what each costs,
// how late a score comes, how much memory a subject takes and how long a
// restart does.
//
// Everything runs in one go on one broker. The engine works in this process,
// the load generator and the stand-in broker in processes of their own, so that
// what is counted of this process is the engine's. docs/performance.md says
// how to read the numbers.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Options of a benchmark.
type Options struct {
	Short    bool // fits into 40 s on two cores
	JSON     bool // one object instead of a table
	Brokers  string
	Real     bool // start an Apache Kafka when no brokers are given
	Subjects int  // 0 is the default
	Events   int  // of each backlog; 0 is the default
	Version  string
	Out      io.Writer
	Progress io.Writer // nil shows none
}

// Bounds of the numbers that a user gives.
const (
	minSubjects, maxSubjects = 100, 10_000_000
	minEvents, maxEvents     = 1000, 100_000_000
)

// Validate finds wrong options before anything starts.
func (o *Options) Validate() error {
	if n := o.Subjects; n != 0 && (n < minSubjects || n > maxSubjects) {
		return fmt.Errorf("--subjects %d: want %d to %d", n, minSubjects, maxSubjects)
	}
	if n := o.Events; n != 0 && (n < minEvents || n > maxEvents) {
		return fmt.Errorf("--events %d: want %d to %d", n, minEvents, maxEvents)
	}
	if o.Brokers != "" {
		if host, port, err := net.SplitHostPort(o.Brokers); err != nil || host == "" || port == "" {
			return fmt.Errorf("--brokers %q: want host:port", o.Brokers)
		}
	}
	return nil
}

// plan is how much is done.
type plan struct {
	subjects, events int
	open, skip       time.Duration // an open loop's length, and what of it is not measured
	rates            []int         // of open loops, events a second, the highest first
	growth           []int         // numbers of subjects, the last of them subjects
}

func (o *Options) plan() plan {
	p := plan{subjects: 1_000_000, events: 500_000, open: 30 * time.Second, skip: 5 * time.Second, rates: []int{10_000, 5_000}}
	if o.Short {
		p = plan{subjects: 20_000, events: 60_000, open: 2500 * time.Millisecond, skip: 500 * time.Millisecond, rates: p.rates}
	}
	if o.Subjects > 0 {
		p.subjects = o.Subjects
	}
	if o.Events > 0 {
		p.events = o.Events
	}
	p.growth = []int{p.subjects / 100, p.subjects / 10, p.subjects}
	if o.Short {
		p.growth = p.growth[1:]
	}
	return p
}

const (
	seed       = 1
	ruleCount  = 20 // the built-in ones and those of rules.yaml
	partitions = 8
)

// Run measures and writes the result.
func Run(ctx context.Context, o Options) error { return run(ctx, o, o.plan()) }

func run(ctx context.Context, o Options, p plan) (err error) {
	interrupted := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the processes that are left after a failure
	defer func() {
		if err != nil && interrupted.Err() != nil {
			err = errors.New("interrupted before everything was measured")
		}
	}()
	dir, err := os.MkdirTemp("", "riskstream-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if _, err := processorTime(); err != nil {
		return err
	}
	m := &measuring{o: o, plan: p, dir: dir, began: time.Now()}
	defer m.say("")
	m.say("starting the broker")
	if m.broker, err = startBroker(ctx, &o, dir); err != nil {
		return err
	}
	defer m.broker.stop()
	client, err := kgo.NewClient(kgo.SeedBrokers(m.broker.addr))
	if err != nil {
		return err
	}
	defer client.Close()
	m.admin = kadm.NewClient(client)
	if err := m.all(ctx); err != nil {
		return err
	}
	m.say("")
	if o.JSON {
		return json.NewEncoder(o.Out).Encode(&m.result)
	}
	_, err = io.WriteString(o.Out, m.result.Table())
	return err
}

// measuring is a benchmark under way.
type measuring struct {
	o      Options
	plan   plan
	dir    string
	began  time.Time
	broker *broker
	admin  *kadm.Client
	phase  uint32
	result Result
}

// say shows what is going on; "" clears the line.
func (m *measuring) say(format string, args ...any) {
	if m.o.Progress == nil {
		return
	}
	fmt.Fprint(m.o.Progress, "\r\x1b[K")
	if format != "" {
		fmt.Fprintf(m.o.Progress, "%4.0fs  %s", time.Since(m.began).Seconds(), fmt.Sprintf(format, args...))
	}
}

// all measures everything. The pass-through comes between the small engines
// and the large one: the broker is warm then.
func (m *measuring) all(ctx context.Context) error {
	r := &m.result
	r.Machine = thisMachine()
	r.Settings = Settings{
		Broker: m.broker.kind, Version: m.o.Version, Workers: runtime.GOMAXPROCS(0), Partitions: partitions, Delivery: exactlyOnce,
		CommitEvery: commitEvery.String(), Compression: "snappy", Rules: ruleCount,
	}
	r.Data = Data{Subjects: m.plan.subjects, Events: m.plan.events, MarkedShare: markedShare, Seed: seed}
	for i, subjects := range m.plan.growth {
		last := i == len(m.plan.growth)-1
		if last {
			if err := m.passThrough(ctx); err != nil {
				return err
			}
		}
		if err := m.size(ctx, subjects, last); err != nil {
			return fmt.Errorf("%d subjects: %w", subjects, err)
		}
	}
	largest := r.Growth[len(r.Growth)-1]
	r.EventsPerS, r.CPU, r.AllocsPerEvent, r.BytesPerSubject = largest.EventsPerS, largest.CPU, largest.AllocsPerEvent, largest.BytesPerSubject
	if r.PassthroughPerS > 0 {
		r.Ratio = r.EventsPerS / r.PassthroughPerS
	}
	r.P50, r.P99 = r.Latency[0].P50, r.Latency[0].P99
	return nil
}

// replication of topics: one node of our own, or whatever the brokers do.
func (m *measuring) replication() int16 {
	if m.o.Brokers != "" {
		return -1
	}
	return 1
}

func (m *measuring) createTopics(ctx context.Context, names ...string) error {
	answers, err := m.admin.CreateTopics(ctx, partitions, m.replication(), nil, names...)
	if err == nil {
		err = answers.Error()
	}
	if err != nil {
		return fmt.Errorf("creating topics: %w", err)
	}
	return nil
}

// nextPhase numbers the phases, so that ids of events are unique.
func (m *measuring) nextPhase() uint32 {
	m.phase++
	return m.phase
}
