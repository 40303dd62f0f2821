// Package detectors holds the built-in detectors: what each of them remembers
// of a subject, what it sees in an event, and the evidence that it gives.
//
// Detection is strictly score, then learn. Detect reads an event against the
// subject's Memory and changes nothing; once scoring has judged the event,
// Learn decides what the memory keeps of it. Both depend on their arguments
// and the configuration only, never on a clock, so that a replay repeats them.
//
// Some attacks show only across many subjects. DetectSource sees one source
// network, DetectApp one application and DetectOrg the whole organisation, each
// over a memory of its own. They leave notes for each other and send signals to
// the subjects concerned; DetectSignal makes them evidence.
//
// There is one file per detector. learning.go says what may teach a baseline.
package detectors

import "github.com/riskstream/riskstream/event"

// Set is the configured detectors. It is immutable and may be shared.
type Set struct{ cfg Config }

// New makes a Set of a configuration that Validate finds nothing wrong with.
func New(cfg Config) *Set { return &Set{cfg} }

// Names lists the enabled detectors in the order in which Detect appends, then
// those of sources.
func (s *Set) Names() []string {
	var names []string
	for _, d := range []struct {
		name    string
		enabled bool
	}{
		{impossibleTravel, s.cfg.ImpossibleTravel.Enabled},
		{atypicalTravel, s.cfg.AtypicalTravel.Enabled},
		{newCountry, s.cfg.NewCountry.Enabled},
		{newNetwork, s.cfg.NewNetwork.Enabled},
		{newDevice, s.cfg.NewDevice.Enabled},
		{unfamiliarSignIn, s.cfg.UnfamiliarSignIn.Enabled},
		{newApp, s.cfg.NewApp.Enabled},
		{unusualHours, s.cfg.UnusualHours.Enabled},
		{dormantAccount, s.cfg.DormantAccount.Enabled},
		{anonymousIP, s.cfg.AnonymousIP.Enabled},
		{threatIP, s.cfg.ThreatIP.Enabled},
		{bruteForceSuccess, s.cfg.BruteForceSuccess.Enabled},
		{leakedCredential, s.cfg.LeakedCredential.Enabled},
		{failedLoginBurst, s.cfg.FailedLoginBurst.Enabled},
		{mfaFatigue, s.cfg.MFAFatigue.Enabled},
		{mfaFatigueApproved, s.cfg.MFAFatigueApproved.Enabled},
		{mfaBruteForce, s.cfg.MFABruteForce.Enabled},
		{mfaChangeAfterRisk, s.cfg.MFAChangeAfterRisk.Enabled},
		{legacyProtocol, s.cfg.LegacyProtocol.Enabled},
		{deviceCodeSignIn, s.cfg.DeviceCodeSignIn.Enabled},
		{riskyConsent, s.cfg.RiskyConsent.Enabled},
		{privilegeAfterRisk, s.cfg.PrivilegeAfterRisk.Enabled},
		{outsideAccessWindow, s.cfg.OutsideAccessWindow.Enabled},
		{deviceNoncompliant, s.cfg.DeviceNoncompliant.Enabled},
		{serviceAccountMisuse, s.cfg.ServiceAccountMisuse.Enabled},
		{sessionHijack, s.cfg.SessionHijack.Enabled},
		{massAccess, s.cfg.MassAccess.Enabled},
		{userReported, s.cfg.UserReported.Enabled},
		{idpRisk, s.cfg.IDPRisk.Enabled},
		{passwordSpray, s.cfg.PasswordSpray.Enabled},
		{credentialStuffing, s.cfg.CredentialStuffing.Enabled},
		{unsanctionedApp, s.cfg.UnsanctionedApp.Enabled},
	} {
		if d.enabled {
			names = append(names, d.name)
		}
	}
	return names
}

// Standing is how a subject stands before an event.
type Standing struct {
	AsOf  event.Time  // newest event time
	Level event.Level // what decay has left of it
	Open  []string    // names of its open evidence; only asked for with a verdict of the identity provider
}

// Detect appends the evidence that e gives against what m remembers. Neither e
// nor m is changed.
//
// First it looks at how people come in: their sign-ins, with their second
// factors and what is changed of these, tokens that are issued without a
// sign-in, and consents. Location, novelty and anonymisers are judged on
// successes alone, because a failed attempt can be made by anyone from
// anywhere; failed attempts count towards failed_login_burst, mfa_fatigue and
// mfa_brute_force. Workloads, token refreshes, access and other non-interactive
// events move between networks as they like, and are left out there, unless they
// take a session along. Then it looks at what anybody who is in does, see
// detectUse, and last at what the user and the identity provider say.
func (s *Set) Detect(e *event.Event, m *Memory, before Standing, out []event.Detection) []event.Detection {
	at := see(e)
	learning := s.learning(m, max(before.AsOf, e.Time))
	switch {
	case signedIn(e):
		out = s.detectImpossibleTravel(e, &at, m, learning, out)
		if !learning {
			out = s.detectAtypicalTravel(e, &at, m, out)
			out = s.detectNewCountry(e, &at, m, out)
			out = s.detectNewNetwork(e, &at, m, out)
			out = s.detectNewDevice(e, &at, m, out)
			out = s.detectUnfamiliarSignIn(e, &at, m, out)
			out = s.detectNewApp(e, m, out)
			out = s.detectUnusualHours(&at, m, out)
			out = s.detectDormantAccount(e, &at, m, out)
		}
		out = s.detectAnonymousIP(e, &at, m, out)
		out = s.detectThreatIP(e, &at, m, out)
		out = s.detectBruteForceSuccess(e, &at, m, out)
		out = s.detectLeakedCredential(e, &at, m, out)
		if promptStepOf(e) == promptApproved {
			out = s.detectMFAFatigueApproved(e, &at, m, learning, out)
		}
	case mistypedPassword(e):
		out = s.detectFailedLoginBurst(&at, m, out)
	default:
		out = s.detectSecondFactor(e, &at, m, before, learning, out)
	}
	out = s.detectProtocol(e, &at, m, learning, out)
	out = s.detectRiskyConsent(e, m, out)
	out = s.detectUse(e, &at, m, before, learning, out)
	out = s.detectUserReported(e, out)
	return s.detectIDPRisk(e, before, out)
}

// detectSecondFactor looks at what happens to second factors beside sign-ins
// that succeed.
func (s *Set) detectSecondFactor(e *event.Event, at *sighting, m *Memory, before Standing, learning bool, out []event.Detection) []event.Detection {
	switch step := promptStepOf(e); step {
	case promptAsked, promptIgnored, promptDenied:
		return s.detectMFAFatigue(step, at, m, out)
	case promptApproved:
		return s.detectMFAFatigueApproved(e, at, m, learning, out)
	}
	if mistypedCode(e) {
		return s.detectMFABruteForce(at, m, out)
	}
	if c := changeOf(e); c != noChange {
		return s.detectMFAChangeAfterRisk(e, c, at, m, before, out)
	}
	return out
}

// byPerson leaves out workloads and signals. A user of unknown kind counts as
// a person: leaving people out would be the worse mistake.
func byPerson(e *event.Event) bool {
	return e.User.Kind != event.Service && e.Kind != event.KindSignal
}

func signedIn(e *event.Event) bool {
	return e.Action == event.SignIn && e.Outcome == event.Success && byPerson(e)
}

func mistypedPassword(e *event.Event) bool {
	return e.Action == event.SignIn && e.Outcome == event.Failure && e.Reason == event.BadCredentials && byPerson(e)
}
