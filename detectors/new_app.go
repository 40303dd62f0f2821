package detectors

import "github.com/riskstream/riskstream/event"

const (
	newApp  = "new_app"
	maxApps = 12

	// settledApps is for on how many days, summed over the apps, a user must
	// have been seen in apps before a new one means something: as many as the
	// sign-ins that learning takes. A log may have begun to name apps only now.
	settledApps = 10

	// doubtfulAppStrength: the organisation has approved the app; or the user
	// has so many that this one may only be forgotten.
	doubtfulAppStrength = 0.5
)

// NewAppConfig switches new_app and says how fast apps are learned.
type NewAppConfig struct {
	Enabled    bool `yaml:"enabled"`
	AppsPerDay int  `yaml:"apps_per_day"` // most new apps learned in a day (UTC)
}

// detectNewApp sees the first sign-in of a user to an app. It is quiet while
// little is known of the user's apps, for those opened before in another way,
// and for the front pages of identity providers, which say nothing.
func (s *Set) detectNewApp(e *event.Event, m *Memory, out []event.Detection) []event.Detection {
	key := appKey(e)
	opened := find(m.apps[:], key) != nil || m.opened.find(uint16(key)) >= 0
	if !s.cfg.NewApp.Enabled || key == 0 || opened || daysOf(m.apps[:]) < settledApps {
		return out
	}
	known := count(m.apps[:])
	d := event.Detection{
		Name:     newApp,
		Strength: 1,
		Key:      uint64(key),
		Summary:  "First sign-in to an app: " + appName(&e.App),
		Evidence: []event.Fact{
			event.Text("app", appName(&e.App)),
			event.Number("known_apps", float64(known)),
		},
	}
	if e.App.Sanctioned != event.Unknown {
		d.Evidence = append(d.Evidence, event.Text("sanctioned", yesNo(e.App.Sanctioned == event.True)))
	}
	if e.App.Sanctioned == event.True {
		d.Strength *= doubtfulAppStrength
	}
	if known == maxApps {
		d.Strength *= doubtfulAppStrength
	}
	return append(out, d)
}

// teachApp learns the app of a sign-in, while the day's budget lasts.
func (s *Set) teachApp(m *Memory, e *event.Event) {
	learnSlowly(m.apps[:], appKey(e), secondsOf(e.Time).day(), s.cfg.NewApp.AppsPerDay)
}
