package detectors

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

const userReported = "user_reported"

// UserReportedConfig switches user_reported.
type UserReportedConfig struct {
	Enabled bool `yaml:"enabled"`
}

// reports are the names, in lower case, under which identity providers log that
// a user has said "this was not me", and the one for logs of one's own.
var reports = [...]string{
	"user.account.report_suspicious_activity_by_enduser", // Okta
	"userreportedsuspiciousactivity",                     // Entra, the risk detection
	"suspicious activity reported",                       // Entra, the audit log
	"fraud reported - no action taken",
	"fraud reported - user is blocked for mfa",
	userReported,
}

// detectUserReported takes the user's word. A push that is denied is no report:
// fingers slip, and most providers ask separately.
func (s *Set) detectUserReported(e *event.Event, out []event.Detection) []event.Detection {
	if !s.cfg.UserReported.Enabled || !reported(e) {
		return out
	}
	d := event.Detection{
		Name:     userReported,
		Strength: 1,
		Summary:  "The user reports activity that was somebody else's",
		Evidence: []event.Fact{event.Text("report", e.Code)},
	}
	if what := e.Resource.Name; what != "" && e.Resource.ID != "" {
		d.Summary += ": " + shortened(what, 80)
		d.Evidence = append(d.Evidence, event.Text("reported", what), event.Text("reported_event", e.Resource.ID))
	}
	return append(out, d)
}

// reported reports that the event is a user's report.
func reported(e *event.Event) bool {
	if e.Kind != event.KindEvent || e.Action != event.IDPSignal || e.Outcome == event.Failure {
		return false
	}
	for _, code := range reports {
		if strings.EqualFold(e.Code, code) {
			return true
		}
	}
	return false
}
