package engine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/enrich"
	"github.com/riskstream/riskstream/rules"
	"github.com/riskstream/riskstream/scoring"
)

// Pipeline is what a configuration makes: the enricher, detectors, rules and
// scorer that ingest and the lanes use. It is shared; what it hands out (Lane,
// Parser) belongs to one goroutine each.
type Pipeline struct {
	enricher     *enrich.Enricher
	keepOriginal bool
	detectors    *detectors.Set
	rules        *rules.Set
	scorer       *scoring.Scorer
	hash         string
}

// NewPipeline opens and compiles everything that the configuration names. The
// error joins every problem found.
func NewPipeline(cfg *config.Config, log *slog.Logger) (*Pipeline, error) {
	p := &Pipeline{detectors: detectors.New(cfg.Detectors), keepOriginal: cfg.Engine.KeepOriginal}
	var errs [3]error
	p.enricher, errs[0] = enrich.Open(cfg.Enrichment(), log)
	p.rules, errs[1] = rules.Load(cfg.Rules.Paths, cfg.Rules.Builtin == nil || *cfg.Rules.Builtin)
	p.scorer, errs[2] = scoring.New(cfg.Scoring, cfg.Policies)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	p.hash = configHash(cfg, p.rules.Hash(), p.scorer.Hash())
	return p, nil
}

// configHash identifies the part of a configuration that records depend on.
// Two processes with the same hash make the same records of the same events.
func configHash(cfg *config.Config, rulesHash, scoringHash string) string {
	text, err := yaml.Marshal(struct {
		Detectors any
		Rules     string
		Scoring   string
	}{cfg.Detectors, rulesHash, scoringHash})
	if err != nil {
		panic(fmt.Sprintf("configuration cannot be written as YAML: %v", err))
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))[:12]
}

// Hash identifies the configuration in the records.
func (p *Pipeline) Hash() string { return p.hash }

// Scorer is the shared scorer.
func (p *Pipeline) Scorer() *scoring.Scorer { return p.scorer }

// Enricher is the shared enricher.
func (p *Pipeline) Enricher() *enrich.Enricher { return p.enricher }

// Lane makes a lane for one goroutine.
func (p *Pipeline) Lane() *Lane {
	return &Lane{detectors: p.detectors, rules: p.rules.NewEvaluator(), scorer: p.scorer.NewEvaluator(), config: p.hash}
}

// Parser makes a parser of one source for one goroutine.
func (p *Pipeline) Parser(source ingest.Source) (*ingest.Parser, error) {
	return ingest.NewParser(source, ingest.Options{KeepOriginal: p.keepOriginal, Enrich: p.enricher.Enrich})
}

// Close releases the databases.
func (p *Pipeline) Close() error { return p.enricher.Close() }

// Rules are the rules that run, sorted by id.
func (p *Pipeline) Rules() []rules.Rule { return p.rules.Rules() }

// Detectors are the names of the detectors that are enabled.
func (p *Pipeline) Detectors() []string { return p.detectors.Names() }
