package event

// Prefixes of the record keys of risk.activity. Each is a kind of key.
const (
	NetworkPrefix = "net:" // a source network
	AppPrefix     = "app:" // an application
	OrgPrefix     = "org:" // a whole organisation: the tenant
)

// Codes of the notes (KindSignal, IDPSignal) that a key of the source lane
// leaves for another. They stand in risk.activity only.
const (
	NoteTried    = "note_tried"    // to the organisation: a wrong password on somebody who has not come in from that network; Signal.Tries of them so far, and on Signal.Users others where hardly anybody comes in
	NoteCameIn   = "note_came_in"  // to the organisation: who mistyped it there has come in from there after all
	NoteCampaign = "note_campaign" // to a network: it has taken part in a campaign from many networks, or over days
	NoteAppSeen  = "note_app_seen" // to the organisation: an application is seen for the first time
	NoteNewApp   = "note_new_app"  // to the application: it is new
	NoteOldApp   = "note_old_app"  // to the application: the organisation has not been watched for long enough to know
)

// AppendActivities appends what the source lane is told of the event: one
// activity for its source network and one for its application, as far as it
// concerns them.
func (e *Event) AppendActivities(out []Event) []Event {
	if e.NetworkKey() != "" {
		out = append(out, e.NetworkActivity())
	}
	if e.AppKey() != "" {
		out = append(out, e.AppActivity())
	}
	return out
}

// NetworkActivity is what the source lane needs to know of the event beside
// others of its source network: who did what, and where the raw event stood. It
// names the subject and nothing else of the person.
func (e *Event) NetworkActivity() Event {
	a := e.activity()
	a.Reason = e.Reason
	a.Source = Source{IP: e.Source.IP, Corporate: e.Source.Corporate, Anonymizer: e.Source.Anonymizer, AS: e.Source.AS}
	a.Auth.Factor = e.Auth.Factor
	return a
}

// AppActivity is what it needs to know beside others of its application. That
// it names no network tells the two apart.
func (e *Event) AppActivity() Event {
	a := e.activity()
	a.App = e.App
	return a
}

func (e *Event) activity() Event {
	return Event{
		Time:     e.Time,
		ID:       e.ID,
		Kind:     e.Kind,
		Action:   e.Action,
		Outcome:  e.Outcome,
		Provider: e.Provider,
		User:     User{Kind: e.User.Kind, Subject: e.User.Subject},
		Tenant:   e.Tenant,
		Origin:   e.Origin,
	}
}

// ActivityKey is the key under which the source lane sees an activity or a
// note; "" for a signal to a subject, and for what does not concern it.
func (e *Event) ActivityKey() string {
	if e.Kind == KindSignal && e.Action == IDPSignal {
		switch e.Code {
		case NoteTried, NoteCameIn, NoteAppSeen:
			return OrgPrefix + e.Tenant
		case NoteCampaign:
			return e.networkKey()
		case NoteNewApp, NoteOldApp:
			return e.appKey()
		}
		return ""
	}
	if key := e.NetworkKey(); key != "" {
		return key
	}
	return e.AppKey()
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
	return e.networkKey()
}

func (e *Event) networkKey() string {
	return NetworkPrefix + Key(e.Tenant, Network(e.Source.IP).String())
}

// AppKey is the key under which the source lane sees the event beside others
// of its application, app:<tenant>/<id, else name>; "" when no person has begun
// to use or let in an application with it, or one that is sanctioned.
func (e *Event) AppKey() string {
	if e.Kind != KindEvent || e.Outcome != Success || e.User.Subject == "" || e.User.Kind == Service || e.App.Sanctioned == True {
		return ""
	}
	switch e.Action {
	case SignIn, TokenIssue, ConsentGrant:
	default:
		return ""
	}
	return e.appKey()
}

func (e *Event) appKey() string {
	app := e.App.ID
	if app == "" {
		app = e.App.Name
	}
	if app == "" {
		return ""
	}
	return AppPrefix + Key(e.Tenant, app)
}
