//go:build unix

package torture

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/internal/simulate"
)

// Options of all scenarios.
type Options struct {
	Seed     uint64
	Full     bool          // the full matrix, with long faults
	Delivery string        // of the engines; under at_least_once repeats are forgiven
	Rate     int           // raw records per second
	Length   time.Duration // of the load, if no fault takes longer
}

const exactlyOnce = "exactly_once"

// partitions of riskstream's topics: more than lanes, and not a multiple.
const partitions = 6

// sourcePartitions of each raw topic.
const sourcePartitions = 3

// Run is one scenario at work: engines under load, and what is done to them.
type Run struct {
	Options

	t      testing.TB
	ctx    context.Context
	bed    *Bed
	binary string
	dir    string
	draw   *rand.Rand
	kafka  publish.KafkaConfig
	client *kgo.Client // past the proxies
	admin  *kadm.Client

	company *simulate.Company
	sources []string
	engines []*Engine // all that were made
	named   int
	load    *load
	lanes   *progress
	ingest  *progress
	began   time.Time
	faults  []*fault

	clock    string   // file that sets the engines' clock; "" is the true time
	damages  int      // of snapshots so far
	noEvents int      // records put into risk.events that are no events
	evicted  float64  // subjects, of engines that are gone
	problems []string // that scenarios have noticed themselves

	fallsMayRepeat bool // after an upgrade, which does not know which falls were published
}

// fault is something that was done, and what it may cost.
type fault struct {
	what   string
	at     time.Time
	healed time.Time     // from which on the partitions hit are expected back
	hit    []int32       // partitions; all where it is nil
	within time.Duration // they are to go on after healed; 0 is any time
}

