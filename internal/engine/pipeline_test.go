package engine

import (
	"log/slog"
	"testing"
	"time"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/scoring"
)

func TestEveryDetectorHasAWeight(t *testing.T) {
	scorer, err := scoring.New(scoring.Defaults(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range detectors.New(detectors.Defaults()).Names() {
		if !scorer.Knows(name) {
			t.Errorf("%s has no row in scoring/weights.yaml; its evidence would count nothing", name)
		}
	}
}

// Two processes whose records could differ must not share a hash.
func TestConfigurationHashFollowsWhatRecordsDependOn(t *testing.T) {
	hash := func(change func(*config.Config)) string {
		t.Helper()
		cfg := config.Default()
		change(cfg)
		p, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		return p.Hash()
	}
	same := hash(func(*config.Config) {})
	off, llr := false, 2.5
	for name, change := range map[string]func(*config.Config){
		"a threshold": func(c *config.Config) { c.Detectors.Learning.SignIns++ },
		"a weight": func(c *config.Config) {
			c.Scoring.Weights = map[string]scoring.WeightConfig{"new_device": {LLR: &llr}}
		},
		"a policy": func(c *config.Config) {
			c.Policies = scoring.Policies{{Name: "all", When: "true", Decision: event.StepUp}}
		},
		"the rules": func(c *config.Config) { c.Rules.Builtin = &off },
	} {
		if hash(change) == same {
			t.Errorf("%s changed and the hash did not", name)
		}
	}
	if hash(func(c *config.Config) { c.Engine.Workers++; c.Kafka.TopicPrefix = "x." }) != same {
		t.Error("the hash depends on how the work is spread, which changes no record")
	}
}

// A signal is applied and has no line; verdicts reach score and baselines.
func TestFeedbackSignalsReachScoreAndMemory(t *testing.T) {
	p, err := NewPipeline(config.Default(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	lane, part := p.Lane(), NewPartition(1<<20)
	at := event.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	send := func(e event.Event) Result {
		at += event.Minute
		e.Time, e.ID, e.Tenant, e.User.Subject = at, at.String(), "default", "ann@corp.example"
		return lane.Process(part, &e, nil)
	}
	verdict := func(code string) Result {
		return send(event.Event{Kind: event.KindSignal, Action: event.IDPSignal, Outcome: event.Success, Code: code})
	}
	signIn := event.Event{Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success}

	if r := verdict(event.ConfirmCompromised); r.Status != Signalled || r.Score != 100 || r.Decision != event.Revoke {
		t.Errorf("confirmed compromised: %+v", r)
	}
	if r := send(signIn); r.Score != 100 || r.Level != event.High {
		t.Errorf("the pin did not hold: %+v", r)
	}
	if r := verdict(event.ConfirmSafe); r.Score != 100 {
		t.Errorf("confirm_safe must not release a pin: %+v", r)
	}
	if r := verdict(event.Release); r.Level != event.None || r.Decision != event.Allow {
		t.Errorf("released: %+v", r)
	}
}
