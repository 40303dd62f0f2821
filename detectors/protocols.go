package detectors

import "github.com/riskstream/riskstream/event"

// protocol is a way to sign in beside the browser; 0 is any other.
type protocol uint8

const (
	imap protocol = iota + 1
	pop
	smtp
	activeSync
	exchangeServices
	mapi
	outlookAnywhere
	autodiscover
	exchangePowerShell
	addressBook
	outlookService
	reportingServices
	universalOutlook
	otherClients
	richClient
	passwordGrant
	deviceCode
)

// protocolOf knows the names that logs have for a protocol: Entra's
// authenticationProtocol and clientAppUsed, Okta's grants and event types.
func protocolOf(a *event.Auth) protocol {
	if a.Protocol == "" {
		return 0
	}
	if a.ByDeviceCode() {
		return deviceCode
	}
	var buf [64]byte
	switch string(event.AppendLower(buf[:0], a.Protocol)) {
	case "imap", "imap4":
		return imap
	case "pop", "pop3":
		return pop
	case "smtp", "authenticated smtp":
		return smtp
	case "exchange activesync":
		return activeSync
	case "exchange web services":
		return exchangeServices
	case "mapi over http":
		return mapi
	case "outlook anywhere (rpc over http)":
		return outlookAnywhere
	case "autodiscover":
		return autodiscover
	case "exchange online powershell":
		return exchangePowerShell
	case "offline address book":
		return addressBook
	case "outlook service":
		return outlookService
	case "reporting web services":
		return reportingServices
	case "universal outlook":
		return universalOutlook
	case "other clients":
		return otherClients
	case "richclient":
		return richClient
	case "ropc", "password":
		return passwordGrant
	}
	return 0
}

const (
	maxProtocols = 4

	// protocolDays is on how many days without a challenge a protocol must
	// have been used to be the user's own. Our own threshold: an app that is
	// set up on one day is used on the next ones too.
	protocolDays = 3
)

// detectProtocol sees sign-ins and tokens over a protocol that attackers choose
// because it avoids the browser and with it the second factor.
func (s *Set) detectProtocol(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	p := admitted(e)
	if p == 0 {
		return out
	}
	if p == deviceCode {
		return s.detectDeviceCode(e, at, m, learning, out)
	}
	return s.detectLegacyProtocol(e, at, p, m, out)
}

// admitted is the protocol, if it is one of those above, by which a person came
// in with this event; 0 otherwise.
func admitted(e *event.Event) protocol {
	if e.Action != event.SignIn && e.Action != event.TokenIssue || e.Outcome != event.Success || !byPerson(e) {
		return 0
	}
	return protocolOf(&e.Auth)
}

// usesProtocol reports that the subject is known to use it.
func (m *Memory) usesProtocol(p protocol) bool {
	f := find(m.protocols[:], uint32(p))
	return f != nil && f.days >= protocolDays
}

// learnProtocol takes note of a day on which a protocol was used. A day with a
// challenge, before or after, does not count: the attacker's day must not.
func (m *Memory) learnProtocol(e *event.Event, v Verdict) {
	today := secondsOf(e.Time).day()
	if v.challenged() {
		for i := range m.protocols {
			if f := &m.protocols[i]; f.key != 0 && f.lastDay == today {
				f.takeBack()
			}
		}
		return
	}
	p := admitted(e)
	if p == 0 || m.progress.challenged.day() == today {
		return
	}
	if f := find(m.protocols[:], uint32(p)); f != nil {
		f.refresh(today)
	} else {
		admit(m.protocols[:], uint32(p), today)
	}
}

// takeBack undoes the last day.
func (f *familiar) takeBack() {
	f.days--
	f.lastDay--
	if f.days == 0 {
		*f = familiar{}
	}
}
