package evaluate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/simulate"
)

// Simulation says on which simulated populations to evaluate.
type Simulation struct {
	Seeds     []uint64
	Users     int
	Days      int
	Learn     int // days in which methods only learn
	Calibrate int // days in which thresholds are fixed; no attack is before their end
	Ablation  bool
	Progress  func(done, total int) // days of all seeds; nil for none
}

// Simulate evaluates on simulated populations, one for each seed. Of the
// configuration the detectors, rules, scoring and policies count; what the logs
// need to be read comes with the population.
func Simulate(ctx context.Context, cfg *config.Config, sim Simulation) (*Report, error) {
	var studies []*Study
	for i, seed := range sim.Seeds {
		study, err := sim.study(ctx, cfg, seed, i)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		studies = append(studies, study)
	}
	data := Data{Source: fmt.Sprintf("riskstream simulate, %d people over %d days for each seed", sim.Users, sim.Days), Seeds: sim.Seeds}
	return NewReport(data, cfg.Scoring.Prior, studies...), nil
}

// study judges one population. Its lanes are closed then, and can be reported.
func (sim *Simulation) study(ctx context.Context, cfg *config.Config, seed uint64, done int) (_ *Study, err error) {
	population := simulate.NewPopulation(simulate.PopulationConfig{
		Seed: seed, Users: sim.Users, Days: sim.Days, QuietDays: sim.Learn + sim.Calibrate,
	})
	parse, err := newReader(population)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, parse.close()) }()
	start := population.Start()
	windows := Windows{Calibrate: start + event.Time(sim.Learn)*event.Day}
	windows.Test = windows.Calibrate + event.Time(sim.Calibrate)*event.Day
	s, err := NewStudy(cfg, Options{Windows: windows, Ablation: sim.Ablation})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	day := -1
	for ctx.Err() == nil {
		record, ok := population.Next()
		if !ok {
			s.End()
			return s, nil
		}
		if err := parse.each(&record, s.Take); err != nil {
			return nil, err
		}
		if today := int((record.Time - start) / event.Day); today > day && sim.Progress != nil {
			day = today
			sim.Progress(done*sim.Days+day, len(sim.Seeds)*sim.Days)
		}
	}
	return nil, ctx.Err()
}

// reader makes cases of a population's records, as ingest does.
type reader struct {
	pipeline *engine.Pipeline
	sources  map[string]ingest.Source
	parsers  map[string]*ingest.Parser
}

// newReader reads with the configuration that comes with the population.
func newReader(population *simulate.Population) (_ *reader, err error) {
	dir, err := os.MkdirTemp("", "riskstream-evaluate-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }() // what is loaded is in memory
	file, err := population.WriteConfiguration(dir)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	pipeline, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	r := &reader{pipeline: pipeline, sources: map[string]ingest.Source{}, parsers: map[string]*ingest.Parser{}}
	for _, source := range cfg.Sources {
		r.sources[source.Topic] = source
	}
	return r, nil
}

func (r *reader) close() error { return r.pipeline.Close() }

// each hands on the events of a record. The truth is of the event that it names;
// other events of the record are no compromise.
func (r *reader) each(record *simulate.Record, take func(*Case)) error {
	parser := r.parsers[record.Topic]
	if parser == nil {
		var err error
		if parser, err = r.pipeline.Parser(r.sources[record.Topic]); err != nil {
			return err
		}
		r.parsers[record.Topic] = parser
	}
	var failed error
	parser.Parse(record.Value, event.Origin{}, func(e *event.Event) {
		c := Case{Event: *e, Truth: record.Truth}
		c.Truth.Compromise = c.Truth.Compromise && e.ID == c.Truth.EventID
		take(&c)
	}, func(d ingest.DeadLetter) { failed = fmt.Errorf("a simulated record cannot be read: %s", d.Err) })
	return failed
}
