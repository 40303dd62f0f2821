package detectors

import (
	"math"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func risk(level, reasons string) change {
	return func(e *event.Event) { e.IDPRisk = event.IDPRisk{Level: level, Reasons: reasons} }
}

func TestUserReported(t *testing.T) {
	signal := action(event.IDPSignal)
	for _, c := range []struct {
		name   string
		change []change
		want   float64
	}{
		{"at Okta", []change{signal, code("user.account.report_suspicious_activity_by_enduser")}, 1},
		{"at Entra, as a risk", []change{signal, undecided, code("userReportedSuspiciousActivity"), risk("high", "userReportedSuspiciousActivity")}, 1},
		{"at Entra, in the audit log", []change{signal, code("Suspicious activity reported")}, 1},
		{"as fraud", []change{signal, code("Fraud reported - user is blocked for MFA")}, 1},
		{"in a log of one's own", []change{signal, code("user_reported")}, 1},
		{"another signal", []change{signal, code("user.risk.detect")}, 0},
		{"reporting failed", []change{signal, unsuccessful, code("user_reported")}, 0},
		{"something of that name", []change{code("user_reported")}, 0},
		{"a push was denied", []change{pushDenied}, 0},
	} {
		found := settled(t).entry(signIn(on(20, "09:00"), append([]change{berlin, laptop}, c.change...)...))
		if got := strengthOf(found, userReported); got != c.want {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
		if c.want > 0 && len(found) != 1 {
			t.Errorf("%s: fired %s", c.name, names(found))
		}
	}
	f := get(t, settled(t).entry(signIn(on(20, "09:00"), signal, code("user.account.report_suspicious_activity_by_enduser"), func(e *event.Event) {
		e.Resource = event.Resource{ID: "ev-9", Name: "system.email.new_device_notification.sent_message"}
	})), userReported)
	const want = "The user reports activity that was somebody else's: system.email.new_device_notification.sent_message / " +
		"report=user.account.report_suspicious_activity_by_enduser; reported=system.email.new_device_notification.sent_message; reported_event=ev-9; "
	if got := f.Summary + " / " + evidence(f); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestIDPRisk(t *testing.T) {
	for _, c := range []struct {
		name   string
		open   []string
		change []change
		want   float64
	}{
		{"high, why is not said", nil, []change{tokyo, kali, risk("high", "")}, highRiskStrength},
		{"medium", nil, []change{tokyo, kali, risk("medium", "")}, mediumRiskStrength},
		{"low", nil, []change{tokyo, kali, risk("low", "")}, 0},
		{"none", nil, []change{tokyo, kali}, 0},
		{"seen here too", nil, []change{tokyo, kali, risk("high", "unfamiliarFeatures")}, highRiskStrength * explainedShare},
		{"at Okta", nil, []change{tokyo, kali, risk("medium", "Anomalous Location, Anomalous Device")}, mediumRiskStrength * explainedShare},
		{"one of two seen here", nil, []change{tokyo, kali, risk("high", "unfamiliarFeatures, anomalousToken")}, highRiskStrength},
		{"not seen here", nil, []change{berlin, laptop, risk("high", "unfamiliarFeatures")}, highRiskStrength},
		{"seen here earlier", []string{impossibleTravel}, []change{berlin, laptop, action(event.IDPSignal), risk("high", "unlikelyTravel")}, highRiskStrength * explainedShare},
		{"something else seen earlier", []string{newDevice}, []change{berlin, laptop, action(event.IDPSignal), risk("high", "unlikelyTravel")}, highRiskStrength},
		{"a reason unknown here", nil, []change{tokyo, kali, risk("high", "somethingNew")}, highRiskStrength},
		{"on a token", nil, []change{tokyo, kali, action(event.TokenRefresh), risk("high", "anomalousToken")}, highRiskStrength},
		{"of a workload", nil, []change{tokyo, kali, asService, risk("high", "")}, highRiskStrength},
		{"the attempt failed", nil, []change{tokyo, kali, wrongPassword, risk("high", "")}, 0},
		{"of what was read", nil, []change{tokyo, kali, action(event.Access), risk("high", "")}, 0},
		{"confirmed, as a risk", nil, []change{action(event.IDPSignal), code("adminConfirmedUserCompromised"), risk("high", "adminConfirmedUserCompromised")}, 1},
		{"confirmed, as a state", nil, []change{action(event.IDPSignal), code("confirmedCompromised"), risk("high", "")}, 1},
		{"confirmed at Okta", nil, []change{action(event.IDPSignal), risk("high", "Admin Reported User Risk")}, 1},
		{"confirmed, then dismissed", nil, []change{action(event.IDPSignal), code("adminConfirmedUserCompromised")}, 0},
		{"the user's own report", nil, []change{action(event.IDPSignal), code("userReportedSuspiciousActivity"), risk("high", "userReportedSuspiciousActivity")}, 0},
	} {
		d := settled(t)
		e := signIn(on(20, "09:00"), c.change...)
		got := strengthOf(d.set.Detect(&e, &d.m, Standing{AsOf: d.asOf, Open: c.open}, nil), idpRisk)
		if math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: strength %g, want %g", c.name, got, c.want)
		}
	}
	f := get(t, settled(t).entry(signIn(on(20, "09:00"), berlin, laptop, risk("high", "anomalousToken"))), idpRisk)
	const want = "The identity provider rates this as high risk: anomalousToken / level=high; seen_here_too=no; reasons=anomalousToken; "
	if got := f.Summary + " / " + evidence(f); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
