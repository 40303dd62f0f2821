package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const (
	maxOpened    = 20 // known to be used
	maxFreshApps = 8  // seen for the first time a short while ago

	// appsAge is for how long apps must have been seen until new ones mean
	// something: else all would be new when a log is first read. Ours.
	appsAge = 7 * 24 * time.Hour
)

// opened are the apps that the user opens. They are the part of mass_access that
// sees many new ones at once. (A detector that sees a single new app has the
// same need of a set of known ones: known can be its set then, and only fresh
// remains here.)
type opened struct {
	known [maxOpened]uint16 // the one used last is first; 0: an empty place
	since uint16            // the day on which the first one was seen
	fresh [maxFreshApps]freshApp
}

// freshApp is an app that was new to the user. It stays one for as long as it
// is remembered, whether or not it has been learned since.
type freshApp struct {
	at  seconds // 0: an empty place
	app uint16
}

// openedApp is the app that an event opens; 0 for none.
func openedApp(e *event.Event) uint16 {
	if e.Action != event.SignIn && e.Action != event.TokenIssue && e.Action != event.Access {
		return 0
	}
	return uint16(appKey(e))
}

// detectAppsAtOnce sees many apps in a short time that the user has never
// opened: somebody looks around to see what an account is good for. Five within
// ten minutes is ours.
func (s *Set) detectAppsAtOnce(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MassAccess
	app := openedApp(e)
	if !cfg.Enabled || learning || app == 0 || m.opened.find(app) >= 0 || !m.opened.speak(at.at) {
		return out
	}
	n := m.opened.freshBefore(at.at, uint32(cfg.AppsWindow/time.Second), app) + 1
	if n < cfg.Apps {
		return out
	}
	where := m.standpoint(at)
	d := event.Detection{
		Name:     massAccess,
		Strength: 1,
		Key:      massOfApps,
		Summary:  fmt.Sprintf("%d apps new for this user opened within %s", n, spoken(uint32(cfg.AppsWindow/time.Second))),
		Evidence: []event.Fact{
			event.Number("new_apps", float64(n)),
			event.Text("known_place", yesNo(where == atTheirs)),
		},
	}
	if name := appName(&e.App); name != "" {
		d.Evidence = append(d.Evidence, event.Text("app", name))
	}
	switch where {
	case atTheirs:
		d.Strength = ownBulkStrength
	case onTheirDevice:
		d.Strength = travellingStrength
	}
	return append(out, d)
}

// learnApps keeps that an app is new, and makes it a known one unless the event
// was challenged.
func (s *Set) learnApps(e *event.Event, at *sighting, m *Memory, v Verdict) {
	a, app := &m.opened, openedApp(e)
	if app == 0 {
		m.learnRefreshedApp(e, at, v)
		return
	}
	if a.since == 0 {
		a.since = at.at.day()
	}
	i := a.find(app)
	if i < 0 {
		a.addFresh(freshApp{at.at, app})
	}
	if !v.challenged() {
		a.use(app, i)
	}
}

// learnRefreshedApp takes an app that is kept open for a known one: it was opened
// once, even if the log does not reach back so far. At a strange place it may be
// somebody else who keeps it open.
func (m *Memory) learnRefreshedApp(e *event.Event, at *sighting, v Verdict) {
	app := uint16(appKey(e))
	if e.Action == event.TokenRefresh && app != 0 && !v.challenged() && m.standpoint(at) == atTheirs {
		m.opened.use(app, m.opened.find(app))
	}
}

// speak reports that apps have been seen for long enough.
func (a *opened) speak(now seconds) bool {
	return a.since != 0 && now.day() >= a.since+uint16(appsAge/(24*time.Hour))
}

// find is the place of a known app, or -1.
func (a *opened) find(app uint16) int {
	for i := range a.known {
		if a.known[i] == app {
			return i
		}
	}
	return -1
}

// use puts an app first, that was in place i, or -1 for nowhere. The one not
// used for longest gives way.
func (a *opened) use(app uint16, i int) {
	if i < 0 {
		i = maxOpened - 1
	}
	copy(a.known[1:i+1], a.known[:i])
	a.known[0] = app
}

// freshBefore counts the other new apps of the window around a moment.
func (a *opened) freshBefore(now seconds, window uint32, app uint16) int {
	n := 0
	for i := range a.fresh {
		if f := &a.fresh[i]; f.at != 0 && f.app != app && f.at <= now && now.since(f.at) <= window {
			n++
		}
	}
	return n
}

// addFresh remembers a new app, once; the oldest gives way.
func (a *opened) addFresh(f freshApp) {
	oldest := &a.fresh[0]
	for i := range a.fresh {
		g := &a.fresh[i]
		if g.at != 0 && g.app == f.app {
			return
		}
		if g.at < oldest.at {
			oldest = g
		}
	}
	if f.at >= oldest.at {
		*oldest = f
	}
}

// forgetBefore drops the new apps of before a moment.
func (a *opened) forgetBefore(t seconds) {
	for i := range a.fresh {
		if a.fresh[i].at < t {
			a.fresh[i] = freshApp{}
		}
	}
}
