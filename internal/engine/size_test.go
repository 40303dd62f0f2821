package engine

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
	"github.com/riskstream/riskstream/scoring"
)

// BenchmarkSubjectBytes measures what is kept of a subject, as it is kept, in
// simulated companies in which more than a quarter of the people were attacked,
// and in one where nobody was: at the end, of which p50 and p99 are, and whenever
// it was most. Of the hundredth that takes most it also says what takes it.
func BenchmarkSubjectBytes(b *testing.B) {
	for _, of := range []simulate.PopulationConfig{
		{Seed: 2, Users: 1000}, {Seed: 11, Users: 1000}, {Seed: 12, Users: 1000}, {Seed: 2, Users: 1000, Attacks: -1},
	} {
		b.Run(fmt.Sprintf("seed=%d,attacks=%d", of.Seed, of.Attacks), func(b *testing.B) { benchmarkSubjectBytes(b, of) })
	}
}

func benchmarkSubjectBytes(b *testing.B, of simulate.PopulationConfig) {
	for b.Loop() {
		sizes := newSizes(b, of)
		last, most := sizes.sorted(sizes.last), sizes.sorted(sizes.most)
		b.ReportMetric(float64(last[len(last)/2]), "B/subject-p50")
		b.ReportMetric(float64(last[len(last)*99/100]), "B/subject-p99")
		b.ReportMetric(float64(last[len(last)-1]), "B/subject-max")
		b.ReportMetric(float64(most[len(most)*99/100]), "B/subject-peak-p99")
		b.ReportMetric(float64(most[len(most)-1]), "B/subject-peak-max")
		for name, bytes := range sizes.parts(last[len(last)*99/100]) {
			b.ReportMetric(bytes, "B-"+name+"-of-largest")
		}
	}
}

// sizes are the encoded subjects of a replay, by their keys.
type sizes struct {
	last map[string][]byte // as they are at the end
	most map[string][]byte // as they were when they took most
}

func newSizes(b *testing.B, of simulate.PopulationConfig) *sizes {
	population := simulate.NewPopulation(of)
	pipeline, parsers := populationPipeline(b, population)
	replay, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { b.Fatal(d.Err) })
	if err != nil {
		b.Fatal(err)
	}
	s := &sizes{last: map[string][]byte{}, most: map[string][]byte{}}
	var key []byte
	for record, ok := population.Next(); ok; record, ok = population.Next() {
		parsers[record.Topic].Parse(record.Value, event.Origin{}, func(e *event.Event) {
			replay.Take(e)
			key = appendSubjectKey(key[:0], e)
			if value, _ := replay.partition.store.Get(key); len(value) > len(s.most[string(key)]) {
				s.most[string(key)] = slices.Clone(value)
			}
		}, func(d ingest.DeadLetter) { b.Fatal(d.Err) })
	}
	for key := range s.most {
		value, _ := replay.partition.store.Get([]byte(key))
		s.last[key] = slices.Clone(value)
	}
	return s
}

// populationPipeline reads with the configuration that comes with the population.
func populationPipeline(b *testing.B, population *simulate.Population) (*Pipeline, map[string]*ingest.Parser) {
	file, err := population.WriteConfiguration(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	cfg, err := config.Load(file)
	if err != nil {
		b.Fatal(err)
	}
	pipeline, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { pipeline.Close() })
	parsers := map[string]*ingest.Parser{}
	for _, source := range cfg.Sources {
		if parsers[source.Topic], err = pipeline.Parser(source); err != nil {
			b.Fatal(err)
		}
	}
	return pipeline, parsers
}

func (s *sizes) sorted(values map[string][]byte) []int {
	var n []int
	for _, value := range values {
		n = append(n, len(value))
	}
	slices.Sort(n)
	return n
}

// parts are what the parts take on average of the subjects that take at least so
// many bytes at the end.
func (s *sizes) parts(least int) map[string]float64 {
	parts, n := map[string]float64{}, 0.0
	for _, value := range s.last {
		var sub subject
		if len(value) < least || sub.read(value) != nil {
			continue
		}
		n++
		parts["score"] += float64(len(sub.score.AppendBinary(nil)))
		parts["memory"] += float64(len(sub.memory.AppendBinary(nil)))
		parts["window"] += float64(len(sub.seen.appendBinary(nil)))
		parts["open"] += float64(len(scoring.AppendContributions(nil, sub.open)))
	}
	for name := range parts {
		parts[name] /= n
	}
	return parts
}
