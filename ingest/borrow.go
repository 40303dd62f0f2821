package ingest

import (
	"unsafe"

	"github.com/riskstream/riskstream/event"
)

// A parse function reads many more texts than its event keeps: types, numbers,
// names to compare with. So none of them is copied at first. What text and
// cleanText return is borrowed: it stands in the buffers of the JSON parser, or
// in the record, and is valid until the next element is parsed. own then copies
// what the events keep.

// borrow is b as a string, without a copy. b must not change while the string
// is in use. This is the only use of unsafe in the package.
func borrow(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// own gives the event strings of its own for those that it borrowed.
func own(e *event.Event, texts *event.Arena) {
	for _, s := range [...]*string{
		(*string)(&e.Action), (*string)(&e.Outcome), (*string)(&e.Reason),
		(*string)(&e.User.Kind), (*string)(&e.Auth.Factor),
	} {
		*s = texts.Clone(*s)
	}
	for _, s := range textsOf(e) {
		if *s != "" {
			*s = texts.Clone(*s)
		}
	}
}

// textsOf are the strings of an event that are no words of the contract, but
// for the original.
func textsOf(e *event.Event) [35]*string {
	return [...]*string{
		&e.ID, &e.Code, &e.Provider, &e.Tenant,
		&e.User.ID, &e.User.Name, &e.User.Email, &e.User.FullName, &e.User.Subject, &e.User.Leaked.List,
		&e.Source.Anonymizer, &e.Source.ThreatList, &e.Source.Geo.Country, &e.Source.Geo.City, &e.Source.Geo.Name,
		&e.Source.AS.Organization, &e.Source.AS.Type,
		&e.UserAgent.ID, &e.UserAgent.Original, &e.UserAgent.Name, &e.UserAgent.Version, &e.UserAgent.OS,
		&e.Device.ID, &e.Session.ID, &e.App.ID, &e.App.Name,
		&e.Resource.ID, &e.Resource.Name, &e.Resource.Classification,
		&e.Auth.Method, &e.Auth.Protocol, &e.IDPRisk.Level, &e.IDPRisk.Reasons,
		&e.Origin.Topic, &e.Origin.TopicID,
	}
}
