package evaluate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// table is a part of a report as people read it, on a terminal, in Markdown and
// in HTML.
type table struct {
	Name  string // by which docs/accuracy.md places it
	Title string
	Note  string
	Head  []string
	Rows  [][]string // the first column is text, the others are numbers
}

// tables are the whole report.
func (r *Report) tables() []table {
	all := []table{
		r.dataTable(), r.attackTable(), r.variantTable(), r.methodTable(), r.defaultsTable(), r.storyTable(), r.recallTable(),
		r.detectionTable(), r.campaignTable(), r.precisionTable(), r.learningTable(), r.tprTable(), r.calibrationTable(),
		r.firingTable(), r.ablationTable(), r.missTable(), r.alarmTable(),
	}
	return slices.DeleteFunc(all, func(t table) bool { return len(t.Rows) == 0 })
}

func (r *Report) dataTable() table {
	d := &r.Data
	t := table{Name: "data", Title: "What was evaluated", Head: []string{"", ""}}
	add := func(what, value string) { t.Rows = append(t.Rows, []string{what, value}) }
	add("source", d.Source)
	if len(d.Seeds) > 0 {
		add("seeds", strings.Trim(fmt.Sprint(d.Seeds), "[]"))
	}
	add("events", number(d.Events))
	add("thresholds fixed", "from "+moment(d.Windows.Calibrate)+" to "+moment(d.Windows.Test))
	add("tested", fmt.Sprintf("from %s for %.0f days", moment(d.Windows.Test), d.Days))
	add("users", number(d.Users))
	add("benign sign-ins tested", number(d.SignIns))
	add("attacks that came in", number(d.Attacks))
	add("attacks on a user that did not", number(d.Repelled))
	if d.Unknown > 0 {
		add("attacks on users never seen before, left out", number(d.Unknown))
	}
	add("riskstream's lanes, per event", fmt.Sprintf("%.1f µs", r.CostNS/1000))
	return t
}

