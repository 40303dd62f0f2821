package detectors

import (
	"fmt"
	"math"

	"github.com/riskstream/riskstream/event"
)

const (
	unfamiliarSignIn = "unfamiliar_sign_in"
	maxSources       = 8
	sourcesPerDay    = 4 // most new source networks learned in a day (UTC)
)

// UnfamiliarSignInConfig holds the threshold of unfamiliar_sign_in.
type UnfamiliarSignInConfig struct {
	Enabled bool    `yaml:"enabled"`
	MinNats float64 `yaml:"min_nats"` // how much likelier, as a logarithm, somebody else must be
}

// mostUnfamiliar is the evidence, in nats, at which the strength is 1. More
// would say more than the priors can bear.
const mostUnfamiliar = 4

// The priors of the model: what is held of people and of attackers before the
// subject's own history is looked at. A subject's lane sees nobody else, so
// they are numbers and no counts. All are ours, in the order of size of what
// the weights say of new_country and new_device; refit them with the weights.
const (
	// priorDays is how many days of the subject's own the priors for people
	// weigh as much as.
	priorDays = 20

	// halfKnown is after how many days a value is half as telling as one that the
	// subject has always had: what was seen once may be an attacker's.
	halfKnown = 1

	// How often a person signs in, in a day, from something new.
	personNewSource  = 0.3 // dynamic addresses, phones
	personNewNetwork = 0.04
	personNewCountry = 1.0 / 300
	personNewDevice  = 0.02
	personNewBrowser = 0.03 // a cookie that is gone is a new one
	personNewSystem  = 0.006

	// The share of attackers for whom the closest thing that they have in common
	// with the victim's habits is …
	attackerOfNothing = 0.6  // another country
	attackerOfCountry = 0.3  // a network in the same country
	attackerOfNetwork = 0.09 // an address of the same provider
	attackerOfSource  = 0.01 // the very address

	attackerOfNoSystem = 0.4
	attackerOfSystem   = 0.3
	attackerOfBrowser  = 0.3  // there are few, and they are easily imitated
	attackerOfCookie   = 0.02 // stolen with the password
	attackerOfDevice   = 0.005
)

// level is one level of a feature: the country, say, of the network.
type level struct {
	days     uint8   // on which the subject had this value; 0: never
	newness  float64 // how often, in a day, the subject has a new one
	attacker float64 // the share of attackers that have this in common with the subject and no more
}

// detectUnfamiliarSignIn weighs how well network and client fit the subject, as
// Freeman et al. do (Who Are You?, NDSS 2016): the likelihood of what is seen
// if it is somebody else over that if it is the subject, where what fits speaks
// for the subject. Both features are hierarchies (source network, network,
// country; device or browser, operating system), so that what is new may still
// be new in a familiar way. A known device at a known address is quiet.
func (s *Set) detectUnfamiliarSignIn(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := &s.cfg.UnfamiliarSignIn
	if !cfg.Enabled || m.knowsDevice(at) && m.knowsSource(at) {
		return out
	}
	network, client := m.networkOddity(at), m.clientOddity(at)
	odd := network + client
	if odd < cfg.MinNats {
		return out
	}
	d := event.Detection{
		Name:     unfamiliarSignIn,
		Strength: math.Round(min(odd/mostUnfamiliar, 1)*100) / 100,
		Key:      uint64(at.network)<<32 | uint64(at.device()),
		Summary:  fmt.Sprintf("Unlike this user: %s, %s; %s likelier to be somebody else", m.networkWords(at), m.clientWords(at), times(odd)),
		Evidence: []event.Fact{
			event.Number("likelihood_ratio", min(math.Exp(odd), mostRatio)),
			event.Number("network_ratio", min(math.Exp(network), mostRatio)),
			event.Number("device_ratio", min(math.Exp(client), mostRatio)),
			event.Number("days_known", m.daysKnown()),
		},
	}
	if at.network != 0 {
		d.Evidence = append(d.Evidence, event.Text("network", networkName(&e.Source)))
	}
	if at.device() != 0 {
		d.Evidence = append(d.Evidence, event.Text("device", deviceName(e)))
	}
	return append(out, d)
}

