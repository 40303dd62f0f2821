package simulate

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// TopicFiles is the topic of a population's file store, whose gateway logs in
// the Elastic Common Schema.
const TopicFiles = "idp.files"

// PopulationConfig says which population NewPopulation makes. The zero value
// has 300 people over 70 days.
type PopulationConfig struct {
	Seed  uint64
	Start event.Time // midnight (UTC) of the first day; 0 is DefaultStart

	Users int // people; 0 is 300; between MinUsers and MaxUsers
	Days  int // 0 is 70; at least MinDays, at most MaxDays

	// QuietDays at the beginning have no attack, so that there is something to
	// learn from; 0 is 21. At most half of the days.
	QuietDays int
	// Attacks is how many takeovers there are for each 100 people, shared out
	// evenly among the kinds; 0 is 28, negative is none.
	Attacks int
}

// Bounds of PopulationConfig.Days: in fewer nothing is learned, and for more
// than two years nobody's devices last.
const (
	MinDays = 14
	MaxDays = 730
)

func (c PopulationConfig) withDefaults() PopulationConfig {
	if c.Start == 0 {
		c.Start = DefaultStart
	}
	c.Start = midnight(c.Start)
	if c.Users == 0 {
		c.Users = 300
	}
	c.Users = min(max(c.Users, MinUsers), MaxUsers)
	if c.Days == 0 {
		c.Days = 70
	}
	c.Days = min(max(c.Days, MinDays), MaxDays)
	if c.QuietDays <= 0 {
		c.QuietDays = 21
	}
	c.QuietDays = min(c.QuietDays, c.Days/2)
	if c.Attacks == 0 {
		c.Attacks = 28
	}
	return c
}

// Population is a company over a finite span of days, with attackers and with
// all that looks like them: what detectors are measured on. Each record's Truth
// says what it is. Unlike Company's, its events happen at their true hours and
// nobody is cast by hand. It is not safe for concurrent use.
type Population struct {
	config    PopulationConfig
	world     *world
	people    []resident
	kiosks    map[*town]*device
	campaigns []campaign
	underway  int // campaigns before it have begun

	plan   []step // in time order; those before next are done
	next   int
	day    int // the next one to plan
	draw   *rand.Rand
	source *rand.PCG
	scribe scribe
}

// NewPopulation makes a population. The same configuration gives the same
// bytes.
func NewPopulation(config PopulationConfig) *Population {
	config = config.withDefaults()
	source := rand.NewPCG(0, 0)
	p := &Population{
		config: config, world: newWorld(), kiosks: map[*town]*device{},
		source: source, draw: rand.New(source), scribe: newScribe(config.Seed),
	}
	for i, t := range p.world.towns {
		p.kiosks[t] = &device{software: chromeWindows, mark: mix(config.Seed, saltKiosk, uint64(i)), late: 30 * event.Day, clearing: event.Day}
	}
	p.people = make([]resident, config.Users)
	for i := range p.people {
		p.people[i] = p.newResident(uint64(i))
	}
	p.planCampaigns()
	return p
}

// Start is the first day's midnight, End the last one's end.
func (p *Population) Start() event.Time { return p.config.Start }

// End is when the span ends: every record is before it.
func (p *Population) End() event.Time {
	return p.config.Start + event.Time(p.config.Days)*event.Day
}

// AttacksFrom is when the quiet days end.
func (p *Population) AttacksFrom() event.Time {
	return p.config.Start + event.Time(p.config.QuietDays)*event.Day
}

// Users lists the people's canonical users. An account that no record names is
// in it too.
func (p *Population) Users() []string {
	users := make([]string, len(p.people))
	for i := range p.people {
		users[i] = p.people[i].email
	}
	return users
}

