package detectors

import "github.com/riskstream/riskstream/event"

const privilegeAfterRisk = "privilege_after_risk"

// PrivilegeAfterRiskConfig switches privilege_after_risk.
type PrivilegeAfterRiskConfig struct {
	Enabled bool `yaml:"enabled"`
}

func grantsPrivilege(e *event.Event) bool {
	return e.Action == event.PrivilegeGrant && e.Outcome == event.Success && e.Kind != event.KindSignal
}

// detectPrivilegeAfterRisk sees privileges granted to the subject, or by it
// where the log names nobody else, while it is at risk (medium or high): if the
// account is in somebody else's hands, so are the privileges. People and
// workloads alike.
func (s *Set) detectPrivilegeAfterRisk(e *event.Event, before Standing, out []event.Detection) []event.Detection {
	if !s.cfg.PrivilegeAfterRisk.Enabled || before.Level < event.Medium {
		return out
	}
	d := event.Detection{
		Name:     privilegeAfterRisk,
		Strength: 1,
		Key:      event.Hash(objectName(e)),
		Summary:  "Privileges granted while the user is at risk (" + before.Level.String() + ")",
		Evidence: []event.Fact{event.Text("level", before.Level.String())},
	}
	if e.Resource.Name != "" {
		d.Summary = "Privileges granted while the user is at risk (" + before.Level.String() + "): " + objectName(e)
		d.Evidence = append(d.Evidence, event.Text("privilege", objectName(e)))
	}
	return append(out, d)
}
