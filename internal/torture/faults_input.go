//go:build unix

package torture

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/internal/simulate"
)

// poison puts records into risk.events and the sources that are nothing that
// riskstream writes or reads.
func poison(r *Run) {
	f := &fault{what: "poison in risk.events and the sources", at: time.Now(), within: sameIdentity}
	var records []*kgo.Record
	for _, value := range [][]byte{nil, []byte("{"), []byte(`{"@timestamp":7}`), bytes.Repeat([]byte("["), 100_000)} {
		for id := range int32(partitions) {
			records = append(records, &kgo.Record{Topic: r.kafka.Topics().Events, Partition: id, Value: value})
			r.noEvents++
		}
		for _, source := range r.sources {
			records = append(records, &kgo.Record{Topic: source, Partition: int32(r.draw.IntN(sourcePartitions)), Value: value})
		}
	}
	r.must(r.client.ProduceSync(r.ctx, records...).FirstErr())
	r.done(f)
}

// oversize puts a batch into a source and into risk.events that is small for
// the broker and would fill an engine's memory.
func oversize(r *Run) {
	f := &fault{what: "batches that decompress to 70 MB", at: time.Now(), within: sameIdentity}
	bomb, err := kgo.NewClient(kgo.SeedBrokers(r.bed.Addrs()...), kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	r.must(err)
	defer bomb.Close()
	zeros := make([]byte, 70<<20)
	r.must(bomb.ProduceSync(r.ctx, &kgo.Record{Topic: r.sources[r.draw.IntN(len(r.sources))], Value: zeros}).FirstErr())
	r.must(bomb.ProduceSync(r.ctx, &kgo.Record{Topic: r.kafka.Topics().Events, Partition: int32(r.draw.IntN(partitions)), Value: zeros}).FirstErr())
	r.noEvents++
	r.done(f)
}

// HooksTag is the build tag of a binary whose clock of falls can be set:
// it reads the file that ClockVariable names.
const HooksTag = "torturehooks"

// ClockVariable names a file with an offset ("1h", "-1h") that is added to the
// time, or with a time (RFC 3339) at which the clock stands.
const ClockVariable = "RISKSTREAM_TEST_CLOCK"

// todaysCompany has a short past and lives about now, so that most levels are
// to fall within the next hour.
func todaysCompany(r *Run) {
	r.company = simulate.New(simulate.Config{
		Seed: r.Seed, Users: 200, QuietDays: 1, Start: simulate.StartFor(time.Now().Add(-time.Hour), event.Day),
	})
	r.clock = filepath.Join(r.dir, "clock")
	r.setClock("0s")
}

func (r *Run) setClock(to string) {
	r.t.Helper()
	next := r.clock + ".next"
	r.must(os.WriteFile(next, []byte(to), 0o644))
	r.must(os.Rename(next, r.clock))
	r.logf("the clock is set to %s", to)
}

// jumpClock lets the clock of all engines jump an hour ahead, two back, and to
// the true time.
func jumpClock(r *Run) {
	f := &fault{what: "jumps of the clock", at: time.Now(), within: sameIdentity}
	for _, offset := range []string{"1h", "-1h", "0s"} {
		r.setClock(offset)
		r.sleep(r.between(2*time.Second, 4*time.Second))
	}
	early := 0
	for _, record := range r.read(r.kafka.Topics().Scores) {
		score, err := publish.DecodeScore(record.Value)
		if err == nil && score.Event.ID == "" && score.AsOf.Std().After(record.Timestamp) {
			early++
		}
	}
	r.expect(early > 0, "no level fell before its time; the jump of the clock proves nothing")
	r.logf("%d levels fell before their time", early)
	r.done(f)
}
