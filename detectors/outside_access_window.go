package detectors

import "github.com/riskstream/riskstream/event"

const outsideAccessWindow = "outside_access_window"

// OutsideAccessWindowConfig switches outside_access_window.
type OutsideAccessWindowConfig struct {
	Enabled bool `yaml:"enabled"`
}

// detectOutsideAccessWindow sees temporary access used when it was not approved
// for. The directory has the windows, and the event its verdict. Tokens are
// refreshed by programs that stay open, which is no use.
func (s *Set) detectOutsideAccessWindow(e *event.Event, out []event.Detection) []event.Detection {
	if !s.cfg.OutsideAccessWindow.Enabled || e.Resource.AccessWindow != event.OutsideWindow || e.Action == event.TokenRefresh {
		return out
	}
	what := objectName(e)
	return append(out, event.Detection{
		Name:     outsideAccessWindow,
		Strength: 1,
		Key:      event.Hash(what),
		Summary:  "Temporary access to " + what + " used outside its approved window",
		Evidence: []event.Fact{
			event.Text("action", string(e.Action)),
			event.Text("object", what),
		},
	})
}

// objectName is the resource of an event in words, else the app.
func objectName(e *event.Event) string {
	for _, name := range [...]string{e.Resource.Name, e.Resource.ID, e.App.Name, e.App.ID} {
		if name != "" {
			return shortened(name, 80)
		}
	}
	return "the account"
}
