package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const unsanctionedApp = event.UnsanctionedApp

// UnsanctionedAppConfig holds the thresholds of unsanctioned_app, which are
// ours. Microsoft Defender for Cloud Apps alarms at more than 50 users a day,
// which a small organisation never reaches.
type UnsanctionedAppConfig struct {
	Enabled bool          `yaml:"enabled"`
	Users   int           `yaml:"users"`  // at least so many begin to use it …
	Window  time.Duration `yaml:"window"` // … within this time
	Age     time.Duration `yaml:"age"`    // an application that was first seen so long ago is no longer new
}

// Sizes of AppMemory.
const (
	maxBeginners      = 64 // who comes later is not told
	maxNamedBeginners = 16
)

// unknownSanctionStrength is for applications of which nobody has said that
// they are not sanctioned.
const unknownSanctionStrength = 0.5

// AppMemory is what the source lane remembers of an application: who has begun
// to use it, while it is new. It has a fixed size and holds no pointers; the
// zero value is an application never seen.
type AppMemory struct {
	newest    seconds // newest event time
	first     seconds // when it was first seen
	isNew     bool    // the organisation says so
	closed    bool    // it is not, or no longer; nothing else is remembered
	beginners [maxBeginners]guest
	count     uint8
	named     [maxNamedBeginners]named
}

// DetectApp takes an activity into the memory of its application and appends
// what follows: signals to those who have begun to use it, and the question to
// the organisation whether it is new. It depends on its arguments and the
// configuration only.
func (s *Set) DetectApp(e *event.Event, m *AppMemory, out []event.Event) []event.Event {
	cfg := &s.cfg.UnsanctionedApp
	if !cfg.Enabled || m.closed {
		return out
	}
	if e.Kind == event.KindSignal {
		if m.isNew = e.Code == event.NoteNewApp; !m.isNew {
			m.close()
			return out
		}
		return s.tellBeginners(e, m, 0, out)
	}
	at := secondsOf(e.Time)
	m.newest = max(m.newest, at)
	if m.first == 0 {
		m.first = at
		note := noteOf(e, event.NoteAppSeen)
		note.App = e.App
		out = append(out, note)
	}
	if m.newest.since(m.first) > uint32(cfg.Age/time.Second) {
		m.close()
		return out
	}
	user := userOf(e)
	if !m.begins(user, at) {
		return out
	}
	addName(m.named[:], e.User.Subject, at)
	return s.tellBeginners(e, m, user, out)
}

// close forgets everything but that there is nothing to see.
func (m *AppMemory) close() { *m = AppMemory{newest: m.newest, first: m.first, closed: true} }

// begins notes that a user uses the application; false when there is no room
// left.
func (m *AppMemory) begins(user uint32, at seconds) bool {
	for i := range m.beginners[:m.count] {
		if b := &m.beginners[i]; b.user == user {
			b.at = min(b.at, at)
			return true
		}
	}
	if m.count == maxBeginners {
		return false
	}
	m.beginners[m.count] = guest{user: user, at: at}
	m.count++
	return true
}

// tellBeginners tells those who have begun to use an application that gains
// users, once each: the user of the event, and those whose names are known.
func (s *Set) tellBeginners(e *event.Event, m *AppMemory, user uint32, out []event.Event) []event.Event {
	cfg := &s.cfg.UnsanctionedApp
	gained := 0
	for i := range m.beginners[:m.count] {
		if m.newest.since(m.beginners[i].at) <= uint32(cfg.Window/time.Second) {
			gained++
		}
	}
	if !m.isNew || gained < cfg.Users {
		return out
	}
	for i := range m.named {
		if n := &m.named[i]; n.len != 0 {
			out = m.tell(e, n.subject(), fold(event.Hash(n.subject())), out)
		}
	}
	if user != 0 {
		out = m.tell(e, e.User.Subject, user, out)
	}
	return out
}

func (m *AppMemory) tell(e *event.Event, subject string, user uint32, out []event.Event) []event.Event {
	for i := range m.beginners[:m.count] {
		b := &m.beginners[i]
		if b.user != user || b.told {
			continue
		}
		b.told = true
		signal := signalOf(e, unsanctionedApp, subject, appOf(&e.App), m.first)
		signal.App = e.App
		signal.Signal = event.Signal{Users: uint32(m.count), Since: m.first.time(), SignedIn: b.at.time()}
		return append(out, signal)
	}
	return out
}

// appOf identifies an application.
func appOf(a *event.App) string {
	if a.ID != "" {
		return a.ID
	}
	return a.Name
}

// ForgetName forgets the name of a user of the application, and reports whether
// it was there.
func (m *AppMemory) ForgetName(subject string) (was bool) { return forgetName(m.named[:], subject) }

func appEvidence(e *event.Event) event.Detection {
	name := e.App.Name
	if name == "" {
		name = e.App.ID
	}
	d := event.Detection{
		Name:     unsanctionedApp,
		Strength: 1,
		Key:      event.Hash(appOf(&e.App)),
		Summary:  fmt.Sprintf("Use of %s, which is not sanctioned and was first seen on %s; %s so far", name, e.Signal.Since.String()[:len("2006-01-02")], plural(e.Signal.Users, "user")),
		Evidence: []event.Fact{
			event.Text("app", name),
			event.Number("users", float64(e.Signal.Users)),
			event.Text("first_seen", e.Signal.Since.String()),
			event.Text("began", e.Signal.SignedIn.String()),
		},
	}
	if e.App.Sanctioned != event.False {
		d.Strength = unknownSanctionStrength
		d.Summary = fmt.Sprintf("Use of %s, which nobody has sanctioned and was first seen on %s; %s so far", name, e.Signal.Since.String()[:len("2006-01-02")], plural(e.Signal.Users, "user"))
	}
	return d
}