// newRun prepares topics, a company and two engines, and starts the load once
// they are ready.
func newRun(t testing.TB, bed *Bed, s Scenario, name string, o Options) *Run {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	r := &Run{
		Options: o, t: t, ctx: ctx, bed: bed, dir: t.TempDir(),
		draw:  rand.New(rand.NewPCG(o.Seed, saltOf(name))),
		kafka: publish.DefaultKafkaConfig(),
		// Two weeks of history, so that every baseline is learned; long ago,
		// so that every fall of a level is due at once and none is left to
		// the moment at which the engines are stopped.
		company: simulate.New(simulate.Config{Seed: o.Seed, Users: 200, QuietDays: 14}),
		began:   time.Now(),
	}
	var err error
	r.binary, err = bed.Binary(ctx, s.Tags...)
	r.must(err)
	if s.company != nil {
		s.company(r)
	}
	r.kafka.TopicPrefix, r.kafka.Partitions = fmt.Sprintf("%s-%d.", name, time.Now().UnixNano()), partitions
	r.must(bed.Mend(ctx))
	r.client, err = kgo.NewClient(kgo.SeedBrokers(bed.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	r.must(err)
	t.Cleanup(r.client.Close)
	r.admin = kadm.NewClient(r.client)
	r.createSources()
	r.must(os.WriteFile(filepath.Join(r.dir, "directory.yaml"), r.company.Directory(), 0o644))
	r.must(os.WriteFile(filepath.Join(r.dir, "rules.yaml"), []byte(rules), 0o644))
	t.Cleanup(r.cleanup)

	r.newEngine()
	r.newEngine()
	for _, e := range r.engines {
		r.must(e.Start())
	}
	r.waitReady(r.engines...)
	r.lanes = watch(ctx, r.admin, r.kafka.Group("subject-lane"), partitions, r.kafka.Topics().Events)
	r.ingest = watch(ctx, r.admin, r.kafka.Group("ingest"), sourcePartitions, r.sources...)
	r.load, err = startLoad(ctx, bed.Addrs(), r.company, r.kafka.TopicPrefix, r.Rate)
	r.must(err)
	return r
}

// saltOf lets scenarios of one seed draw different things.
func saltOf(name string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return hash.Sum64()
}

// cleanup ends the processes, and shows their last words if something failed.
func (r *Run) cleanup() {
	for _, e := range r.engines {
		if e.Running() {
			_ = e.Kill()
		}
		if r.t.Failed() {
			r.t.Logf("end of the log of %s:\n%s", e.Name, e.LogTail())
		}
	}
}

func (r *Run) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// logf tells what the scenario does, with the time since its load began.
func (r *Run) logf(format string, args ...any) {
	since := time.Duration(0)
	if r.load != nil {
		since = time.Since(r.load.began)
	}
	r.t.Logf("%6.2fs  %s", since.Seconds(), fmt.Sprintf(format, args...))
}

func (r *Run) createSources() {
	// The company's events are older than Kafka keeps by default, or newer
	// than it takes.
	settings := map[string]*string{"retention.ms": new("-1"), "message.timestamp.after.max.ms": new("9223372036854775807")}
	for _, topic := range []string{simulate.TopicOkta, simulate.TopicEntra, simulate.TopicKeycloak} {
		topic = r.kafka.TopicPrefix + topic
		r.sources = append(r.sources, topic)
		_, err := r.admin.CreateTopic(r.ctx, sourcePartitions, -1, settings, topic)
		r.must(err)
	}
}

// running are the engines whose processes run.
func (r *Run) running() []*Engine {
	var list []*Engine
	for _, e := range r.engines {
		if e.Running() {
			list = append(list, e)
		}
	}
	return list
}

// anyEngine draws one that runs.
func (r *Run) anyEngine() *Engine {
	list := r.running()
	return list[r.draw.IntN(len(list))]
}

// owned are the partitions of risk.events that an engine holds. It also notes
// what the engine has evicted so far, since it may be about to die.
func (r *Run) owned(e *Engine) []int32 {
	r.noteEvictions(e)
	name := r.kafka.Group("subject-lane")
	groups, err := r.admin.DescribeGroups(r.ctx, name)
	r.must(err)
	owned := []int32{}
	for _, member := range groups[name].Members {
		if member.InstanceID == nil || !strings.HasPrefix(*member.InstanceID, e.Name+"-") {
			continue
		}
		if assigned, ok := member.Assigned.AsConsumer(); ok {
			for _, topic := range assigned.Topics {
				owned = append(owned, topic.Partitions...)
			}
		}
	}
	slices.Sort(owned)
	return owned
}

// noteEvictions adds up what the engine has forgotten or could not read.
func (r *Run) noteEvictions(e *Engine) {
	samples, err := e.Metrics(r.ctx)
	if err != nil {
		return // it is not up yet, and has forgotten nothing
	}
	r.evicted += sum(samples, "riskstream_state_evictions")
	r.expect(sum(samples, "riskstream_state_damaged") == 0, "engine %s has states that it could not read", e.Name)
}

// sum adds up the samples of a metric with all its labels.
func sum(samples map[string]float64, metric string) (total float64) {
	for name, value := range samples {
		if name == metric || strings.HasPrefix(name, metric+"{") {
			total += value
		}
	}
	return total
}

// expect notes a problem unless something holds.
func (r *Run) expect(holds bool, format string, args ...any) {
	if !holds {
		r.problems = append(r.problems, fmt.Sprintf(format, args...))
	}
}

// done notes a fault that is over: the partitions hit are expected to go on.
func (r *Run) done(f *fault) {
	if f.healed.IsZero() {
		f.healed = time.Now()
	}
	r.faults = append(r.faults, f)
	which := "all"
	if f.hit != nil {
		which = fmt.Sprint(f.hit)
	}
	r.logf("after %v: %s, which hit partitions %s", time.Since(f.at).Round(time.Millisecond), f.what, which)
}

// finish lets the load go on for a while after the last fault, waits until
// everything is done, and stops the engines.
func (r *Run) finish() {
	r.t.Helper()
	r.until(1)
	r.sleep(2 * time.Second)
	r.must(r.load.end(r.ctx))
	r.logf("%d raw records produced, %d of them broken", r.load.produced.Load(), r.load.broken)
	r.wait("ingest to commit the ends of the sources", 2*time.Minute, func() (bool, error) {
		return settled(r.ctx, r.admin, r.kafka.Group("ingest"), r.sources...)
	})
	if topic := r.kafka.TopicPrefix + "risk.activity"; r.exists(topic) {
		r.wait("the source lanes to commit the end of "+topic, 2*time.Minute, func() (bool, error) {
			return settled(r.ctx, r.admin, r.kafka.Group("source-lane"), topic)
		})
	}
	r.wait("the lanes to commit the end of risk.events", 2*time.Minute, func() (bool, error) {
		return settled(r.ctx, r.admin, r.kafka.Group("subject-lane"), r.kafka.Topics().Events)
	})
	r.lanes.finish()
	r.ingest.finish()
	r.logf("everything is committed")
	r.letFall()
	for _, e := range r.running() {
		r.noteEvictions(e)
		if err := e.Stop(); err != nil {
			r.t.Error(err)
		}
	}
}
