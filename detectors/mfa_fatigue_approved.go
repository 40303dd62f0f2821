package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const mfaFatigueApproved = "mfa_fatigue_approved"

// MFAFatigueApprovedConfig holds the thresholds of mfa_fatigue_approved: a push
// approved after so many within the window that were denied, or so many that
// were not approved in any way.
type MFAFatigueApprovedConfig struct {
	Enabled bool          `yaml:"enabled"`
	Denials int           `yaml:"denials"`
	Prompts int           `yaml:"prompts"`
	Window  time.Duration `yaml:"window"`
}

const (
	// Who denies their own prompts at home and then approves one has mistaken
	// them.
	ownDenialsStrength = 0.3
	// None of the prompts was asked from where the approval comes: a user who
	// is away may have denied somebody else's prompts and approved their own.
	promptsElsewhereStrength = 0.75
)

// detectMFAFatigueApproved sees a push that is approved after others were
// denied or ignored. Elastic's rule wants 2 denials before a success within 10
// minutes; here it is 3, or 5 in all with those that nobody answered. It is
// quiet for prompts that ran out at the user's own place, or of a subject who
// is still being learned: a phone without signal.
func (s *Set) detectMFAFatigueApproved(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MFAFatigueApproved
	if !cfg.Enabled {
		return out
	}
	ownPlace := m.ownPlace(at)
	p := m.prompts
	if i := p.waiting(&prompt{at: at.at, source: at.source}); i >= 0 && p[i].source == at.source {
		p.remove(i) // the one that is approved
	}
	window := seconds(cfg.Window / time.Second)
	t := p.tallied(at.at-min(at.at, window), at.at, at, ownPlace)
	insisted := t.denied >= cfg.Denials
	if !insisted && (t.count() < cfg.Prompts || ownPlace || learning) {
		return out
	}
	d := event.Detection{
		Name:      mfaFatigueApproved,
		Strength:  1,
		Key:       uint64(at.source),
		Session:   at.session != 0,
		Elsewhere: t.lastSource, // where mfa_fatigue was seen
		Summary: fmt.Sprintf("Push request from %s approved after %s within %s",
			placeOrNetwork(&e.Source), t.words(), spoken(at.at.since(t.first))),
		Evidence: append(t.facts(),
			event.Text("network", networkName(&e.Source)),
			event.Text("same_network", yesNo(t.here > 0)),
			event.Text("known_network_and_device", yesNo(m.atHome(at))),
		),
	}
	switch {
	case ownPlace:
		d.Strength = ownDenialsStrength
	case t.here == 0:
		d.Strength = promptsElsewhereStrength
	}
	return append(out, d)
}
