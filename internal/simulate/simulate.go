// Package simulate is a small company whose people sign in over working days,
// and the few attackers that go for it. It writes what the identity providers
// would have logged, in their own shapes: Okta System Log, Microsoft Entra
// sign-in logs in their Azure Monitor envelope, and Keycloak listener events.
//
// Company feeds the demo and load tests; Population is a larger company over
// some weeks, with labels, that detectors are measured on (population.go). The
// same configuration gives the same bytes, and no clock is read.
//
// A Company's life has two phases. Quiet history comes first: enough working
// days for every baseline to be learned. From LiveFrom on, the live phase
// squeezes working days into spans of LiveSpan, and in the first of them each
// Story is told once, by one person whose whole part in the live phase it is.
package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/riskstream/riskstream/event"
)

// Topics that the records go to, one per identity provider.
const (
	TopicOkta     = "idp.okta"
	TopicEntra    = "idp.entra"
	TopicKeycloak = "idp.keycloak"
)

// Bounds of Config.Users: fewer people than MinUsers cannot tell every story,
// and MaxUsers keeps the company within some 100 MB.
const (
	MinUsers = 12
	MaxUsers = 100_000
)

// DefaultStart of the history: 2026-01-05T00:00:00Z, a Monday.
const DefaultStart event.Time = 1767571200000

// StartFor is the Start of a company whose history is so long and whose live
// phase begins at the given moment, as the demo wants it to happen now.
func StartFor(live time.Time, history event.Time) event.Time {
	return event.TimeOf(live) - history
}

// Config of a Company. The zero value is a company of 40 people.
type Config struct {
	Seed uint64

	// Start of the history; 0 is DefaultStart.
	Start event.Time

	// Users is the number of people; three service accounts come on top. 0 is
	// 40; other numbers are brought between MinUsers and MaxUsers.
	Users int

	// QuietDays is the length of the history in days of 24 hours. 0 is 21:
	// 15 working days, more than the 10 sign-ins after which novelty counts.
	QuietDays int

	// LiveSpan is how long one working day of the live phase takes; 0 is
	// 10 minutes, and it is never less than one.
	LiveSpan time.Duration
}

func (c Config) withDefaults() Config {
	if c.Start == 0 {
		c.Start = DefaultStart
	}
	if c.Users == 0 {
		c.Users = 40
	}
	c.Users = min(max(c.Users, MinUsers), MaxUsers)
	if c.QuietDays <= 0 {
		c.QuietDays = 21
	}
	if c.LiveSpan == 0 {
		c.LiveSpan = 10 * time.Minute
	}
	c.LiveSpan = max(c.LiveSpan, time.Minute)
	return c
}

// Record is one record as an identity provider's connector would produce it,
// without a key.
type Record struct {
	Topic string
	Time  event.Time // of the event in it; of the last one where it holds several
	Value []byte     // JSON; the caller may keep it
	Label string     // the Story it belongs to, or Ordinary
	Truth Truth      // of a Population's records
}

// Company is the simulated company. It is not safe for concurrent use.
type Company struct {
	config   Config
	liveFrom event.Time
	people   []person
	services []service
	stories  []Story

	plan    []step // in time order; those before next are done
	next    int
	horizon event.Time // every step before it has been planned
	draw    *rand.Rand // what happens: seeded anew for each person and day
	source  *rand.PCG  // behind draw
	scribe  scribe
}

// New founds the company.
func New(config Config) *Company {
	config = config.withDefaults()
	source := rand.NewPCG(0, 0)
	c := &Company{
		config:   config,
		liveFrom: config.Start + event.Time(config.QuietDays)*event.Day,
		source:   source,
		draw:     rand.New(source),
		scribe:   newScribe(config.Seed),
	}
	c.people = hire(config.Seed, config.Users)
	c.services = install(config.Seed)
	c.stories = c.cast()
	c.horizon = midnight(config.Start) - farthestEast
	return c
}

// LiveFrom is when the quiet history ends and the live phase begins.
func (c *Company) LiveFrom() event.Time { return c.liveFrom }

// Next is the next record in time order. The company never ends.
func (c *Company) Next() Record {
	for c.next == len(c.plan) || c.plan[c.next].at >= c.horizon {
		c.planAhead()
	}
	s := &c.plan[c.next]
	c.next++
	return c.record(s)
}

// Take is the next n records.
func (c *Company) Take(n int) []Record {
	records := make([]Record, 0, max(n, 0))
	for len(records) < n {
		records = append(records, c.Next())
	}
	return records
}

// planAhead plans one more day, or one more span of the live phase. Days
// overlap, since people live in different time zones: what lies beyond the new
// horizon waits until the next day is planned too.
func (c *Company) planAhead() {
	rest := c.plan[c.next:]
	c.plan = append(c.plan[:0], rest...)
	c.next = 0
	if c.horizon < c.liveFrom {
		c.planHistory()
	} else {
		c.planLive()
	}
	slices.SortStableFunc(c.plan, func(a, b step) int { return cmp.Compare(a.at, b.at) })
}

func (c *Company) planHistory() {
	day := c.horizon + farthestEast
	for i := range c.people {
		p := &c.people[i]
		c.seed(uint64(day), saltPeople, p.number)
		c.day(p, day)
	}
	for i := range c.services {
		c.seed(uint64(day), saltServices, uint64(i))
		c.shift(&c.services[i], window{from: day, num: 1, den: 1})
	}
	c.horizon = min(c.horizon+event.Day, c.liveFrom)
	c.plan = slices.DeleteFunc(c.plan, func(s step) bool {
		return s.at < c.config.Start || s.at >= c.liveFrom || c.travelling(&s)
	})
}

func (c *Company) span() event.Time { return event.Time(c.config.LiveSpan.Milliseconds()) }

func (c *Company) planLive() {
	from, span := c.horizon, c.span()
	for i := range c.people {
		p := &c.people[i]
		if p.story != 0 {
			continue
		}
		c.seed(uint64(from), saltPeople, p.number)
		c.workday(p, squeezed(from, span))
	}
	for i := range c.services {
		c.seed(uint64(from), saltServices, uint64(i))
		c.shift(&c.services[i], window{from: from, num: int64(span), den: int64(event.Day)})
	}
	if from == c.liveFrom {
		c.tellStories()
	}
	c.horizon += span
}

// seed makes what is drawn next a function of the company's seed and the given
// words alone, so that nobody's day depends on how many colleagues there are.
func (c *Company) seed(words ...uint64) {
	c.source.Seed(c.config.Seed, mix(words...))
}

// record writes one step and says which story it is of.
func (c *Company) record(s *step) Record {
	r := c.scribe.write(s)
	if r.Label = Ordinary; s.story != 0 {
		r.Label = c.stories[s.story-1].Name
	}
	return r
}