// networkOddity is how much likelier, as a logarithm, an attacker comes from
// here than the subject; below 0 where the subject is likelier. A corporate
// network is the subject's own. Nothing is said where nothing is known.
func (m *Memory) networkOddity(at *sighting) float64 {
	if at.network == 0 || count(m.networks[:]) == 0 {
		return 0
	}
	if at.is(corporate) {
		return math.Log(attackerOfSource)
	}
	var levels [3]level
	n := 0
	if m.tellsCountry(at) {
		levels[n] = m.levelOf(m.countries[:], uint32(at.country), personNewCountry, attackerOfCountry)
		n++
	}
	levels[n] = m.levelOf(m.networks[:], at.network, personNewNetwork, attackerOfNetwork)
	n++
	if at.source != 0 && count(m.sources[:]) > 0 {
		levels[n] = m.levelOf(m.sources[:], at.sourceKey(), personNewSource, attackerOfSource)
		n++
	}
	return m.oddity(levels[:n], attackerOfNothing)
}

// tellsCountry reports that the country of the address is one that new_country
// would judge.
func (m *Memory) tellsCountry(at *sighting) bool {
	return at.country != 0 && !at.is(satellite) && !m.usesAnonymiser(at) && count(m.countries[:]) > 0
}

// clientOddity is the same for device, browser and operating system. The finest
// level is the registered device, else the provider's cookie, else the kind of
// browser; a registered device that is new does not make its known browser odd,
// and a strange cookie says nothing of who uses private windows.
func (m *Memory) clientOddity(at *sighting) float64 {
	if at.device() == 0 || count(m.devices[:]) == 0 {
		return 0
	}
	var levels [3]level
	n := 0
	if days, systems := m.daysOfSystem(at.os); at.os != 0 && systems > 0 {
		levels[n] = level{days, m.newness(systems, personNewSystem), attackerOfSystem}
		n++
	}
	if at.bound != 0 && (find(m.devices[:], at.bound) != nil || !m.browsers.knows(at)) {
		levels[n] = m.levelOf(m.devices[:], at.bound, personNewDevice, attackerOfDevice)
		return m.oddity(levels[:n+1], attackerOfNoSystem)
	}
	levels[n] = m.levelOf(m.devices[:], at.family, personNewDevice, attackerOfBrowser)
	if m.outdated(at) {
		levels[n].days = 0
	}
	n++
	if m.byCookie(at) || m.browsers.knows(at) {
		levels[n] = m.levelOf(m.browsers[:], uint32(at.browser), personNewBrowser, attackerOfCookie)
		n++
	}
	return m.oddity(levels[:n], attackerOfNoSystem)
}

// oddity is the log-likelihood ratio of a feature, whose levels come coarsest
// first.
//
// For the subject it is Freeman's sum over the levels of weight × share of the
// days on which the subject had this value. The weights are the subject's own:
// how often something is new at the next finer level, but not at this one. For
// attackers it is the share that have as much in common with the subject; a
// value that was seen on few days counts as common only in part. What is known
// to the finest level never speaks against the subject.
func (m *Memory) oddity(levels []level, attacker float64) float64 {
	days := max(m.daysKnown(), 1)
	newness := levels[0].newness
	subject := newness
	for i := range levels {
		l := &levels[i]
		finer := 1.0
		if i+1 < len(levels) {
			finer = max(levels[i+1].newness, newness)
		}
		seen := float64(l.days)
		subject += float64((finer - newness) * min(seen/days, 1))
		known := seen / (seen + halfKnown)
		attacker = float64(known*l.attacker) + float64((1-known)*attacker)
		newness = finer
	}
	odd := math.Log(attacker / subject)
	if levels[len(levels)-1].days > 0 {
		return min(odd, 0)
	}
	return odd
}

