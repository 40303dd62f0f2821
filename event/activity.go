package event

// Prefixes of the record keys of risk.activity.
const (
	NetworkPrefix = "net:"
	AppPrefix     = "app:"
)

// Activity is what the source lane needs to know of the event: who did what
// from which network, in which application, and where the raw event stood. It
// names the subject and nothing else of the person.
func (e *Event) Activity() Event {
	return Event{
		Time:     e.Time,
		ID:       e.ID,
		Kind:     e.Kind,
		Action:   e.Action,
		Outcome:  e.Outcome,
		Reason:   e.Reason,
		Provider: e.Provider,
		User:     User{Kind: e.User.Kind, Subject: e.User.Subject},
		Source:   Source{IP: e.Source.IP, Corporate: e.Source.Corporate, Anonymizer: e.Source.Anonymizer, AS: e.Source.AS},
		App:      e.App,
		Auth:     Auth{Factor: e.Auth.Factor},
		Tenant:   e.Tenant,
		Origin:   e.Origin,
	}
}

// NetworkKey is the key under which the source lane sees the event beside
// others of its source network, net:<tenant>/<network>; "" when the event is
// no sign-in attempt of a person, or tells no address.
func (e *Event) NetworkKey() string {
	if e.Kind != KindEvent || e.Action != SignIn || e.User.Subject == "" || e.User.Kind == Service || !e.Source.IP.IsValid() {
		return ""
	}
	if e.Outcome != Success && e.Outcome != Failure {
		return ""
	}
	return NetworkPrefix + Key(e.Tenant, Network(e.Source.IP).String())
}

// AppKey is the key under which the source lane sees the event beside others
// of its application, app:<tenant>/<id, else name>; "" when nobody has begun to
// use or let in an application with it.
func (e *Event) AppKey() string {
	if e.Kind != KindEvent || e.Outcome != Success || e.User.Subject == "" {
		return ""
	}
	switch e.Action {
	case SignIn, TokenIssue, ConsentGrant:
	default:
		return ""
	}
	app := e.App.ID
	if app == "" {
		app = e.App.Name
	}
	if app == "" {
		return ""
	}
	return AppPrefix + Key(e.Tenant, app)
}
