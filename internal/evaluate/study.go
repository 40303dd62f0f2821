package evaluate

import (
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

// Study judges one log by all contenders: riskstream, the baselines, and
// riskstream without each of its detectors.
type Study struct {
	ledger    *ledger
	lanes     []*lane // the first has all detectors
	baselines []*baseline
	batch     []Case
	medium    float64 // score from which the level is medium
}

// Options of a Study.
type Options struct {
	Windows Windows
	// Ablation also runs riskstream without each of its detectors.
	Ablation bool
	// FromSecond leaves out the first sign-in of each user.
	FromSecond bool
	// NoPlaces says that the log's places mean nothing: no method compares them.
	NoPlaces bool
}

// NewStudy prepares a study of riskstream as it is configured.
func NewStudy(cfg *config.Config, o Options) (s *Study, err error) {
	s = &Study{ledger: newLedger(o.Windows, o.FromSecond), medium: cfg.Scoring.Levels.Medium}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.add(cfg, ""); err != nil {
		return s, err
	}
	if o.Ablation {
		for _, name := range s.lanes[0].pipeline.Detectors() {
			if err := s.add(cfg, name); err != nil {
				return s, err
			}
		}
	}
	s.baseline(nameTrivial, newTrivial())
	s.baseline(nameFreeman, newFreeman())
	if !o.NoPlaces {
		s.baseline(nameElastic, newElastic())
	}
	return s, nil
}

// add adds a lane. Events come to it enriched.
func (s *Study) add(cfg *config.Config, without string) error {
	plain := *cfg
	plain.GeoIP, plain.Directory = config.Default().GeoIP, ""
	if without != "" {
		var err error
		if plain.Detectors, err = withoutDetector(cfg.Detectors, without); err != nil {
			return err
		}
	}
	pipeline, err := engine.NewPipeline(&plain, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	n, err := newLane(pipeline, without, s.ledger)
	if err != nil {
		return errors.Join(err, pipeline.Close())
	}
	s.lanes = append(s.lanes, n)
	return nil
}

func (s *Study) baseline(name string, m method) {
	s.baselines = append(s.baselines, &baseline{values: values{name: name}, method: m, ledger: s.ledger})
}

// Close lets go of what the lanes hold.
func (s *Study) Close() error {
	var errs []error
	for _, n := range s.lanes {
		errs = append(errs, n.pipeline.Close())
	}
	return errors.Join(errs...)
}

// batchSize is how many cases go to the contenders at once.
const batchSize = 4096

// Take takes the next case of the log. It is copied; its strings are not.
func (s *Study) Take(c *Case) {
	s.ledger.enter(c)
	if s.batch = append(s.batch, *c); len(s.batch) == batchSize {
		s.judge()
	}
}

// judge lets the contenders work: riskstream alone, since its time is told, then
// the others beside one another.
func (s *Study) judge() {
	s.lanes[0].take(s.batch)
	var others sync.WaitGroup
	for _, n := range s.lanes[1:] {
		others.Go(func() { n.take(s.batch) })
	}
	for _, b := range s.baselines {
		others.Go(func() { b.take(s.batch) })
	}
	others.Wait()
	s.batch = s.batch[:0]
}

// End judges what is left. The study can be reported then.
func (s *Study) End() {
	s.judge()
	s.lanes[0].days.end()
	for _, b := range s.baselines {
		b.days.end()
	}
}

// cost is the time in ns that an event takes in riskstream's lanes, on one core:
// the median over batches, since other work on the machine makes some slow.
func (s *Study) cost() float64 { return quantile(slices.Clone(s.lanes[0].costs), 0.5) }

// length is how long the test window is, in days.
func (s *Study) length() float64 {
	return float64(s.ledger.last-s.ledger.windows.Test) / float64(event.Day)
}
