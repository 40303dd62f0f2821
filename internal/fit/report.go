package fit

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/scoring"
)

// Options say how to fit.
type Options struct {
	Penalty  float64 // see Model.Fit
	HoldOut  float64 // share of the compromised account-days, the latest, that are not fitted on
	FitPrior bool    // take the prior from the examples too
}

// Report says what was fitted on and what came of it.
type Report struct {
	Method string `json:"method"` // logistic or isotonic
	Source string `json:"labels"` // labels or verdicts
	// Since and Until are the first and the last example.
	Since event.Time `json:"since"`
	Until event.Time `json:"until"`
	// Split is the first day that is held out; 0 when none is.
	Split   event.Time `json:"held_out_from,omitzero"`
	Events  int        `json:"events"`        // examples
	Missing int        `json:"labels_unseen"` // labels of attackers without an example
	Sampled int        `json:"sampled_1_in"`  // of the benign examples with evidence
	Train   Part       `json:"fitted_on"`
	HeldOut *Part      `json:"held_out,omitempty"`

	Weights     string           `json:"weights_before"` // versions
	Fitted      string           `json:"weights_after,omitempty"`
	PriorBefore float64          `json:"prior_before"`
	PriorAfter  float64          `json:"prior_after"`
	Detections  []DetectionBrief `json:"detections,omitempty"`
	Map         []Block          `json:"map,omitempty"`

	table scoring.Weights
}

// Part is one side of the split, in account-days.
type Part struct {
	Compromised float64 `json:"compromised_days"`
	Benign      float64 `json:"benign_days"`
	// Nothing is how good the prior by itself is, whatever is seen.
	Nothing Quality `json:"prior_alone"`
	Before  Quality `json:"before"`
	After   Quality `json:"after"`
}

// DetectionBrief is what was found of one kind of evidence.
type DetectionBrief struct {
	Name   string  `json:"name"`
	Before float64 `json:"llr_before"` // nats
	After  float64 `json:"llr_after"`
	// Error is the standard error of After; that of the penalty alone where
	// there are no examples.
	Error float64 `json:"standard_error"`
	// Days with the evidence open, of those that were fitted on.
	Compromised float64 `json:"compromised_days"`
	Benign      float64 `json:"benign_days"`
	Fixed       bool    `json:"fixed,omitempty"` // is not fitted
}

// parts are the examples, before the split and after it.
type parts struct {
	train, heldOut []Example
	split          event.Time
}

// split holds out the latest days, with at most so large a share of the
// compromised account-days, but at least the last of them.
func split(days map[event.Time][]Example, share float64) (p parts, err error) {
	ordered := slices.Sorted(maps.Keys(days))
	var total float64
	attacked := []event.Time{}
	for _, day := range ordered {
		if compromised, _ := weightsOf(days[day]); compromised > 0 {
			total += compromised
			attacked = append(attacked, day)
		}
	}
	p.split = event.Time(math.MaxInt64)
	if share > 0 {
		if len(attacked) == 1 {
			return p, errors.New("accounts were in an attacker's hands on one day only, so nothing later can be held out; without holding out anything, nothing can be measured")
		}
		var later float64
		for i := len(attacked) - 1; i > 0; i-- {
			compromised, _ := weightsOf(days[attacked[i]])
			if later += compromised; later > share*total && i < len(attacked)-1 {
				break
			}
			p.split = attacked[i]
		}
	}
	for _, day := range ordered {
		if day < p.split {
			p.train = append(p.train, days[day]...)
		} else {
			p.heldOut = append(p.heldOut, days[day]...)
		}
	}
	if _, benign := weightsOf(p.train); benign == 0 {
		return p, errors.New("before the days that are held out there is no event of an account in its owner's hands")
	}
	if _, benign := weightsOf(p.heldOut); share > 0 && benign == 0 {
		return p, errors.New("in the days that are held out there is no event of an account in its owner's hands")
	}
	return p, nil
}

// noneCompromised says why there is nothing to fit to.
func (c *Collector) noneCompromised() error {
	if c.labels == nil {
		return fmt.Errorf("nothing to fit to: %d verdicts, and none confirms that an account was compromised when somebody was in; a file of labels can say it too", c.verdicts)
	}
	return fmt.Errorf("nothing to fit to: %d labels say that an account was in an attacker's hands, and none is of an event that somebody who was in has caused", c.labels.missing())
}

// weighted are examples of either form.
type weighted interface {
	weight() (compromised bool, w float64)
}

func (x Example) weight() (bool, float64) { return x.Compromised, x.Weight }
func (x Scored) weight() (bool, float64)  { return x.Compromised, x.Weight }

// weightsOf is how much the examples of each kind weigh, in account-days.
func weightsOf[E weighted](examples []E) (compromised, benign float64) {
	for _, x := range examples {
		if is, w := x.weight(); is {
			compromised += w
		} else {
			benign += w
		}
	}
	return compromised, benign
}

// prepare makes examples of what was collected, and begins the report.
func (c *Collector) prepare(s *scoring.Scorer, method string, o Options) (*Model, parts, *Report, error) {
	days := c.finish()
	if !slices.ContainsFunc(slices.Collect(maps.Keys(c.days)), func(d accountDay) bool { return d.compromised }) {
		return nil, parts{}, nil, c.noneCompromised()
	}
	p, err := split(days, o.HoldOut)
	if err != nil {
		return nil, p, nil, err
	}
	w := s.Weights()
	model := &Model{Columns: c.columns, Ceiling: s.Ceiling()}
	for _, g := range event.Groups {
		model.Caps = append(model.Caps, w.Caps[g])
	}
	r := &Report{
		Method: method, Source: "labels", Since: c.first, Until: c.last, Events: c.events, Sampled: 1 << c.halved,
		Weights: w.Version, PriorBefore: w.Prior, PriorAfter: w.Prior, table: w,
	}
	if c.labels == nil {
		r.Source = "verdicts"
	} else {
		r.Missing = c.labels.missing()
	}
	r.Train.Compromised, r.Train.Benign = weightsOf(p.train)
	if len(p.heldOut) > 0 {
		r.Split, r.HeldOut = p.split, &Part{}
		r.HeldOut.Compromised, r.HeldOut.Benign = weightsOf(p.heldOut)
	}
	return model, p, r, nil
}