func (m *Memory) levelOf(known []familiar, key uint32, newness, attacker float64) level {
	l := level{newness: m.newness(count(known), newness), attacker: attacker}
	if f := find(known, key); f != nil {
		l.days = f.days
	}
	return l
}

// newness estimates how often, in a day, the subject has a new value, from how
// many it has had beyond the first, and the prior.
func (m *Memory) newness(known int, prior float64) float64 {
	return (float64(max(known-1, 0)) + priorDays*prior) / (m.daysKnown() + priorDays)
}

// daysKnown is on how many days something was learned of the subject. What was
// remembered before these were counted tells it by what was seen most.
func (m *Memory) daysKnown() float64 {
	days := m.progress.days
	for i := range m.devices {
		days = max(days, m.devices[i].days)
	}
	for i := range m.networks {
		days = max(days, m.networks[i].days)
	}
	return float64(days)
}

func (m *Memory) knowsSource(at *sighting) bool {
	return at.is(corporate) || find(m.sources[:], at.sourceKey()) != nil
}

// daysOfSystem is on how many days the subject used an operating system, at
// most, and how many different ones are known.
func (m *Memory) daysOfSystem(os uint8) (days uint8, systems int) {
	for i := range m.devices {
		f := &m.devices[i]
		if f.os() == 0 {
			continue
		}
		if f.os() == os {
			days = max(days, f.days)
		}
		first := true
		for j := range i {
			first = first && m.devices[j].os() != f.os()
		}
		if first {
			systems++
		}
	}
	return days, systems
}

// os is the mark of a device's operating system; 0 where the log told none.
func (f *familiar) os() uint8 { return uint8(f.kinds) }

func (f *familiar) setOS(mark uint8) {
	if mark != 0 {
		f.kinds = kinds(mark)
	}
}

// teachSource learns the source network. Tor's exits are other people's.
func (m *Memory) teachSource(at *sighting) {
	if at.kinds != kindTor && !at.is(corporate) {
		learnSlowly(m.sources[:], at.sourceKey(), at.at.day(), sourcesPerDay)
	}
}

// sourceKey identifies the source network in the 16 bits that are kept of it.
func (s *sighting) sourceKey() uint32 { return uint32(fold16(s.source)) }

// networkWords says what is known of where a sign-in comes from.
func (m *Memory) networkWords(at *sighting) string {
	tellsCountry := m.tellsCountry(at)
	switch {
	case at.network == 0:
		return "no address"
	case m.knowsNetwork(at) && m.knowsSource(at):
		return "a known address"
	case m.knowsNetwork(at) && tellsCountry && !m.knowsCountry(at):
		return "a known network in a new country"
	case m.knowsNetwork(at):
		return "a new address in a known network"
	case !tellsCountry:
		return "a new network"
	case m.knowsCountry(at):
		return "a new network in a known country"
	}
	return "a new network in a new country"
}

// clientWords says what is known of the device.
func (m *Memory) clientWords(at *sighting) string {
	days, systems := m.daysOfSystem(at.os)
	switch {
	case at.device() == 0:
		return "no device named"
	case m.knowsDevice(at):
		return "a known device"
	case m.knowsKind(at):
		return "a new browser of a known kind"
	case at.os != 0 && days > 0:
		return "a new device of a known system"
	case at.os != 0 && systems > 0:
		return "a new device of a new system"
	}
	return "a new device"
}

// mostRatio bounds the likelihood ratios that are told.
const mostRatio = 1000

// times says how much likelier a log-likelihood ratio makes something.
func times(nats float64) string {
	ratio := math.Exp(nats)
	switch {
	case ratio >= mostRatio:
		return "more than 1,000 times"
	case ratio >= 10:
		return grouped(ratio) + " times"
	}
	return fmt.Sprintf("%.1f times", ratio)
}
