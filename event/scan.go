package event

import (
	"bytes"
	"math"
	"net/netip"

	"github.com/valyala/fastjson/fastfloat"
)

// scanner reads an event in exactly the form that AppendJSON writes: members in
// the contract's order, no spaces, no escapes, nothing unknown. That is nearly
// every event that there is, and takes a quarter of the time that parsing JSON
// does. Of anything else it says that it is not in that form, and the general
// way decides: only what both read to the same event may pass here.
//
// The methods mirror those of Writer. After the first that fails, all do
// nothing.
type scanner struct {
	raw   []byte
	at    int // what stands before it has been read
	texts *Arena
	odd   bool // not in the form
}

// scan reads raw into the zero event e. What e holds when it is not ok is no
// event.
func scan(raw []byte, texts *Arena, e *Event) (ok bool) {
	if len(raw) == 0 || raw[0] != '{' || bytes.IndexByte(raw, '\\') >= 0 {
		return false
	}
	s := scanner{raw: raw, at: 1, texts: texts}
	s.time("@timestamp", &e.Time)
	if s.open("event") {
		s.text("id", &e.ID)
		e.Kind = scanWord(&s, "kind", Kinds[:])
		e.Action = scanWord(&s, "action", Actions[:])
		e.Outcome = scanWord(&s, "outcome", Outcomes[:])
		e.Reason = scanWord(&s, "reason", Reasons[:])
		s.text("code", &e.Code)
		s.text("provider", &e.Provider)
		s.text("original", &e.Original)
		s.close()
	}
	if s.open("user") {
		s.text("id", &e.User.ID)
		s.text("name", &e.User.Name)
		s.text("email", &e.User.Email)
		s.text("full_name", &e.User.FullName)
		e.User.Kind = scanWord(&s, "kind", userKinds[:])
		s.flag("privileged", &e.User.Privileged)
		s.text("subject", &e.User.Subject)
		if s.open("leaked") {
			s.text("list", &e.User.Leaked.List)
			s.time("at", &e.User.Leaked.At)
			s.close()
		}
		s.close()
	}
	if s.open("source") {
		s.source(&e.Source)
		s.close()
	}
	if s.open("user_agent") {
		s.text("id", &e.UserAgent.ID)
		s.text("original", &e.UserAgent.Original)
		s.text("name", &e.UserAgent.Name)
		s.text("version", &e.UserAgent.Version)
		if s.open("os") {
			s.text("name", &e.UserAgent.OS)
			s.close()
		}
		s.close()
	}
	if s.open("device") {
		s.text("id", &e.Device.ID)
		s.flag("managed", &e.Device.Managed)
		s.flag("compliant", &e.Device.Compliant)
		s.close()
	}
	if s.open("session") {
		s.text("id", &e.Session.ID)
		s.close()
	}
	if s.open("app") {
		s.text("id", &e.App.ID)
		s.text("name", &e.App.Name)
		s.flag("sanctioned", &e.App.Sanctioned)
		s.close()
	}
	if s.open("resource") {
		s.text("id", &e.Resource.ID)
		s.text("name", &e.Resource.Name)
		s.text("classification", &e.Resource.Classification)
		e.Resource.AccessWindow = scanWord(&s, "access_window", AccessWindows[:])
		s.close()
	}
	if s.open("auth") {
		s.text("method", &e.Auth.Method)
		e.Auth.Factor = scanWord(&s, "factor", Factors[:])
		s.text("protocol", &e.Auth.Protocol)
		s.close()
	}
	if s.open("idp_risk") {
		s.text("level", &e.IDPRisk.Level)
		s.text("reasons", &e.IDPRisk.Reasons)
		s.close()
	}
	if s.open("organization") {
		s.text("id", &e.Tenant)
		s.close()
	}
	if s.open("origin") {
		s.text("topic", &e.Origin.Topic)
		s.text("topic_id", &e.Origin.TopicID)
		e.Origin.Partition = int32(s.int("partition"))
		e.Origin.Offset = s.int("offset")
		e.Origin.Index = int32(s.int("index"))
		s.close()
	}
	if s.open("signal") {
		s.count("users", &e.Signal.Users)
		s.count("attempts", &e.Signal.Attempts)
		s.count("tries", &e.Signal.Tries)
		s.count("networks", &e.Signal.Networks)
		s.time("since", &e.Signal.Since)
		s.time("signed_in", &e.Signal.SignedIn)
		s.close()
	}
	s.close()
	return !s.odd && s.at == len(raw)
}

