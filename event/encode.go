package event

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON appends the event's JSON form: nested objects in the contract's
// order, absent fields left out. It allocates only to grow b.
func (e *Event) AppendJSON(b []byte) []byte {
	w := Writer{buf: append(b, '{')}
	w.Time("@timestamp", e.Time)
	w.Object("event", func() {
		w.Text("id", e.ID)
		w.Text("kind", string(e.Kind))
		w.Text("action", string(e.Action))
		w.Text("outcome", string(e.Outcome))
		w.Text("reason", string(e.Reason))
		w.Text("code", e.Code)
		w.Text("provider", e.Provider)
		w.Text("original", e.Original)
	})
	w.Object("user", func() {
		w.Text("id", e.User.ID)
		w.Text("name", e.User.Name)
		w.Text("email", e.User.Email)
		w.Text("full_name", e.User.FullName)
		w.Text("kind", string(e.User.Kind))
		w.Flag("privileged", e.User.Privileged)
		w.Text("subject", e.User.Subject)
		w.Object("leaked", func() {
			w.Text("list", e.User.Leaked.List)
			w.Time("at", e.User.Leaked.At)
		})
	})
	w.Object("source", func() { w.source(&e.Source) })
	w.Object("user_agent", func() {
		w.Text("id", e.UserAgent.ID)
		w.Text("original", e.UserAgent.Original)
		w.Text("name", e.UserAgent.Name)
		w.Text("version", e.UserAgent.Version)
		w.Object("os", func() { w.Text("name", e.UserAgent.OS) })
	})
	w.Object("device", func() {
		w.Text("id", e.Device.ID)
		w.Flag("managed", e.Device.Managed)
		w.Flag("compliant", e.Device.Compliant)
	})
	w.Object("session", func() { w.Text("id", e.Session.ID) })
	w.Object("app", func() {
		w.Text("id", e.App.ID)
		w.Text("name", e.App.Name)
		w.Flag("sanctioned", e.App.Sanctioned)
	})
	w.Object("resource", func() {
		w.Text("id", e.Resource.ID)
		w.Text("name", e.Resource.Name)
		w.Text("classification", e.Resource.Classification)
		w.Text("access_window", string(e.Resource.AccessWindow))
	})
	w.Object("auth", func() {
		w.Text("method", e.Auth.Method)
		w.Text("factor", string(e.Auth.Factor))
		w.Text("protocol", e.Auth.Protocol)
	})
	w.Object("idp_risk", func() {
		w.Text("level", e.IDPRisk.Level)
		w.Text("reasons", e.IDPRisk.Reasons)
	})
	w.Object("organization", func() { w.Text("id", e.Tenant) })
	w.Object("origin", func() { w.origin(&e.Origin) })
	w.Object("signal", func() { w.signal(&e.Signal) })
	return append(w.buf, '}')
}

func (w *Writer) source(s *Source) {
	if s.IP.IsValid() {
		w.key("ip")
		w.buf = append(w.buf, '"')
		w.buf = s.IP.AppendTo(w.buf)
		w.buf = append(w.buf, '"')
	}
	w.Flag("corporate", s.Corporate)
	w.Text("anonymizer", s.Anonymizer)
	w.Object("threat", func() { w.Text("list", s.ThreatList) })
	w.Object("geo", func() {
		w.Text("country_iso_code", s.Geo.Country)
		w.Text("city_name", s.Geo.City)
		w.Text("name", s.Geo.Name)
		if s.Geo.Located {
			w.Object("location", func() {
				w.exact("lat", s.Geo.Lat)
				w.exact("lon", s.Geo.Lon)
			})
		}
		if s.Geo.AccuracyKM > 0 {
			w.exact("accuracy_km", s.Geo.AccuracyKM)
		}
	})
	w.Object("as", func() {
		if s.AS.Number != 0 {
			w.Int("number", int64(s.AS.Number))
		}
		w.Object("organization", func() { w.Text("name", s.AS.Organization) })
		w.Text("type", s.AS.Type)
	})
}

func (w *Writer) origin(o *Origin) {
	if !o.Set() {
		return
	}
	w.Text("topic", o.Topic)
	w.Text("topic_id", o.TopicID)
	w.Int("partition", int64(o.Partition))
	w.Int("offset", o.Offset)
	w.Int("index", int64(o.Index))
}

func (w *Writer) signal(s *Signal) {
	if *s == (Signal{}) {
		return
	}
	w.Int("users", int64(s.Users))
	w.Int("attempts", int64(s.Attempts))
	w.Int("tries", int64(s.Tries))
	if s.Networks != 0 {
		w.Int("networks", int64(s.Networks))
	}
	w.Time("since", s.Since)
	w.Time("signed_in", s.SignedIn)
}