// Next is the next record in time order; false at the end.
func (p *Population) Next() (Record, bool) {
	for p.next == len(p.plan) || p.plan[p.next].at >= p.horizon() {
		if p.day > p.config.Days {
			return Record{}, false
		}
		p.planDay()
	}
	s := &p.plan[p.next]
	p.next++
	r := p.scribe.write(s)
	r.Label = Ordinary
	r.Truth = s.truth.truth()
	r.Truth.EventID = p.scribe.id
	r.Truth.User = s.p.email
	r.Truth.InHands = s.at >= s.r.handsFrom && s.at < s.r.handsUntil
	switch {
	case r.Truth.Attack != "":
		r.Label = r.Truth.Attack
	case r.Truth.Story != "":
		r.Label = r.Truth.Story
	}
	return r, true
}

// horizon is the time before which all steps are planned: no day that is still
// to be planned begins before it anywhere.
func (p *Population) horizon() event.Time {
	if p.day > p.config.Days {
		return p.End()
	}
	return min(p.config.Start+event.Time(p.day)*event.Day-farthestEast, p.End())
}

// planDay plans one date of everybody's.
func (p *Population) planDay() {
	rest := p.plan[p.next:]
	p.plan = append(p.plan[:0], rest...)
	p.next = 0
	date := p.config.Start + event.Time(p.day)*event.Day
	p.day++
	for i := range p.people {
		r := &p.people[i]
		if !r.working(date) {
			continue
		}
		p.reseed(uint64(date), saltPeople, r.number)
		(&agenda{p: p, r: r, date: date}).live()
	}
	for ; p.underway < len(p.campaigns) && p.campaigns[p.underway].at < p.horizon()+event.Day; p.underway++ {
		p.launch(&p.campaigns[p.underway])
	}
	p.plan = slices.DeleteFunc(p.plan, func(s step) bool { return s.at < p.config.Start || s.at >= p.End() })
	slices.SortStableFunc(p.plan, func(a, b step) int { return cmp.Compare(a.at, b.at) })
}

// reseed makes what is drawn next a function of the seed and the words alone.
func (p *Population) reseed(words ...uint64) { p.source.Seed(p.config.Seed, mix(words...)) }

// Directory is the company's directory file: it joins the providers' ids to
// the people, and names the offices and the networks of carriers and planes.
func (p *Population) Directory() []byte {
	b := []byte("users:\n")
	for i := range p.people {
		r := &p.people[i]
		b = fmt.Appendf(b, "  - {name: %s, kind: human, aliases: [%q, %q, %q]}\n", r.email, "okta:"+r.okta, "entra:"+r.entra, "keycloak:"+r.keycloak)
	}
	b = append(b, "networks:\n"...)
	for _, t := range p.world.towns {
		if t.office != nil {
			b = fmt.Appendf(b, "  - {cidr: %s, corporate: true, name: %s office}\n", t.office.prefix, t.city)
		}
	}
	for i := range p.world.rows {
		if r := &p.world.rows[i]; r.kind != "" {
			b = fmt.Appendf(b, "  - {cidr: %s, as_type: %s}\n", r.prefix, r.kind)
		}
	}
	return b
}

// populationConfig is the configuration file. Places are the logs' own, which
// change their minds about an address as databases do.
const populationConfig = `sources:
  - {topic: ` + TopicOkta + `, format: okta}
  - {topic: ` + TopicEntra + `, format: entra}
  - {topic: ` + TopicKeycloak + `, format: keycloak}
  - {topic: ` + TopicFiles + `, format: ecs}
geoip:
  asn: asn.mmdb
  anonymous: anonymous.mmdb
directory: directory.yaml
`

// WriteConfiguration writes what riskstream needs to read the population's logs
// into a directory: riskstream.yaml, whose path it returns, and all that it names.
func (p *Population) WriteConfiguration(dir string) (file string, err error) {
	asn, anonymous, err := p.world.databases()
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "riskstream.yaml")
	for name, data := range map[string][]byte{
		file:                                 []byte(populationConfig),
		filepath.Join(dir, "directory.yaml"): p.Directory(),
		filepath.Join(dir, "asn.mmdb"):       asn,
		filepath.Join(dir, "anonymous.mmdb"): anonymous,
	} {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			return "", err
		}
	}
	return file, nil
}