// attackTable is the main result: each kind of attack at each budget.
func (r *Report) attackTable() table {
	t := table{
		Name: "attacks", Title: "Attacks found when 1, 5 and 10 % of benign sign-ins may be challenged",
		Note: "Share of attacks whose compromise is above the threshold, in %, with its 95 % interval over users. Then what the other methods find at 1 %.",
		Head: []string{"attack", "n", "1 %", "5 %", "10 %"},
	}
	for i := range r.Methods[1:] {
		t.Head = append(t.Head, r.Methods[1+i].Name)
	}
	for i, g := range r.Methods[0].Groups {
		if g.Variant != "" {
			continue
		}
		row := []string{named(g.Attack), strconv.Itoa(g.TPR[0].Of)}
		for _, rate := range g.TPR {
			row = append(row, withInterval(rate))
		}
		for _, m := range r.Methods[1:] {
			row = append(row, percent(m.Groups[i].TPR[0]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) variantTable() table {
	t := table{
		Name: "variants", Title: "By where the attacker comes from, at 1 %",
		Head: []string{"attack", "variant", "n"},
	}
	for _, m := range r.Methods {
		t.Head = append(t.Head, m.Name)
	}
	for i, g := range r.Methods[0].Groups {
		if g.Variant == "" {
			continue
		}
		row := []string{named(g.Attack), g.Variant, strconv.Itoa(g.TPR[0].Of), withInterval(g.TPR[0])}
		for _, m := range r.Methods[1:] {
			row = append(row, percent(m.Groups[i].TPR[0]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) methodTable() table {
	t := table{
		Name: "methods", Title: "The methods on the same events",
		Note: fmt.Sprintf("All attacks. Challenged is what the thresholds for 1, 5 and 10 %%, fixed on the earlier window, challenge in the tested one. AUC-PR is at a prevalence of %s of sign-ins. Challenges in 12 is the median over users of how often the first 12 sign-ins are challenged.", share100(r.Methods[0].Prevalence)),
		Head: []string{"method", "1 %", "5 %", "10 %", "challenged at 1 %", "at 5 %", "at 10 %", "AUC-PR", "challenges in 12 at 1 %", "at 5 %", "at 10 %"},
	}
	for i := range r.Methods {
		m := &r.Methods[i]
		row := []string{m.Name}
		for _, rate := range m.Groups[0].TPR {
			row = append(row, withInterval(rate))
		}
		for _, rate := range m.Challenged {
			row = append(row, percent(rate))
		}
		row = append(row, fmt.Sprintf("%.3f", m.AUCPR))
		for _, n := range m.Reauths {
			row = append(row, fmt.Sprintf("%.2g", n))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) defaultsTable() table {
	d := &r.Defaults
	t := table{
		Name: "defaults", Title: "At the shipped levels and policies",
		Head: []string{"", "", "95 % interval", "n"},
	}
	add := func(what string, rate Rate, unit func(float64) string) {
		if rate.Of == 0 {
			return
		}
		t.Rows = append(t.Rows, []string{what, unit(rate.Value), unit(rate.Low) + " – " + unit(rate.High), number(rate.Of)})
	}
	two := func(v float64) string { return fmt.Sprintf("%.2f", v) }
	if len(d.Recall) > 0 {
		add("attacks at medium by the compromise", d.Recall[0].Rate, share100)
	}
	add("benign sign-ins challenged", d.Challenged, share100)
	add("benign sign-ins at medium or above, challenged anew or not", d.AtMedium, share100)
	add("challenges per 1,000 honest users per day (n: user-days)", d.Challenges, two)
	add("alerts per 1,000 honest users per day (n: user-days)", d.Alerts, two)
	t.Rows = append(t.Rows, []string{"revokes of honest users", strconv.Itoa(d.Revokes), "of " + plural(d.Revoked, "user"), ""})
	add("session replays and approved fatigue revoked", d.Ended, share100)
	add("… with the compromise", d.EndedAtOnce, share100)
	t.Rows = append(t.Rows, []string{"median challenges in a user's first 12 sign-ins", fmt.Sprintf("%.2g", d.Reauths), "", ""})
	return t
}

func (r *Report) storyTable() table {
	t := table{
		Name: "stories", Title: "What honest users felt, at the shipped levels",
		Note: "By what befell them. Alerts are those at any event of theirs; the rest is of sign-ins.",
		Head: []string{"", "sign-ins", "challenged", "at medium", "alerts", "highest score"},
	}
	for _, s := range r.Stories {
		name := s.Name
		if name == "" {
			name = "ordinary days"
		}
		t.Rows = append(t.Rows, []string{name, number(s.SignIns), number(s.Challenged), number(s.AtMedium), number(s.Alerts), fmt.Sprintf("%.2f", s.Highest)})
	}
	return t
}

func (r *Report) recallTable() table {
	t := table{Name: "recall", Title: "At medium by the compromise, at the shipped levels", Head: []string{"attack", "n", "found", "missed"}}
	for _, of := range r.Defaults.Recall {
		missed := float64(of.Rate.Of) * (1 - of.Rate.Value)
		t.Rows = append(t.Rows, []string{named(of.Attack), strconv.Itoa(of.Rate.Of), withInterval(of.Rate), fmt.Sprintf("%.0f", missed)})
	}
	return t
}

func (r *Report) detectionTable() table {
	t := table{
		Name: "time", Title: "How long until the user is at medium",
		Note: "From the compromise; 0 is with it or before. Medians and 90th percentiles are of those that are found at all.",
		Head: []string{"attack", "n", "by the compromise", "ever", "never", "median s", "90 % s", "median events", "90 % events"},
	}
	for _, d := range r.Detection {
		t.Rows = append(t.Rows, []string{
			named(d.Attack), strconv.Itoa(d.Attacks), strconv.Itoa(d.InTime), strconv.Itoa(d.Detected), strconv.Itoa(d.Attacks - d.Detected),
			fmt.Sprintf("%.0f", d.Seconds), fmt.Sprintf("%.0f", d.Seconds9), fmt.Sprintf("%.0f", d.Events), fmt.Sprintf("%.0f", d.Events9),
		})
	}
	return t
}

func (r *Report) campaignTable() table {
	t := table{
		Name: "campaigns", Title: "Attacks on many users",
		Note: "A campaign is found when a detector of such attacks speaks to one of its users: when somebody is tried after it was recognised, or comes in. Whose turn it was then, and when the attacker first came in, in targets.",
		Head: []string{"campaign", "n", "found", "by the first compromise", "before the 30th target", "found at", "first compromise at"},
	}
	for _, c := range r.Campaigns {
		t.Rows = append(t.Rows, []string{c.Attack, strconv.Itoa(c.Found.Of), withInterval(c.Found), withInterval(c.AtOnce), withInterval(c.Before), fmt.Sprintf("%.0f", c.Target), fmt.Sprintf("%.0f", c.Came)})
	}
	return t
}

func (r *Report) precisionTable() table {
	t := table{
		Name: "precision", Title: "The riskiest users of a day",
		Note: "How many of the K riskiest users of a day are in an attacker's hands, in %, on days on which anybody is; and what a perfect order would have.",
		Head: []string{"method"},
	}
	for _, top := range r.Methods[0].Precision {
		t.Head = append(t.Head, fmt.Sprintf("K = %d", top.K))
	}
	for i := range r.Methods {
		row := []string{r.Methods[i].Name}
		for _, top := range r.Methods[i].Precision {
			row = append(row, fmt.Sprintf("%.1f", 100*top.Precision))
		}
		t.Rows = append(t.Rows, row)
	}
	row := []string{"perfect"}
	for _, top := range r.Methods[0].Precision {
		row = append(row, fmt.Sprintf("%.1f", 100*top.Possible))
	}
	t.Rows = append(t.Rows, row)
	return t
}

func (r *Report) learningTable() table {
	t := table{
		Name: "learning", Title: "Attacks found at 1 %, by how often the victim had signed in before",
		Head: []string{"sign-ins before", "n"},
	}
	for _, m := range r.Methods {
		t.Head = append(t.Head, m.Name)
	}
	for i, l := range r.Methods[0].Learning {
		row := []string{learningBin(l), strconv.Itoa(l.TPR.Of), withInterval(l.TPR)}
		for _, m := range r.Methods[1:] {
			row = append(row, percent(m.Learning[i].TPR))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func learningBin(l Learning) string {
	if l.To == 0 {
		return fmt.Sprintf("%d or more", l.From)
	}
	return fmt.Sprintf("%d to %d", l.From, l.To-1)
}

func (r *Report) tprTable() table {
	if len(r.Methods[0].AtTPR) == 0 {
		return table{}
	}
	t := table{
		Name: "tpr", Title: "What it costs to find so many of the very targeted attacks",
		Note: fmt.Sprintf("The form in which results on the RBA dataset are published (medians there: 2, 7 and 12 challenges in the first 12 sign-ins). The thresholds are those that find so many of the %d attacks tested, so this is not prequential.", r.Methods[0].AtTPR[0].Attacks),
		Head: []string{"method"},
	}
	for _, at := range r.Methods[0].AtTPR {
		t.Head = append(t.Head, fmt.Sprintf("TPR %.4f: challenges in 12", at.TPR), "benign challenged")
	}
	for i := range r.Methods {
		row := []string{r.Methods[i].Name}
		for _, at := range r.Methods[i].AtTPR {
			row = append(row, fmt.Sprintf("%.2g", at.Reauths), share100(at.Challenged))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) calibrationTable() table {
	c := &r.Calibration
	t := table{
		Name: "calibration", Title: "Scores as probabilities",
		Note: fmt.Sprintf("Both kinds are weighed to a prevalence of %s of sign-ins. Brier score %.5f; that of saying the prevalence of everything is %.5f.", share100(c.Prevalence), c.Brier, c.Reference),
		Head: []string{"score", "benign sign-ins", "attacks", "mean score", "share of attacks, weighed"},
	}
	for _, b := range c.Bins {
		row := []string{fmt.Sprintf("%g to %g", b.From, b.To), number(b.Benign), number(b.Attacks), "–", "–"}
		if b.Benign+b.Attacks > 0 {
			row[3], row[4] = fmt.Sprintf("%.2f", 100*b.Score), fmt.Sprintf("%.2f", 100*b.Attack)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) firingTable() table {
	t := table{
		Name: "detectors", Title: "How often each detector speaks",
		Note: "On how many attacks (any of the attacker's events), on how many benign sign-ins, and how many of these were challenged.",
		Head: []string{"detector", "attacks", "benign sign-ins", "challenged"},
	}
	for _, f := range r.Firings {
		t.Rows = append(t.Rows, []string{f.Detector, number(f.Attacks), number(f.Benign), number(f.Challenged)})
	}
	return t
}

func (r *Report) ablationTable() table {
	t := table{
		Name: "ablation", Title: "Without each detector",
		Note: "In %. Recall is at medium by the compromise. Last, the kind of attack that loses most, and how many points of either.",
		Head: []string{"without", "TPR at 1 %", "recall", "benign challenged", "alerts per 1,000 per day", "loses most", "TPR", "recall"},
	}
	for _, a := range r.Ablation {
		row := []string{a.Without, fmt.Sprintf("%.1f", 100*a.TPR), fmt.Sprintf("%.1f", 100*a.Recall), share100(a.Challenged), fmt.Sprintf("%.2f", a.Alerts), "", "", ""}
		if a.Without == "" {
			row[0] = "(all detectors)"
		}
		if a.Most.Attack != "" {
			row[5], row[6], row[7] = a.Most.Attack, fmt.Sprintf("%+.1f", -100*a.Most.TPR), fmt.Sprintf("%+.1f", -100*a.Most.Recall)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (r *Report) missTable() table {
	t := exampleTable(r.Misses)
	t.Name, t.Title = "misses", "Attacks that were missed: examples to look at"
	t.Note = "Compromises whose user was not at medium. riskstream simulate --quiet-days 35 --users 1000 --seed N writes their logs again."
	return t
}

func (r *Report) alarmTable() table {
	t := exampleTable(r.Alarms)
	t.Name, t.Title = "alarms", "False alarms: examples to look at"
	t.Note = "Benign sign-ins that were challenged."
	return t
}

func exampleTable(examples []Example) table {
	t := table{Head: []string{"what", "seed", "event", "user", "score", "detectors"}}
	for _, e := range examples {
		what, said := e.What, strings.Join(e.Detectors, ", ")
		if what == "" {
			what = "ordinary days"
		}
		if said == "" {
			said = "none"
		}
		t.Rows = append(t.Rows, []string{what, strconv.FormatUint(e.Seed, 10), e.EventID, e.User, fmt.Sprintf("%.2f", e.Score), said})
	}
	return t
}

func named(attack string) string {
	if attack == "" {
		return "all"
	}
	return attack
}

// percent is a rate's value in %; – where it is of nothing.
func percent(r Rate) string {
	if r.Of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f", 100*r.Value)
}

func withInterval(r Rate) string {
	if r.Of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f (%.0f–%.0f)", 100*r.Value, 100*r.Low, 100*r.High)
}

func share100(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// number groups thousands.
func number(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