// Logistic fits the weights to what was collected under the scorer's.
func (c *Collector) Logistic(s *scoring.Scorer, o Options) (*Report, error) {
	model, p, r, err := c.prepare(s, "logistic", o)
	if err != nil {
		return nil, err
	}
	fitted, err := model.Fit(p.train, o.Penalty)
	if err != nil {
		return nil, err
	}
	if o.FitPrior {
		r.PriorAfter = math.Round(fitted.Share*1e6) / 1e6
	}
	for j, weight := range fitted.Weights {
		fitted.Weights[j] = math.Round(weight*1000) / 1000 // as a table has it
	}
	r.Detections = briefs(model, p.train, fitted)
	measure := func(part *Part, examples []Example) {
		part.Nothing = model.Quality(examples, make([]float64, len(fitted.Weights)), r.PriorAfter, r.PriorAfter)
		part.Before = model.Quality(examples, model.Weights(), r.PriorBefore, r.PriorAfter)
		part.After = model.Quality(examples, fitted.Weights, r.PriorAfter, r.PriorAfter)
	}
	measure(&r.Train, p.train)
	if r.HeldOut != nil {
		measure(r.HeldOut, p.heldOut)
	}
	r.refit()
	if errs := r.table.Validate(); len(errs) > 0 {
		return nil, fmt.Errorf("what was fitted is no table of weights: %w", errors.Join(errs...))
	}
	return r, nil
}

// briefs sum up the kinds of evidence that were seen or can be.
func briefs(m *Model, examples []Example, fitted *Fitted) []DetectionBrief {
	list := make([]DetectionBrief, len(m.Columns))
	for j, c := range m.Columns {
		list[j] = DetectionBrief{Name: c.Name, Before: c.Weight, After: fitted.Weights[j], Error: fitted.Errors[j], Fixed: c.Fixed}
	}
	for _, x := range examples {
		seen := map[int]bool{}
		for _, e := range x.Entries {
			days := &list[e.Column].Benign
			if x.Compromised {
				days = &list[e.Column].Compromised
			}
			if !seen[e.Column] {
				*days += x.Weight
			}
			seen[e.Column] = true
		}
	}
	// Rules come behind the detectors, in the order in which they first matched.
	rules := slices.IndexFunc(list, func(d DetectionBrief) bool { return strings.HasPrefix(d.Name, "rule:") })
	if rules >= 0 {
		slices.SortFunc(list[rules:], func(a, b DetectionBrief) int { return cmp.Compare(a.Name, b.Name) })
	}
	return list
}

// Isotonic maps the scores of what was collected to probabilities.
func (c *Collector) Isotonic(s *scoring.Scorer, o Options) (*Report, error) {
	model, p, r, err := c.prepare(s, "isotonic", o)
	if err != nil {
		return nil, err
	}
	if o.FitPrior {
		r.PriorAfter = r.Train.Compromised / (r.Train.Compromised + r.Train.Benign)
	}
	train := model.scores(p.train, r.PriorBefore)
	r.Map = Isotonic(train, r.PriorAfter)
	measure := func(part *Part, examples []Scored) {
		part.Nothing = qualityOf(examples, r.PriorAfter, func(float64) float64 { return r.PriorAfter })
		part.Before = qualityOf(examples, r.PriorAfter, func(score float64) float64 { return score / 100 })
		part.After = qualityOf(examples, r.PriorAfter, func(score float64) float64 { return Calibrated(r.Map, score) })
	}
	measure(&r.Train, train)
	if r.HeldOut != nil {
		measure(r.HeldOut, model.scores(p.heldOut, r.PriorBefore))
	}
	return r, nil
}

// scores are those of the present weights, with the decimals of a record.
func (m *Model) scores(examples []Example, prior float64) []Scored {
	s := m.with(m.Weights())
	scored := make([]Scored, len(examples))
	for i := range examples {
		x := &examples[i]
		p := probability(logOdds(prior) + s.nats(x.Entries, nil))
		scored[i] = Scored{Score: math.Round(p*1e4) / 100, Compromised: x.Compromised, Weight: x.Weight}
	}
	return scored
}

// fewDays is the count of account-days in an attacker's hands below which a
// weight says little. Ours: ten examples for each thing that is estimated is the
// usual rule of thumb of logistic regression (Peduzzi et al. 1996).
const fewDays = 10

// Warnings are what a person should know before they use what was fitted.
func (r *Report) Warnings() []string {
	var list []string
	if r.Missing > 0 {
		list = append(list, fmt.Sprintf("labels of attackers without an example: %d; their events are not in the logs, are outside the time, or are none that only somebody who is in can cause", r.Missing))
	}
	if r.Train.Compromised < fewDays {
		list = append(list, fmt.Sprintf("%.1f account-days in an attacker's hands are few to fit on; want %d and more", r.Train.Compromised, fewDays))
	}
	switch h := r.HeldOut; {
	case h == nil:
		list = append(list, "nothing is held out, so nothing says whether what was fitted is better")
	case h.After.LogLoss > h.Before.LogLoss:
		list = append(list, "on the days that were held out, what was fitted is worse than what is in force")
	}
	return list
}
