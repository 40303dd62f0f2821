package detectors

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

const mfaFatigue = "mfa_fatigue"

// MFAFatigueConfig holds the thresholds of mfa_fatigue: so many push requests
// within the window that nobody approved.
type MFAFatigueConfig struct {
	Enabled bool          `yaml:"enabled"`
	Prompts int           `yaml:"prompts"`
	Window  time.Duration `yaml:"window"`
}

// ownPromptsStrength: prompts that the user's own computer asks for at home,
// and that nobody denies, are those of a phone that is elsewhere.
const ownPromptsStrength = 0.3

// detectMFAFatigue sees many push requests in a short time that were denied,
// ran out or were not answered before the next. Elastic counts 5 denials in 10
// minutes; silence counts here too, since few providers let a user say no to
// what they do not open. The window may lie anywhere around the event.
func (s *Set) detectMFAFatigue(step promptStep, at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MFAFatigue
	if !cfg.Enabled {
		return out
	}
	p := m.prompts
	p.note(step, at, m)
	t := p.busiest(uint32(cfg.Window/time.Second), at, m.ownPlace(at))
	if t.count() < cfg.Prompts {
		return out
	}
	own := t.denied == 0 && t.own == t.count()
	d := event.Detection{
		Name:     mfaFatigue,
		Strength: 1,
		Summary: fmt.Sprintf("%s push requests in %s not approved: %s",
			t.number(), spoken(t.last.since(t.first)), t.words()),
		Evidence: append(t.facts(),
			event.Number("networks", float64(t.networks)),
			event.Text("known_network_and_device", yesNo(t.own == t.count())),
		),
	}
	if own {
		d.Strength = ownPromptsStrength
	}
	return append(out, d)
}

// number is the count in words: of a full list, at least so many.
func (t *tally) number() string {
	if t.count() >= maxPrompts {
		return fmt.Sprintf("%d or more", t.count())
	}
	return strconv.Itoa(t.count())
}

// words says how the prompts ended: "3 denied, 2 timed out".
func (t *tally) words() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{t.denied, "denied"}, {t.ignored, "timed out"}, {t.unanswered, "unanswered"}} {
		if p.n > 0 {
			parts = append(parts, strconv.Itoa(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

func (t *tally) facts() []event.Fact {
	return []event.Fact{
		event.Number("prompts", float64(t.count())),
		event.Number("denied", float64(t.denied)),
		event.Number("timed_out", float64(t.ignored)),
		event.Number("unanswered", float64(t.unanswered)),
		event.Number("minutes", float64(t.last.since(t.first))/60),
	}
}