// Writer appends the members of JSON objects to a buffer in the order of its
// calls. Empty texts, Unknown flags, absent times and empty objects leave
// nothing behind. It is the one writer of every record that riskstream makes,
// so that records are byte-for-byte repeatable.
type Writer struct{ buf []byte }

// NewWriter appends to b, which must end where an object's members may begin.
func NewWriter(b []byte) *Writer { return &Writer{buf: b} }

// Bytes is what has been written, the buffer given to NewWriter first.
func (w *Writer) Bytes() []byte { return w.buf }

// Raw appends JSON text as it stands.
func (w *Writer) Raw(s string) { w.buf = append(w.buf, s...) }

// Key appends a member's name; the caller appends its value.
func (w *Writer) Key(name string) { w.key(name) }

func (w *Writer) key(name string) {
	b := w.buf
	if c := b[len(b)-1]; c != '{' && c != '[' {
		b = append(b, ',', '"')
	} else {
		b = append(b, '"')
	}
	b = append(b, name...)
	w.buf = append(b, '"', ':')
}

// Object writes a member whose value is an object that fill writes; an empty
// one is left out.
func (w *Writer) Object(name string, fill func()) {
	before := len(w.buf)
	w.key(name)
	w.buf = append(w.buf, '{')
	open := len(w.buf)
	fill()
	if len(w.buf) == open {
		w.buf = w.buf[:before]
		return
	}
	w.buf = append(w.buf, '}')
}

// Text writes a string member, unless it is empty.
func (w *Writer) Text(name, value string) {
	if value == "" {
		return
	}
	w.key(name)
	w.buf = AppendString(w.buf, value)
}

// String writes a string value where a key or an array's comma was written.
func (w *Writer) String(value string) { w.buf = AppendString(w.buf, value) }

// Facts writes an object of facts, in their order.
func (w *Writer) Facts(facts []Fact) {
	w.buf = append(w.buf, '{')
	for i := range facts {
		if f := &facts[i]; f.IsNumber {
			w.Fixed(f.Name, f.Number, 2)
		} else {
			w.key(f.Name)
			w.buf = AppendString(w.buf, f.Text)
		}
	}
	w.buf = append(w.buf, '}')
}

// Flag writes a boolean member, unless it is Unknown.
func (w *Writer) Flag(name string, f Flag) {
	if f == Unknown {
		return
	}
	w.key(name)
	w.buf = strconv.AppendBool(w.buf, f == True)
}

// Int writes an integer member.
func (w *Writer) Int(name string, n int64) {
	w.key(name)
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Fixed writes a number member with the given count of decimals.
func (w *Writer) Fixed(name string, f float64, decimals int) {
	w.key(name)
	w.buf = AppendFixed(w.buf, f, decimals)
}

func (w *Writer) exact(name string, f float64) {
	w.key(name)
	w.buf = strconv.AppendFloat(w.buf, f, 'f', -1, 64)
}

// Time writes a time member, unless it is absent.
func (w *Writer) Time(name string, t Time) {
	if t == 0 {
		return
	}
	w.key(name)
	w.buf = append(w.buf, '"')
	w.buf = t.AppendText(w.buf)
	w.buf = append(w.buf, '"')
}

// AppendFixed appends f with the given count of decimals; −0.00 is written
// 0.00, and what JSON has no number for is written 0.
func AppendFixed(b []byte, f float64, decimals int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) < 0.5*math.Pow10(-decimals) {
		f = 0
	}
	return strconv.AppendFloat(b, f, 'f', decimals, 64)
}

// plainWords is the length of the words of 8 bytes at the start of s that hold
// nothing to escape or check: most texts are such words and a few bytes more.
func plainWords(s string) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		w := uint64(s[n]) | uint64(s[n+1])<<8 | uint64(s[n+2])<<16 | uint64(s[n+3])<<24 |
			uint64(s[n+4])<<32 | uint64(s[n+5])<<40 | uint64(s[n+6])<<48 | uint64(s[n+7])<<56
		quote, backslash := w^('"'*ones), w^('\\'*ones)
		// The high bit of a byte is set in w from 0x80 on, in w+1 for 0x7f too,
		// and in x-n where the byte is less than n. A carry or a borrow comes
		// only from a byte that is found itself.
		found := w | (w + ones) | (w - ' '*ones) | (quote - ones) | (backslash - ones)
		if found&highs != 0 {
			break
		}
	}
	return n
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. Control characters are escaped and
// invalid UTF-8 is replaced, so that no log line can break a consumer.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := plainWords(s); i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < 0x7f {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			b = append(b, s[from:i]...)
			b = append(b, "\ufffd"...)
		} else {
			b = append(b, s[from:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
		}
		i++
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// AppendLower appends strings.ToLower(s), to compare it or look it up without an
// allocation.
func AppendLower(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			return append(b[:len(b)-i], strings.ToLower(s)...)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
