package rules

import (
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// Env is what a rule's condition sees: the event in its own JSON names, the
// subject before the event, and the names of what the detectors found. Texts
// that the log does not have are empty, numbers 0. A flag is "yes", "no" or
// "unknown" (see expression.Flag).
type Env struct {
	// Time is the event's own time, in UTC.
	Time struct {
		Hour    int `expr:"hour"`    // 0 to 23
		Weekday int `expr:"weekday"` // 1 is Monday, 7 is Sunday, as in ISO 8601
		Unix    int `expr:"unix"`    // seconds
	} `expr:"time"`
	Event struct {
		ID       string `expr:"id"`
		Kind     string `expr:"kind" values:"event,signal"`
		Action   string `expr:"action" values:"sign_in,sign_out,mfa_challenge,mfa_verify,token_issue,token_refresh,access,download,write,delete,consent_grant,privilege_grant,credential_change,mfa_enroll,mfa_remove,password_reset,account_lock,account_create,account_disable,device_register,idp_signal,session_revoke,other"`
		Outcome  string `expr:"outcome" values:",success,failure,unknown"`
		Reason   string `expr:"reason" values:",bad_credentials,unknown_user,expired_credentials,mfa_denied,mfa_timeout,mfa_failed,locked,disabled,blocked_by_policy,interrupted,other"`
		Code     string `expr:"code"`
		Provider string `expr:"provider"`
	} `expr:"event"`
	User struct {
		ID         string `expr:"id"`
		Name       string `expr:"name"`
		Email      string `expr:"email"`
		Kind       string `expr:"kind" values:",human,service,unknown"`
		Privileged string `expr:"privileged" values:"yes,no,unknown"`
		Subject    string `expr:"subject"`
		Leaked     struct {
			List string `expr:"list"`
		} `expr:"leaked"`
	} `expr:"user"`
	Source struct {
		IP         string `expr:"ip"`
		Corporate  string `expr:"corporate" values:"yes,no,unknown"`
		Anonymizer string `expr:"anonymizer" values:",tor,vpn,proxy,residential_proxy,hosting"`
		Threat     struct {
			List string `expr:"list"`
		} `expr:"threat"`
		Geo struct {
			Country string `expr:"country_iso_code"`
			City    string `expr:"city_name"`
			Name    string `expr:"name"`
		} `expr:"geo"`
		AS struct {
			Number       int `expr:"number"`
			Organization struct {
				Name string `expr:"name"`
			} `expr:"organization"`
			Type string `expr:"type" values:",mobile,satellite"`
		} `expr:"as"`
	} `expr:"source"`
	UserAgent struct {
		ID       string `expr:"id"`
		Name     string `expr:"name"`
		Version  string `expr:"version"`
		Original string `expr:"original"`
		OS       struct {
			Name string `expr:"name"`
		} `expr:"os"`
	} `expr:"user_agent"`
	Device struct {
		ID        string `expr:"id"`
		Managed   string `expr:"managed" values:"yes,no,unknown"`
		Compliant string `expr:"compliant" values:"yes,no,unknown"`
	} `expr:"device"`
	Session struct {
		ID string `expr:"id"`
	} `expr:"session"`
	App struct {
		ID         string `expr:"id"`
		Name       string `expr:"name"`
		Sanctioned string `expr:"sanctioned" values:"yes,no,unknown"`
	} `expr:"app"`
	Resource struct {
		ID             string `expr:"id"`
		Name           string `expr:"name"`
		Classification string `expr:"classification"`
		AccessWindow   string `expr:"access_window" values:",inside,outside"`
	} `expr:"resource"`
	Auth struct {
		Method   string `expr:"method"`
		Factor   string `expr:"factor" values:",password,claim,sms,otp,push,phishing_resistant"`
		Protocol string `expr:"protocol"`
	} `expr:"auth"`
	IDPRisk struct {
		Level   string `expr:"level" values:",low,medium,high"`
		Reasons string `expr:"reasons"`
	} `expr:"idp_risk"`
	Organization struct {
		ID string `expr:"id"`
	} `expr:"organization"`
	Subject struct {
		Score          float64 `expr:"score"`
		Level          string  `expr:"level" values:"none,low,medium,high"`
		SignIns        int     `expr:"sign_ins"`
		DaysKnown      float64 `expr:"days_known"`
		KnownDevice    bool    `expr:"known_device"`
		KnownNetwork   bool    `expr:"known_network"`
		KnownCountry   bool    `expr:"known_country"`
		RecentFailures int     `expr:"recent_failures"`
	} `expr:"subject"`
	Detections []string `expr:"detections"`
}

// Subject is what rules may know of the subject before the event.
type Subject struct {
	Score          float64 // decayed to the event's time
	Level          event.Level
	SignIns        int     // successful sign-ins learned from
	DaysKnown      float64 // since the first of them
	KnownDevice    bool    // the event's device, network and country are familiar;
	KnownNetwork   bool    // false also where the log does not tell them
	KnownCountry   bool
	RecentFailures int // wrong passwords shortly before
}

// fill takes an event into the environment. The address is written as text
// only when a rule reads it: it is the one field that costs memory.
func (e *Env) fill(ev *event.Event, subject *Subject, withIP bool) {
	e.setTime(ev.Time)
	e.Event.ID, e.Event.Kind, e.Event.Action = ev.ID, string(ev.Kind), string(ev.Action)
	e.Event.Outcome, e.Event.Reason = string(ev.Outcome), string(ev.Reason)
	e.Event.Code, e.Event.Provider = ev.Code, ev.Provider

	e.User.ID, e.User.Name, e.User.Email = ev.User.ID, ev.User.Name, ev.User.Email
	e.User.Kind, e.User.Subject = string(ev.User.Kind), ev.User.Subject
	e.User.Privileged, e.User.Leaked.List = expression.Flag(ev.User.Privileged), ev.User.Leaked.List

	e.Source.IP = ""
	if withIP && ev.Source.IP.IsValid() {
		e.Source.IP = ev.Source.IP.String()
	}
	e.Source.Corporate, e.Source.Anonymizer = expression.Flag(ev.Source.Corporate), ev.Source.Anonymizer
	e.Source.Threat.List = ev.Source.ThreatList
	e.Source.Geo.Country, e.Source.Geo.City, e.Source.Geo.Name = ev.Source.Geo.Country, ev.Source.Geo.City, ev.Source.Geo.Name
	e.Source.AS.Number, e.Source.AS.Type = int(ev.Source.AS.Number), ev.Source.AS.Type
	e.Source.AS.Organization.Name = ev.Source.AS.Organization

	e.UserAgent.ID, e.UserAgent.Name, e.UserAgent.Version = ev.UserAgent.ID, ev.UserAgent.Name, ev.UserAgent.Version
	e.UserAgent.Original, e.UserAgent.OS.Name = ev.UserAgent.Original, ev.UserAgent.OS
	e.Device.ID = ev.Device.ID
	e.Device.Managed, e.Device.Compliant = expression.Flag(ev.Device.Managed), expression.Flag(ev.Device.Compliant)
	e.Session.ID = ev.Session.ID
	e.App.ID, e.App.Name, e.App.Sanctioned = ev.App.ID, ev.App.Name, expression.Flag(ev.App.Sanctioned)
	e.Resource.ID, e.Resource.Name, e.Resource.Classification = ev.Resource.ID, ev.Resource.Name, ev.Resource.Classification
	e.Resource.AccessWindow = string(ev.Resource.AccessWindow)
	e.Auth.Method, e.Auth.Factor, e.Auth.Protocol = ev.Auth.Method, string(ev.Auth.Factor), ev.Auth.Protocol
	e.IDPRisk.Level, e.IDPRisk.Reasons = ev.IDPRisk.Level, ev.IDPRisk.Reasons
	e.Organization.ID = ev.Tenant

	e.Subject.Score, e.Subject.Level = subject.Score, subject.Level.String()
	e.Subject.SignIns, e.Subject.DaysKnown = subject.SignIns, subject.DaysKnown
	e.Subject.KnownDevice, e.Subject.KnownNetwork = subject.KnownDevice, subject.KnownNetwork
	e.Subject.KnownCountry, e.Subject.RecentFailures = subject.KnownCountry, subject.RecentFailures
}

func (e *Env) setTime(t event.Time) {
	std := t.Std()
	e.Time.Hour = std.Hour()
	e.Time.Weekday = (int(std.Weekday())+6)%7 + 1 // time.Weekday has Sunday as 0
	e.Time.Unix = int(std.Unix())
}