func (s *scanner) source(to *Source) {
	if raw := s.quoted("ip"); raw != nil {
		ip, err := netip.ParseAddr(s.texts.String(raw))
		s.odd = s.odd || err != nil
		to.IP = ip
	}
	s.flag("corporate", &to.Corporate)
	s.text("anonymizer", &to.Anonymizer)
	if s.open("threat") {
		s.text("list", &to.ThreatList)
		s.close()
	}
	if s.open("geo") {
		s.text("country_iso_code", &to.Geo.Country)
		s.text("city_name", &to.Geo.City)
		s.text("name", &to.Geo.Name)
		if s.open("location") {
			to.Geo.Located = true
			s.float("lat", &to.Geo.Lat)
			s.float("lon", &to.Geo.Lon)
			s.close()
		}
		s.float("accuracy_km", &to.Geo.AccuracyKM)
		s.close()
	}
	if s.open("as") {
		n := s.int("number")
		s.odd = s.odd || n < 0
		to.AS.Number = uint32(n)
		if s.open("organization") {
			s.text("name", &to.AS.Organization)
			s.close()
		}
		s.text("type", &to.AS.Type)
		s.close()
	}
}

// has reports whether the next member has the name, and steps to its value.
func (s *scanner) has(name string) bool {
	if s.odd {
		return false
	}
	at := s.at
	if s.raw[at-1] != '{' {
		if at >= len(s.raw) || s.raw[at] != ',' {
			return false
		}
		at++
	}
	end := at + len(name) + len(`"":`)
	if end >= len(s.raw) || s.raw[at] != '"' || s.raw[end-2] != '"' || s.raw[end-1] != ':' || string(s.raw[at+1:end-2]) != name {
		return false
	}
	s.at = end
	return true
}

// next steps over one byte, which must be c.
func (s *scanner) next(c byte) {
	if s.odd || s.at >= len(s.raw) || s.raw[s.at] != c {
		s.odd = true
		return
	}
	s.at++
}

// open enters the member of that name, an object; it reports false where there
// is none.
func (s *scanner) open(name string) bool {
	if !s.has(name) {
		return false
	}
	s.next('{')
	return !s.odd
}

// close leaves an object. What it still holds is not known here.
func (s *scanner) close() { s.next('}') }

// quoted is what stands between the quotes of a member; nil where there is
// none.
func (s *scanner) quoted(name string) []byte {
	if !s.has(name) {
		return nil
	}
	s.next('"')
	if s.odd {
		return nil
	}
	length := bytes.IndexByte(s.raw[s.at:], '"')
	if length < 0 {
		s.odd = true
		return nil
	}
	b := s.raw[s.at : s.at+length]
	s.at += length + 1
	return b
}

func (s *scanner) text(name string, to *string) {
	if b := s.quoted(name); len(b) > 0 {
		*to = s.texts.String(b)
	}
}

func (s *scanner) time(name string, to *Time) {
	if b := s.quoted(name); b != nil && to.UnmarshalText(b) != nil {
		s.odd = true
	}
}

// count is a number of things.
func (s *scanner) count(name string, to *uint32) {
	n := s.int(name)
	s.odd = s.odd || n < 0 || n > math.MaxUint32
	*to = uint32(n)
}

// scanWord is a word of the list, the list's own.
func scanWord[S ~string](s *scanner, name string, list []S) S {
	b := s.quoted(name)
	if b == nil {
		return ""
	}
	for _, known := range list {
		if string(b) == string(known) {
			return known
		}
	}
	s.odd = true
	return ""
}

func (s *scanner) flag(name string, to *Flag) {
	if !s.has(name) {
		return
	}
	switch rest := s.raw[s.at:]; {
	case bytes.HasPrefix(rest, []byte("true")):
		*to = True
		s.at += len("true")
	case bytes.HasPrefix(rest, []byte("false")):
		*to = False
		s.at += len("false")
	default:
		s.odd = true
	}
}

// number is the digits of a number, with sign and point; nil where there is no
// member of that name.
func (s *scanner) number(name string) []byte {
	if !s.has(name) {
		return nil
	}
	from := s.at
	for s.at < len(s.raw) && (s.raw[s.at] >= '0' && s.raw[s.at] <= '9' || s.raw[s.at] == '.' || s.raw[s.at] == '-') {
		s.at++
	}
	return s.raw[from:s.at]
}

// maxDigits is how many digits surely fit an int64.
const maxDigits = 18

func (s *scanner) int(name string) int64 {
	b := s.number(name)
	if b == nil {
		return 0
	}
	digits := bytes.TrimPrefix(b, []byte{'-'})
	if len(digits) == 0 || len(digits) > maxDigits {
		s.odd = true
		return 0
	}
	n := int64(0)
	for _, c := range digits {
		if c < '0' || c > '9' {
			s.odd = true
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(b) {
		n = -n
	}
	return n
}

func (s *scanner) float(name string, to *float64) {
	b := s.number(name)
	if b == nil {
		return
	}
	f, err := fastfloat.Parse(s.texts.String(b))
	s.odd = s.odd || err != nil
	*to = f
}
