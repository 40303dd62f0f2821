package evaluate

import (
	"cmp"
	"slices"

	"github.com/riskstream/riskstream/internal/simulate"
)

// summary sums studies up: of one log, or of several seeds. Users of different
// studies are different people. Each study has thresholds of its own, as each
// deployment would.
type summary struct {
	studies []*Study
	offset  []int // of each study's users among all
	users   int
}

// NewReport reports on studies that have ended, of one configuration.
func NewReport(data Data, prevalence float64, studies ...*Study) *Report {
	s := &summary{studies: studies}
	for _, study := range studies {
		s.offset = append(s.offset, s.users)
		s.users += len(study.ledger.signIns)
	}
	r := &Report{Data: s.data(data), Defaults: s.defaults(), Detection: s.detection(), Campaigns: s.campaigns(), Stories: s.stories(), Firings: s.firings(), Ablation: s.ablation()}
	r.Misses = s.examples(data.Seeds, func(n *lane) []Example { return n.misses })
	r.Alarms = s.examples(data.Seeds, func(n *lane) []Example { return n.alarms })
	main := s.each(func(st *Study) *values { return &st.lanes[0].values })
	r.Methods = append(r.Methods, s.method(main, prevalence))
	for i := range studies[0].baselines {
		of := s.each(func(st *Study) *values { return &st.baselines[i].values })
		r.Methods = append(r.Methods, s.method(of, prevalence))
	}
	attacks, benign := s.split(s.scores())
	r.Calibration = calibrationOf(attacks, benign, prevalence)
	for _, study := range studies {
		r.CostNS += study.cost() / float64(len(studies))
	}
	return r
}

// contender is one contender's values in every study.
type contender []*values

func (s *summary) each(of func(*Study) *values) contender {
	c := make(contender, len(s.studies))
	for i, study := range s.studies {
		c[i] = of(study)
	}
	return c
}

// scores are riskstream's scores as they were published.
func (s *summary) scores() contender {
	return s.each(func(st *Study) *values { return &values{values: st.lanes[0].scores} })
}

func (s *summary) data(d Data) Data {
	d.Windows = s.studies[0].ledger.windows
	for _, study := range s.studies {
		l := study.ledger
		d.Events += l.events
		d.Days = max(d.Days, study.length())
		for _, benign := range l.benign {
			d.Users += int(count(benign))
		}
		for i := range l.attacks {
			a := &l.attacks[i]
			switch {
			case !l.windows.test(max(a.first, a.compromise)):
			case a.unknown:
				d.Unknown++
			case a.compromise == 0:
				d.Repelled++
			default:
				d.Attacks++
			}
		}
		for i := range l.samples {
			if l.samples[i].attack < 0 && l.windows.test(l.samples[i].at) {
				d.SignIns++
			}
		}
	}
	return d
}

// thresholds are one for each study, fixed on its earlier window.
func (s *summary) thresholds(c contender, budget float64) []threshold {
	all := make([]threshold, len(c))
	for i, study := range s.studies {
		var benign []float64
		for j := range study.ledger.samples {
			m := &study.ledger.samples[j]
			if m.attack < 0 && study.ledger.windows.calibration(m.at) {
				benign = append(benign, c[i].values[j])
			}
		}
		all[i] = thresholdAt(benign, budget)
	}
	return all
}

// challenged are shares of the samples of the test window that are counted: hits
// are what the thresholds challenge.
func (s *summary) challenged(c contender, at []threshold, counted func(*ledger, *sample) bool) []share {
	shares := make([]share, s.users)
	for i, study := range s.studies {
		for j := range study.ledger.samples {
			m := &study.ledger.samples[j]
			if study.ledger.windows.test(m.at) && counted(study.ledger, m) {
				u := &shares[s.offset[i]+int(m.user)]
				u.of++
				u.hits += at[i].challenges(c[i].values[j])
			}
		}
	}
	return shares
}

func isBenign(_ *ledger, m *sample) bool { return m.attack < 0 }

// kind is a kind of attack; empty strings stand for all.
type kind struct{ model, variant string }

func (k kind) has(a *attack) bool {
	return (k.model == "" || k.model == a.model) && (k.variant == "" || k.variant == a.variant)
}

func (k kind) counted(l *ledger, m *sample) bool {
	return m.attack >= 0 && k.has(&l.attacks[m.attack])
}

// models are the kinds of attack that there are, in the order in which the
// simulation lists them; others follow by name.
func (s *summary) models() []string {
	var models []string
	for _, study := range s.studies {
		for i := range study.ledger.attacks {
			if m := study.ledger.attacks[i].model; !slices.Contains(models, m) {
				models = append(models, m)
			}
		}
	}
	place := func(m string) int {
		if i := slices.Index(simulate.Attacks[:], m); i >= 0 {
			return i
		}
		return len(simulate.Attacks)
	}
	slices.SortFunc(models, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	return models
}

func (s *summary) kinds() []kind {
	kinds := []kind{{}}
	for _, m := range s.models() {
		kinds = append(kinds, kind{model: m})
	}
	for _, m := range s.models() {
		for _, v := range []string{simulate.Hosting, simulate.Residential} {
			kinds = append(kinds, kind{m, v})
		}
	}
	return kinds
}

// quantile is the value below which a share of the values lies, between two of
// them by their distance; 0 of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	at := share * float64(len(values)-1)
	i := int(at)
	if i+1 == len(values) {
		return values[i]
	}
	return values[i] + (at-float64(i))*(values[i+1]-values[i])
}
