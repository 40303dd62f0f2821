package fit

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/scoring"
)

// Collector makes examples of what a replay tells it. It is an observer of the
// replay (engine.Observer).
type Collector struct {
	labels *Labels // nil: the analysts' verdicts in the log
	since  event.Time
	until  event.Time // 0 is open
	most   int        // benign rows that are kept

	columns []Column
	byName  map[string]int
	users   map[uint64]*account
	days    map[accountDay]*dayCount
	rows    []row
	benign  int // of rows
	halved  int // how often rows of half of the benign events were dropped

	events, verdicts int
	first, last      event.Time
}

// account is what is known of a user.
type account struct {
	record  *event.Score // the newest
	asOf    event.Time   // newest event time seen
	waiting []row        // events that a verdict may still be about, oldest first
}

// accountDay is a day, in UTC, of an account in one hand.
type accountDay struct {
	user        uint64
	day         event.Time
	compromised bool
}

// dayCount is how many events it had, and how many of them without evidence.
type dayCount struct{ events, bare int }

// row is an event of which an example is made, once its day is complete.
type row struct {
	of      accountDay
	time    event.Time
	hash    uint64 // of the event's id
	entries []Entry
}

// verdictReach is for how long before it a verdict speaks of the account's
// events: as long as most evidence takes to halve. Ours; a verdict does not say
// since when.
const verdictReach = event.Day

// NewCollector prepares for the events from since on, before until unless that
// is 0. Without labels the verdicts of analysts in the log are the labels.
// Benign examples with evidence beyond most are thinned out, by halves, and
// those that stay weigh for those that went.
func NewCollector(w scoring.Weights, labels *Labels, since, until event.Time, most int) *Collector {
	c := &Collector{
		labels: labels, since: since, until: until, most: most,
		byName: map[string]int{}, users: map[uint64]*account{}, days: map[accountDay]*dayCount{},
	}
	for _, name := range slices.Sorted(maps.Keys(w.Detections)) {
		weight := w.Detections[name]
		limit := max(w.Caps[weight.Group], weight.LLR)
		c.addColumn(Column{Name: name, Group: slices.Index(event.Groups[:], weight.Group), Weight: weight.LLR, Max: min(limit, maxLLR), Fixed: weight.LLR == 0})
	}
	return c
}

// maxLLR is the largest weight that a table may have; see scoring.
const maxLLR = 10

func (c *Collector) addColumn(column Column) int {
	c.byName[column.Name] = len(c.columns)
	c.columns = append(c.columns, column)
	return len(c.columns) - 1
}

// Detections implements engine.Sink.
func (c *Collector) Detections(*event.Event, []event.Detection) {}

// Score implements engine.Sink.
func (c *Collector) Score(record *event.Score) {
	if record.Session == "" {
		c.account(record.Tenant, record.Subject).record = record
	}
}

// Gone implements engine.Sink.
func (c *Collector) Gone(record *event.Score) {
	if user, is := strings.CutPrefix(record.Entity, "user:"); is {
		delete(c.users, event.Hash(user))
	}
}

func (c *Collector) account(tenant, subject string) *account {
	id := userOf(tenant, subject)
	a := c.users[id]
	if a == nil {
		a = &account{}
		c.users[id] = a
	}
	return a
}

func userOf(tenant, subject string) uint64 { return event.Hash(event.Key(tenant, subject)) }

// Event implements engine.Observer.
func (c *Collector) Event(e *event.Event, _ int) {
	if e.User.Subject == "" {
		return
	}
	a := c.account(e.Tenant, e.User.Subject)
	a.asOf = max(a.asOf, e.Time)
	c.settle(a, a.asOf-verdictReach)
	if e.Kind == event.KindSignal {
		c.verdict(e, a)
		return
	}
	if !scoring.Proves(e) || e.Time < c.since || c.until != 0 && e.Time >= c.until {
		return
	}
	entries, pinned := c.entries(a)
	if pinned {
		return // the score is 100 whatever evidence weighs
	}
	r := row{
		of:   accountDay{user: userOf(e.Tenant, e.User.Subject), day: e.Time - e.Time%event.Day},
		time: e.Time, hash: event.Hash(e.ID), entries: entries,
	}
	if c.labels == nil {
		a.waiting = append(a.waiting, r)
		return
	}
	r.of.compromised = c.labels.of(e)
	c.take(&r)
}

// verdict labels the events that it is about.
func (c *Collector) verdict(e *event.Event, a *account) {
	if c.labels != nil || e.Action != event.IDPSignal || e.Code != event.ConfirmSafe && e.Code != event.ConfirmCompromised {
		return
	}
	c.verdicts++
	a.waiting = slices.DeleteFunc(a.waiting, func(r row) bool {
		about := r.time <= e.Time && r.time > e.Time-verdictReach
		if about {
			r.of.compromised = e.Code == event.ConfirmCompromised
			c.take(&r)
		}
		return about
	})
}

