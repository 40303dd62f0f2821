package detectors

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

const riskyConsent = "risky_consent"

// RiskyConsentConfig switches risky_consent.
type RiskyConsentConfig struct {
	Enabled bool `yaml:"enabled"`
}

const (
	// plainConsentStrength: the log does not tell the permissions, or none of
	// them reaches mail or files.
	plainConsentStrength = 0.5
	// lastingConsentStrength: no more than signing in, but for as long as the
	// app likes.
	lastingConsentStrength = 0.2

	maxConsents = 4
)

// reach is how far the permissions of a consent go.
type reach uint8

const (
	reachesSignIn  reach = iota // who the user is
	reachesLasting              // the same without the user (offline_access)
	reachesUnknown              // not told, or of no kind known here
	reachesData                 // mail, files and the like, or the whole tenant
)

// everybody is the id that a consent's permissions have in an event when they
// hold for the whole tenant.
const everybody = "AllPrincipals"

// reachOf reads the permissions, which stand in the resource's name.
func reachOf(e *event.Event) reach {
	if e.Resource.ID == everybody {
		return reachesData
	}
	if e.Resource.Name == "" || e.Resource.Name == e.App.Name {
		return reachesUnknown
	}
	far := reachesSignIn
	for scope := range strings.FieldsSeq(e.Resource.Name) {
		far = max(far, reachOfScope(scope))
	}
	return far
}

// reachOfScope is that of one permission: what Microsoft classifies as low
// impact is signing in; the rest goes by what Splunk's rules look for.
func reachOfScope(scope string) reach {
	var buf [128]byte
	name := string(event.AppendLower(buf[:0], scope[strings.LastIndexByte(scope, '/')+1:]))
	switch name {
	case "openid", "profile", "email", "address", "phone", "user.read", "userinfo.email", "userinfo.profile":
		return reachesSignIn
	case "offline_access":
		return reachesLasting
	}
	for _, data := range [...]string{
		"mail", "imap", "smtp", "ews", "full_access", "file", "sites", "drive", "notes",
		"contacts", "calendar", "chat", "channelmessage", "directory", "readwrite",
	} {
		if strings.Contains(name, data) {
			return reachesData
		}
	}
	return reachesUnknown
}

// consentOf is the application and the reach of a consent to be looked at: by a
// person who is no administrator, to an app that is not known to be sanctioned,
// for more than signing in. key is 0 for all others.
func consentOf(e *event.Event) (key uint32, far reach) {
	if e.Action != event.ConsentGrant || e.Outcome != event.Success || !byPerson(e) ||
		e.User.Privileged == event.True || e.App.Sanctioned == event.True {
		return 0, 0
	}
	app := e.App.ID
	if app == "" {
		app = e.App.Name
	}
	if far = reachOf(e); app == "" || far == reachesSignIn {
		return 0, 0
	}
	return fold(event.Hash(app) + mix(uint64(far))), far
}

// detectRiskyConsent sees a user let an app in. A consent outlives the password
// and the session; who is no administrator is whom consent phishing aims at.
// The same app again is quiet, as in Elastic's rule, unless it now reaches
// farther.
func (s *Set) detectRiskyConsent(e *event.Event, m *Memory, out []event.Detection) []event.Detection {
	if !s.cfg.RiskyConsent.Enabled {
		return out
	}
	key, far := consentOf(e)
	if key == 0 || find(m.consents[:], key) != nil {
		return out
	}
	app := e.App.Name
	if app == "" {
		app = e.App.ID
	}
	d := event.Detection{
		Name:     riskyConsent,
		Strength: 1,
		Key:      uint64(key),
		Summary:  "Let in an app that is not sanctioned: " + shortened(app, 60),
		Evidence: []event.Fact{
			event.Text("app", app),
			event.Text("whole_tenant", yesNo(e.Resource.ID == everybody)),
		},
	}
	if e.Resource.Name != "" && e.Resource.Name != e.App.Name {
		d.Summary += " (" + shortened(e.Resource.Name, 80) + ")"
		d.Evidence = append(d.Evidence, event.Text("permissions", e.Resource.Name))
	}
	if e.Resource.ID == everybody {
		d.Summary += ", for the whole tenant"
	}
	switch far {
	case reachesUnknown:
		d.Strength = plainConsentStrength
	case reachesLasting:
		d.Strength = lastingConsentStrength
	}
	return append(out, d)
}

// learnConsent remembers an app that was let in, unless that was challenged.
func (m *Memory) learnConsent(e *event.Event, v Verdict) {
	if e.Action != event.ConsentGrant || v.challenged() {
		return
	}
	key, _ := consentOf(e)
	if key == 0 {
		return
	}
	day := secondsOf(e.Time).day()
	if f := find(m.consents[:], key); f != nil {
		f.refresh(day)
	} else {
		admit(m.consents[:], key, day)
	}
}
