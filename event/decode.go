package event

import (
	"fmt"
	"net/netip"

	"github.com/valyala/fastjson"
)

// A Decoder reads events in their JSON form. It reuses its buffers and is not
// safe for concurrent use.
type Decoder struct{ parser fastjson.Parser }

// Decode reads one event. Unknown fields are ignored, so that an older reader
// takes a newer record; an unknown action, outcome or reason, or an event
// without time, kind or id, is an error.
func (d *Decoder) Decode(raw []byte) (Event, error) {
	v, err := d.parser.ParseBytes(raw)
	if err != nil {
		return Event{}, fmt.Errorf("not JSON: %w", err)
	}
	return FromJSON(v)
}

// FromJSON reads an event from a parsed value; see Decode.
func FromJSON(v *fastjson.Value) (Event, error) {
	var e Event
	r := reader{}
	r.time(v, &e.Time)

	ev := v.Get("event")
	e.ID = text(ev, "id")
	e.Kind = Kind(oneOf(&r, ev, "kind", []Kind{KindEvent, KindSignal}))
	e.Action = oneOf(&r, ev, "action", Actions[:])
	e.Outcome = oneOf(&r, ev, "outcome", Outcomes[:])
	e.Reason = oneOf(&r, ev, "reason", Reasons[:])
	e.Code = text(ev, "code")
	e.Provider = text(ev, "provider")
	e.Original = text(ev, "original")

	u := v.Get("user")
	e.User = User{
		ID: text(u, "id"), Name: text(u, "name"), Email: text(u, "email"), FullName: text(u, "full_name"),
		Kind:       oneOf(&r, u, "kind", []UserKind{Human, Service, UserUnknown}),
		Privileged: flag(u, "privileged"),
		Subject:    text(u, "subject"),
	}
	r.source(v.Get("source"), &e.Source)

	ua := v.Get("user_agent")
	e.UserAgent = UserAgent{text(ua, "original"), text(ua, "name"), text(ua, "version"), text(ua.Get("os"), "name")}
	dev := v.Get("device")
	e.Device = Device{text(dev, "id"), flag(dev, "managed"), flag(dev, "compliant")}
	e.Session.ID = text(v.Get("session"), "id")
	app := v.Get("app")
	e.App = App{text(app, "id"), text(app, "name"), flag(app, "sanctioned")}
	res := v.Get("resource")
	e.Resource = Resource{text(res, "id"), text(res, "name"), text(res, "classification")}
	auth := v.Get("auth")
	e.Auth = Auth{text(auth, "method"), oneOf(&r, auth, "factor", Factors[:]), text(auth, "protocol")}
	risk := v.Get("idp_risk")
	e.IDPRisk = IDPRisk{text(risk, "level"), text(risk, "reasons")}
	e.Tenant = text(v.Get("organization"), "id")
	o := v.Get("origin")
	e.Origin = Origin{text(o, "topic"), text(o, "topic_id"), int32(o.GetInt("partition")), o.GetInt64("offset"), int32(o.GetInt("index"))}

	switch {
	case r.err != nil:
	case e.Time == 0:
		r.err = fmt.Errorf("@timestamp is missing")
	case e.Kind == "":
		r.err = fmt.Errorf("event.kind is missing")
	case e.ID == "":
		r.err = fmt.Errorf("event.id is missing")
	}
	return e, r.err
}

// reader keeps the first error of a decode.
type reader struct{ err error }

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) time(v *fastjson.Value, into *Time) {
	raw := v.GetStringBytes("@timestamp")
	if raw == nil {
		return
	}
	if err := into.UnmarshalText(raw); err != nil {
		r.fail("@timestamp: %w", err)
	}
}

func (r *reader) source(v *fastjson.Value, s *Source) {
	if raw := v.GetStringBytes("ip"); raw != nil {
		ip, err := netip.ParseAddr(string(raw))
		if err != nil {
			r.fail("source.ip %.50q is no address", raw)
		}
		s.IP = ip
	}
	s.Corporate = flag(v, "corporate")
	s.Anonymizer = text(v, "anonymizer")
	g := v.Get("geo")
	s.Geo = Geo{Country: text(g, "country_iso_code"), City: text(g, "city_name"), Name: text(g, "name"), AccuracyKM: g.GetFloat64("accuracy_km")}
	if l := g.Get("location"); l != nil {
		s.Geo.Lat, s.Geo.Lon, s.Geo.Located = l.GetFloat64("lat"), l.GetFloat64("lon"), true
	}
	as := v.Get("as")
	s.AS = AS{uint32(as.GetUint64("number")), text(as.Get("organization"), "name"), text(as, "type")}
}

// oneOf reads a string that must be in the list. It returns the list's own
// string, so that the common case allocates nothing.
func oneOf[S ~string](r *reader, v *fastjson.Value, name string, list []S) S {
	raw := v.GetStringBytes(name)
	if raw == nil {
		return ""
	}
	for _, known := range list {
		if string(raw) == string(known) {
			return known
		}
	}
	r.fail("%s %.40q is not in the contract", name, raw)
	return ""
}

func text(v *fastjson.Value, name string) string { return string(v.GetStringBytes(name)) }

func flag(v *fastjson.Value, name string) Flag {
	b := v.Get(name)
	if b == nil || (b.Type() != fastjson.TypeTrue && b.Type() != fastjson.TypeFalse) {
		return Unknown
	}
	return FlagOf(b.Type() == fastjson.TypeTrue)
}
