package detectors

import (
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

const idpRisk = "idp_risk"

// IDPRiskConfig switches idp_risk.
type IDPRiskConfig struct {
	Enabled bool `yaml:"enabled"`
}

// Strengths by the provider's level. Who has confirmed has full strength.
const (
	highRiskStrength   = 0.45
	mediumRiskStrength = 0.2

	// explainedShare of that is left where the detectors see all that the
	// provider names: it sees other customers too, but it is the same fact.
	explainedShare = 0.25
)

// confirmations are the reasons and states, in lower case, by which an
// administrator has told the provider that the account is compromised.
var confirmations = []string{"adminconfirmedusercompromised", "confirmedcompromised", "admin reported user risk"}

// sameFact lists, by the provider's reason in lower case, the detections that
// tell of the same thing. What is not here the detectors do not see.
var sameFact = map[string][]string{
	// Entra
	"anonymizedipaddress":            {anonymousIP, threatIP},
	"riskyipaddress":                 {anonymousIP, threatIP},
	"maliciousipaddress":             {threatIP},
	"nationstateip":                  {threatIP},
	"newcountry":                     {newCountry, impossibleTravel},
	"unlikelytravel":                 {impossibleTravel, atypicalTravel, newCountry},
	"impossibletravel":               {impossibleTravel},
	"mcasimpossibletravel":           {impossibleTravel},
	"unfamiliarfeatures":             {newNetwork, newDevice, newCountry, unfamiliarSignIn},
	"suspiciousbrowser":              {newDevice},
	"passwordspray":                  {passwordSpray, credentialStuffing},
	"leakedcredentials":              {leakedCredential},
	"anomaloustoken":                 {sessionHijack},
	"attackerinthemiddle":            {sessionHijack},
	"userreportedsuspiciousactivity": {userReported},
	// Okta
	"threatsuspected":                   {threatIP},
	"anomalous location":                {newCountry, newNetwork, impossibleTravel, atypicalTravel},
	"anomalous geo-location":            {newCountry, newNetwork, impossibleTravel, atypicalTravel},
	"anomalous device":                  {newDevice},
	"anomalous ip":                      {newNetwork, anonymousIP},
	"new location":                      {newCountry, newNetwork, impossibleTravel, atypicalTravel},
	"new country":                       {newCountry, impossibleTravel},
	"new device":                        {newDevice},
	"new ip":                            {newNetwork, anonymousIP},
	"breached credential":               {leakedCredential},
	"velocity":                          {impossibleTravel, atypicalTravel},
	"suspected brute force attack":      {bruteForceSuccess, failedLoginBurst},
	"suspected brute-force attack":      {bruteForceSuccess, failedLoginBurst},
	"suspicious app access":             {newApp, massAccess},
	"user reported suspicious activity": {userReported},
}

// detectIDPRisk takes the identity provider's own verdict as evidence. It judges
// from much of what the detectors judge from and must not count twice: where all
// that it names has been found here, in this event or in evidence that is open,
// little of it is left. Attempts that failed are not looked at, and a user's
// report speaks for itself. To be asked last.
func (s *Set) detectIDPRisk(e *event.Event, before Standing, out []event.Detection) []event.Detection {
	if !s.cfg.IDPRisk.Enabled || e.IDPRisk.Level == "" || e.Kind != event.KindEvent || e.Outcome == event.Failure || reported(e) {
		return out
	}
	switch e.Action {
	case event.SignIn, event.MFAVerify, event.TokenIssue, event.TokenRefresh, event.IDPSignal:
	default:
		return out
	}
	strength, says := 0.0, "The identity provider rates this as "+e.IDPRisk.Level+" risk"
	switch confirmed := confirmedByAdmin(e); {
	case confirmed:
		strength, says = 1, "An administrator has confirmed to the identity provider that the account is compromised"
	case e.IDPRisk.Level == "high":
		strength = highRiskStrength
	case e.IDPRisk.Level == "medium":
		strength = mediumRiskStrength
	default:
		return out
	}
	seen := strength < 1 && explained(e.IDPRisk.Reasons, before.Open, out)
	if seen {
		strength *= explainedShare
	}
	if e.IDPRisk.Reasons != "" {
		says += ": " + shortened(e.IDPRisk.Reasons, 80)
	}
	d := event.Detection{
		Name:     idpRisk,
		Strength: strength,
		Key:      event.Hash(e.Provider), // its newer verdict is of the same account
		Summary:  says,
		Evidence: []event.Fact{event.Text("level", e.IDPRisk.Level), event.Text("seen_here_too", yesNo(seen))},
	}
	if e.IDPRisk.Reasons != "" {
		d.Evidence = append(d.Evidence, event.Text("reasons", e.IDPRisk.Reasons))
	}
	return append(out, d)
}

func confirmedByAdmin(e *event.Event) bool {
	for _, word := range confirmations {
		if strings.EqualFold(e.Code, word) {
			return true
		}
		for reason := range strings.SplitSeq(e.IDPRisk.Reasons, ", ") {
			if strings.EqualFold(reason, word) {
				return true
			}
		}
	}
	return false
}

// explained reports that each of the provider's reasons is a fact that has been
// found here. A verdict without reasons is not.
func explained(reasons string, open []string, found []event.Detection) bool {
	if reasons == "" {
		return false
	}
	for reason := range strings.SplitSeq(reasons, ", ") {
		var buf [64]byte
		same := sameFact[string(event.AppendLower(buf[:0], reason))]
		here := slices.ContainsFunc(same, func(name string) bool {
			return slices.Contains(open, name) ||
				slices.ContainsFunc(found, func(d event.Detection) bool { return d.Name == name })
		})
		if !here {
			return false
		}
	}
	return true
}
