package event

import (
	"fmt"
	"math"
	"net/netip"

	"github.com/valyala/fastjson"
)

// A Decoder reads events in their JSON form. It reuses its buffers, is not safe
// for concurrent use and must not be copied. The events' strings stand in an
// Arena: whoever keeps one for long clones it.
type Decoder struct {
	parser fastjson.Parser
	texts  Arena
}

// Decode reads one event. Unknown fields are ignored, so that an older reader
// takes a newer record; an unknown action, outcome or reason, or an event
// without time, kind or id, is an error.
func (d *Decoder) Decode(raw []byte) (Event, error) {
	var e Event
	err := d.DecodeInto(raw, &e)
	return e, err
}

// DecodeInto is Decode into an event that is used again, which need not be
// copied. After an error it holds nothing of use.
func (d *Decoder) DecodeInto(raw []byte, e *Event) error {
	*e = Event{}
	if scan(raw, &d.texts, e) && e.missing() == nil {
		return nil
	}
	v, err := d.parser.ParseBytes(raw)
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	*e = Event{}
	return fromJSON(v, &d.texts, e)
}

// FromJSON reads an event from a parsed value; see Decode. Its strings are made
// in texts.
func FromJSON(v *fastjson.Value, texts *Arena) (Event, error) {
	var e Event
	err := fromJSON(v, texts, &e)
	return e, err
}

func fromJSON(v *fastjson.Value, texts *Arena, e *Event) error {
	r := reader{texts: texts}
	r.time(v, "@timestamp", &e.Time)

	ev := v.Get("event")
	e.ID = r.text(ev, "id")
	e.Kind = oneOf(&r, ev, "kind", Kinds[:])
	e.Action = oneOf(&r, ev, "action", Actions[:])
	e.Outcome = oneOf(&r, ev, "outcome", Outcomes[:])
	e.Reason = oneOf(&r, ev, "reason", Reasons[:])
	e.Code = r.text(ev, "code")
	e.Provider = r.text(ev, "provider")
	e.Original = r.text(ev, "original")

	u := v.Get("user")
	e.User = User{
		ID: r.text(u, "id"), Name: r.text(u, "name"), Email: r.text(u, "email"), FullName: r.text(u, "full_name"),
		Kind:       oneOf(&r, u, "kind", userKinds[:]),
		Privileged: flag(u, "privileged"),
		Subject:    r.text(u, "subject"),
	}
	if leaked := u.Get("leaked"); leaked != nil {
		e.User.Leaked.List = r.text(leaked, "list")
		r.time(leaked, "at", &e.User.Leaked.At)
	}
	r.source(v.Get("source"), &e.Source)

	ua := v.Get("user_agent")
	e.UserAgent = UserAgent{r.text(ua, "id"), r.text(ua, "original"), r.text(ua, "name"), r.text(ua, "version"), r.text(ua.Get("os"), "name")}
	dev := v.Get("device")
	e.Device = Device{r.text(dev, "id"), flag(dev, "managed"), flag(dev, "compliant")}
	e.Session.ID = r.text(v.Get("session"), "id")
	app := v.Get("app")
	e.App = App{r.text(app, "id"), r.text(app, "name"), flag(app, "sanctioned")}
	res := v.Get("resource")
	e.Resource = Resource{
		ID: r.text(res, "id"), Name: r.text(res, "name"), Classification: r.text(res, "classification"),
		AccessWindow: oneOf(&r, res, "access_window", AccessWindows[:]),
	}
	auth := v.Get("auth")
	e.Auth = Auth{r.text(auth, "method"), oneOf(&r, auth, "factor", Factors[:]), r.text(auth, "protocol")}
	risk := v.Get("idp_risk")
	e.IDPRisk = IDPRisk{r.text(risk, "level"), r.text(risk, "reasons")}
	e.Tenant = r.text(v.Get("organization"), "id")
	o := v.Get("origin")
	e.Origin = Origin{r.text(o, "topic"), r.text(o, "topic_id"), int32(o.GetInt("partition")), o.GetInt64("offset"), int32(o.GetInt("index"))}
	if s := v.Get("signal"); s != nil {
		e.Signal = Signal{Users: count(s, "users"), Attempts: count(s, "attempts"), Tries: count(s, "tries"), Networks: count(s, "networks")}
		r.time(s, "since", &e.Signal.Since)
		r.time(s, "signed_in", &e.Signal.SignedIn)
	}

	if r.err != nil {
		return r.err
	}
	return e.missing()
}

// missing is the error of an event without what every event has.
func (e *Event) missing() error {
	switch {
	case e.Time == 0:
		return fmt.Errorf("@timestamp is missing")
	case e.Kind == "":
		return fmt.Errorf("event.kind is missing")
	case e.ID == "":
		return fmt.Errorf("event.id is missing")
	}
	return nil
}

// reader makes the strings of a decode and keeps its first error.
type reader struct {
	texts *Arena
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) time(v *fastjson.Value, name string, into *Time) {
	raw := v.GetStringBytes(name)
	if raw == nil {
		return
	}
	if err := into.UnmarshalText(raw); err != nil {
		r.fail("%s: %w", name, err)
	}
}

func (r *reader) source(v *fastjson.Value, s *Source) {
	if raw := v.GetStringBytes("ip"); raw != nil {
		ip, err := netip.ParseAddr(r.texts.String(raw))
		if err != nil {
			r.fail("source.ip %.50q is no address", raw)
		}
		s.IP = ip
	}
	s.Corporate = flag(v, "corporate")
	s.Anonymizer = r.text(v, "anonymizer")
	s.ThreatList = r.text(v.Get("threat"), "list")
	g := v.Get("geo")
	s.Geo = Geo{Country: r.text(g, "country_iso_code"), City: r.text(g, "city_name"), Name: r.text(g, "name"), AccuracyKM: g.GetFloat64("accuracy_km")}
	if l := g.Get("location"); l != nil {
		s.Geo.Lat, s.Geo.Lon, s.Geo.Located = l.GetFloat64("lat"), l.GetFloat64("lon"), true
	}
	as := v.Get("as")
	s.AS = AS{uint32(as.GetUint64("number")), r.text(as.Get("organization"), "name"), r.text(as, "type")}
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

func (r *reader) text(v *fastjson.Value, name string) string {
	return r.texts.String(v.GetStringBytes(name))
}

// count reads a number of things; 0 where it is none.
func count(v *fastjson.Value, name string) uint32 {
	return uint32(min(v.GetUint64(name), math.MaxUint32))
}

func flag(v *fastjson.Value, name string) Flag {
	b := v.Get(name)
	if b == nil || (b.Type() != fastjson.TypeTrue && b.Type() != fastjson.TypeFalse) {
		return Unknown
	}
	return FlagOf(b.Type() == fastjson.TypeTrue)
}
