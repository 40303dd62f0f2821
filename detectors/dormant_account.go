package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const dormantAccount = "dormant_account"

// DormantAccountConfig holds the threshold of dormant_account.
type DormantAccountConfig struct {
	Enabled bool          `yaml:"enabled"`
	Absence time.Duration `yaml:"absence"` // without any activity; longer for users who were away for longer before
}

const (
	// knownDeviceStrength: whoever is back from leave brings the laptop, but
	// perhaps to another home.
	knownDeviceStrength = 0.25

	// knownNetworkStrength: whoever is back gets another laptop; so does
	// nobody else at that place, or hardly.
	knownNetworkStrength = 0.5
)

// absence is how long the subject has been away, now and before. Days are as
// seconds.day gives them.
type absence struct {
	active  uint16 // the newest day with a success other than a sign-in, if no sign-in was learned since
	longest uint8  // the longest absence that the subject has come back from, in days; 0: none worth the name
}

// shortAbsence is as many days without a sign-in as need no explanation.
const shortAbsence = 7

// detectDormantAccount sees a sign-in after an absence that is long for this
// user too, on a device or network that the user is not known by: accounts that
// nobody looks at are taken over, and come back from elsewhere. People who
// return from leave come back to what they had.
//
// A challenged sign-in ends no absence, or the intruder's next one would look
// harmless and teach; but that one is no first sign of life any more.
func (s *Set) detectDormantAccount(e *event.Event, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	last := max(m.progress.day, m.absence.active)
	if !s.cfg.DormantAccount.Enabled || last == 0 || at.at.day() <= last {
		return out
	}
	away, usual := at.at.day()-last, uint16(m.absence.longest)
	threshold := max(uint16(s.cfg.DormantAccount.Absence/(24*time.Hour)), usual+usual/4)
	strength := m.strangeReturn(at)
	if away <= threshold || strength == 0 {
		return out
	}
	life := "First sign of life for"
	if m.pending.newestDay() > last {
		life = "Nothing but challenged sign-ins for"
	}
	return append(out, event.Detection{
		Name:     dormantAccount,
		Strength: strength,
		Key:      uint64(at.network)<<32 | uint64(at.device()),
		Summary:  fmt.Sprintf("%s %d days, on %s from %s", life, away, deviceName(e), networkName(&e.Source)),
		Evidence: []event.Fact{
			event.Number("days_away", float64(away)),
			event.Number("longest_before", float64(usual)),
			event.Text("known_device", yesNo(m.acceptsDevice(at))),
			event.Text("known_network", yesNo(m.knowsNetwork(at))),
		},
	})
}

// newestDay is that of the newest sign-in that waits; 0 for none.
func (p *pending) newestDay() uint16 {
	var newest seconds
	for i := range p {
		newest = max(newest, p[i].at)
	}
	if newest == 0 {
		return 0
	}
	return newest.day()
}

// strangeReturn is how little the place of a return is the subject's own: 0
// where the subject is at home, or the log tells neither device nor network.
func (m *Memory) strangeReturn(at *sighting) float64 {
	newDevice := at.device() != 0 && !m.acceptsDevice(at)
	newNetwork := at.network != 0 && !m.knowsNetwork(at)
	switch {
	case newDevice && newNetwork:
		return 1
	case newDevice:
		return knownNetworkStrength
	case newNetwork:
		return knownDeviceStrength
	}
	return 0
}

// noteActivity takes in that the account is in use, though nobody signs in: a
// phone that fetches mail does so for months on one sign-in. What may belong to
// the sign-in of a return, such as its second factor, is none.
func (m *Memory) noteActivity(e *event.Event) {
	if e.Outcome != event.Success || !byPerson(e) {
		return
	}
	switch e.Action {
	case event.TokenRefresh, event.Access, event.Download, event.Write, event.Delete:
		if day := secondsOf(e.Time).day(); day > m.progress.day {
			m.absence.active = max(m.absence.active, day)
		}
	}
}

// end takes in that the subject is back on a day, after the newest day on which
// a sign-in was learned.
func (a *absence) end(day, learned uint16) {
	last := max(learned, a.active)
	if last == 0 || day < last {
		return
	}
	a.active = 0
	if away := day - last; away > shortAbsence {
		a.longest = uint8(max(uint16(a.longest), min(away, 255)))
	}
}