// settle takes the events up to a time as the owner's: no verdict has come.
func (c *Collector) settle(a *account, until event.Time) {
	a.waiting = slices.DeleteFunc(a.waiting, func(r row) bool {
		old := r.time <= until
		if old {
			c.take(&r)
		}
		return old
	})
}

// entries are what is open of an account.
func (c *Collector) entries(a *account) (entries []Entry, pinned bool) {
	if a.record == nil {
		return nil, false
	}
	for i := range a.record.Reasons {
		r := &a.record.Reasons[i]
		if r.HalfLife == 0 {
			return nil, true
		}
		if r.CoveredBy != "" || a.asOf >= r.ClearsAt {
			continue
		}
		left := r.LLR * math.Exp2(-float64(max(a.asOf-r.At, 0))/float64(r.HalfLife*1000))
		j, known := c.byName[r.Detection]
		if !known { // a rule's, which has its own weight: amounts are nats
			name := strings.Clone(r.Detection)
			j = c.addColumn(Column{Name: name, Group: slices.Index(event.Groups[:], r.Group), Weight: 1, Max: 1, Fixed: true})
		}
		if weight := c.columns[j].Weight; weight > 0 {
			entries = append(entries, Entry{Column: j, Amount: left / weight, Unconfirmed: r.Unconfirmed})
		}
	}
	return entries, false
}

// take counts an event of which it is known whose it was.
func (c *Collector) take(r *row) {
	c.events++
	if c.first == 0 || r.time < c.first {
		c.first = r.time
	}
	c.last = max(c.last, r.time)
	count := c.days[r.of]
	if count == nil {
		count = &dayCount{}
		c.days[r.of] = count
	}
	count.events++
	switch {
	case len(r.entries) == 0:
		count.bare++
	case r.of.compromised:
		c.rows = append(c.rows, *r)
	case c.sampled(r):
		c.rows = append(c.rows, *r)
		for c.benign++; c.benign > c.most && c.halved < maxHalved; {
			c.halve()
		}
	}
}

// sampled reports that a benign event is of the sample: by its id, so that the
// sample does not depend on the order of the events.
func (c *Collector) sampled(r *row) bool { return r.hash<<(64-c.halved) == 0 }

// maxHalved ends thinning out: what is left then is one event again and again.
const maxHalved = 32

func (c *Collector) halve() {
	c.halved++
	c.rows = slices.DeleteFunc(c.rows, func(r row) bool {
		drop := !r.of.compromised && !c.sampled(&r)
		if drop {
			c.benign--
		}
		return drop
	})
}

// finish makes examples of all that was collected, apart by day. Their order
// does not depend on that of the events.
func (c *Collector) finish() map[event.Time][]Example {
	for _, a := range c.users {
		c.settle(a, math.MaxInt64)
	}
	examples := map[event.Time][]Example{}
	for _, of := range slices.SortedFunc(maps.Keys(c.days), compareDays) {
		if count := c.days[of]; count.bare > 0 {
			examples[of.day] = append(examples[of.day], Example{
				Compromised: of.compromised, Weight: float64(count.bare) / float64(count.events),
			})
		}
	}
	slices.SortFunc(c.rows, func(a, b row) int {
		return cmp.Or(compareDays(a.of, b.of), cmp.Compare(a.time, b.time), cmp.Compare(a.hash, b.hash))
	})
	for i := range c.rows {
		r := &c.rows[i]
		weight := 1 / float64(c.days[r.of].events)
		if !r.of.compromised {
			weight *= float64(int(1) << c.halved)
		}
		examples[r.of.day] = append(examples[r.of.day], Example{r.entries, r.of.compromised, weight})
	}
	for day, list := range examples {
		examples[day] = joined(list)
	}
	return examples
}

// joined makes one example of all without evidence of a kind: they are most.
func joined(examples []Example) []Example {
	var bare [2]float64
	rest := examples[:0]
	for _, x := range examples {
		switch {
		case len(x.Entries) > 0:
			rest = append(rest, x)
		case x.Compromised:
			bare[1] += x.Weight
		default:
			bare[0] += x.Weight
		}
	}
	for kind, weight := range bare {
		if weight > 0 {
			rest = append(rest, Example{Compromised: kind == 1, Weight: weight})
		}
	}
	return rest
}

func compareDays(a, b accountDay) int {
	hand := func(d accountDay) int {
		if d.compromised {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.user, b.user), cmp.Compare(hand(a), hand(b)))
}
