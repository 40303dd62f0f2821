package detectors

import (
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

const mfaChangeAfterRisk = "mfa_change_after_risk"

// MFAChangeAfterRiskConfig holds the threshold of mfa_change_after_risk: how
// long after a sign-in from a new network a changed factor counts.
type MFAChangeAfterRiskConfig struct {
	Enabled bool          `yaml:"enabled"`
	Window  time.Duration `yaml:"window"`
}

const (
	// doubtfulChangeStrength: there is an everyday story. The browser is one
	// that the user has; or the user secures the account from home; or a help
	// desk does.
	doubtfulChangeStrength = 0.5

	maxArrivals = 3
)

// arrival is a sign-in from a network that was new to the subject.
type arrival struct {
	at      seconds // 0: an empty place
	source  uint32
	session uint16
	strange bool // the device was new too
}

// arrivals are the newest ones, unsorted.
type arrivals [maxArrivals]arrival

// factorChange is what became of the means to sign in.
type factorChange uint8

const (
	noChange factorChange = iota
	factorEnrolled
	factorRemoved
	credentialChanged
	passwordChanged
)

func (c factorChange) words() string {
	return [...]string{"", "Second factor enrolled", "Second factor removed", "Credential changed", "Password changed"}[c]
}

// changeOf reads an event. A password that is reset is left alone: the person
// is not in yet, or an administrator helps; what comes of it is seen as a
// sign-in.
func changeOf(e *event.Event) factorChange {
	if e.Outcome != event.Success || !byPerson(e) {
		return noChange
	}
	switch e.Action {
	case event.MFAEnroll:
		return factorEnrolled
	case event.MFARemove:
		return factorRemoved
	case event.CredentialChange:
		if namesPassword(e.Code) || namesPassword(e.Resource.Name) {
			return passwordChanged
		}
		return credentialChanged
	}
	return noChange
}

func namesPassword(s string) bool {
	for i := 0; i+len("password") <= len(s); i++ {
		if strings.EqualFold(s[i:i+len("password")], "password") {
			return true
		}
	}
	return false
}

// detectMFAChangeAfterRisk sees a factor that is enrolled or removed, or a
// credential that is changed, while the subject is at risk (medium or high), or
// within an hour of a sign-in from a new network, from there: how an attacker
// stays. A new phone on a known network is quiet.
//
// Users at risk are asked for a new password, so that one counts only when both
// network and device of the sign-in were new.
func (s *Set) detectMFAChangeAfterRisk(e *event.Event, c factorChange, at *sighting, m *Memory, before Standing, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MFAChangeAfterRisk
	if !cfg.Enabled {
		return out
	}
	came := m.arrivals.before(at, uint32(cfg.Window/time.Second))
	atRisk := before.Level >= event.Medium
	nowhere := at.source == 0 && at.session == 0
	strength := 0.0
	switch {
	case c == passwordChanged:
		if came != nil && came.strange {
			strength = doubtfulChangeStrength
		}
	case came != nil && (came.strange || atRisk):
		strength = 1
	case came != nil, atRisk && (nowhere || m.atHome(at)):
		strength = doubtfulChangeStrength
	case atRisk:
		strength = 1
	}
	if strength == 0 {
		return out
	}
	d := event.Detection{
		Name:     mfaChangeAfterRisk,
		Strength: strength,
		Key:      uint64(at.source)<<8 | uint64(c),
		Summary:  c.words() + " while the user is at risk (" + before.Level.String() + ")",
		Evidence: []event.Fact{event.Text("change", string(e.Action)), event.Text("level", before.Level.String())},
	}
	if came != nil {
		since := at.at.since(came.at)
		d.Summary = c.words() + " " + spoken(since) + " after a sign-in from a new network: " + placeOrNetwork(&e.Source)
		d.Evidence = append(d.Evidence,
			event.Number("minutes", float64(since)/60),
			event.Text("network", networkName(&e.Source)),
			event.Text("new_device", yesNo(came.strange)),
		)
	}
	return append(out, d)
}

// before returns the newest arrival of the window before the sighting that has
// its source network or session, or nil.
func (a *arrivals) before(at *sighting, window uint32) *arrival {
	var found *arrival
	session := fold16(at.session)
	for i := range a {
		b := &a[i]
		here := b.source != 0 && b.source == at.source || b.session != 0 && b.session == session
		if b.at != 0 && here && b.at <= at.at && at.at.since(b.at) <= window && (found == nil || b.at > found.at) {
			found = b
		}
	}
	return found
}

// noteArrival remembers a sign-in from a network that is new to the subject. It
// is to be asked before the sign-in teaches that network.
func (m *Memory) noteArrival(at *sighting) {
	if at.network == 0 || count(m.networks[:]) == 0 || m.knowsNetwork(at) || m.ownDevice(at) {
		return
	}
	oldest := &m.arrivals[0]
	for i := range m.arrivals {
		if a := &m.arrivals[i]; a.at < oldest.at {
			oldest = a
		}
	}
	if at.at >= oldest.at {
		*oldest = arrival{at: at.at, source: at.source, session: fold16(at.session), strange: at.device() != 0 && !m.knowsDevice(at)}
	}
}

// trustSource forgets the arrivals from a source where the user has proven to
// be the user.
func (a *arrivals) trustSource(source uint32) {
	for i := range a {
		if source != 0 && a[i].source == source {
			a[i] = arrival{}
		}
	}
}

// forgetBefore drops the arrivals before a moment.
func (a *arrivals) forgetBefore(t seconds) {
	for i := range a {
		if a[i].at < t {
			a[i] = arrival{}
		}
	}
}
