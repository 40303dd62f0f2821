package evaluate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/detectors"
)

// withoutDetector is a configuration with one detector off. Every detector has a
// section of its name with the key enabled.
func withoutDetector(cfg detectors.Config, name string) (detectors.Config, error) {
	decoder := yaml.NewDecoder(strings.NewReader(name + ": {enabled: false}"))
	decoder.KnownFields(true)
	if err := decoder.Decode(&cfg); err != nil {
		return cfg, fmt.Errorf("detector %s cannot be turned off: %w", name, err)
	}
	return cfg, nil
}

func (s *summary) firings() []Firing {
	sums := map[string]*Firing{}
	for _, name := range s.studies[0].lanes[0].pipeline.Detectors() {
		sums[name] = &Firing{Detector: name}
	}
	for _, study := range s.studies {
		for name, f := range study.lanes[0].fired {
			sum := sums[name]
			if sum == nil { // a rule
				sum = &Firing{Detector: name}
				sums[name] = sum
			}
			sum.Attacks += len(f.attacks)
			sum.Benign += f.Benign
			sum.Challenged += f.Challenged
		}
	}
	var all []Firing
	for _, f := range sums {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Firing) int {
		return cmp.Or(cmp.Compare(b.Attacks, a.Attacks), cmp.Compare(a.Benign, b.Benign), cmp.Compare(a.Detector, b.Detector))
	})
	return all
}

// ablation compares the lanes; nil where there is one.
func (s *summary) ablation() []Ablated {
	if len(s.studies[0].lanes) == 1 {
		return nil
	}
	models := s.models()
	var all []Ablated
	var full []Fall
	for i, lane := range s.studies[0].lanes {
		c := s.each(func(st *Study) *values { return &st.lanes[i].values })
		at := s.thresholds(c, budgets[0])
		a := Ablated{
			Without:    lane.without,
			TPR:        ratio(s.challenged(c, at, kind{}.counted)),
			Recall:     ratio(s.recall(i, kind{})),
			Challenged: ratio(s.signIns(i, func(f *felt) int32 { return f.challenged })),
			Alerts:     1000 * ratio(s.daily(i, func(f *felt) int32 { return f.alerts })),
		}
		for j, m := range models {
			of := Fall{m, ratio(s.challenged(c, at, kind{model: m}.counted)), ratio(s.recall(i, kind{model: m}))}
			if i == 0 {
				full = append(full, of)
				continue
			}
			of.TPR, of.Recall = full[j].TPR-of.TPR, full[j].Recall-of.Recall
			if max(of.TPR, of.Recall) > max(a.Most.TPR, a.Most.Recall, 0) {
				a.Most = of
			}
		}
		all = append(all, a)
	}
	return all
}
