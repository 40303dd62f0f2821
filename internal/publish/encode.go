package publish

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/riskstream/riskstream/event"
)

// Decimals of the numbers in records. Fixed decimals make records repeatable
// byte for byte, and their points sum exactly.
const (
	decimals    = 2
	llrDecimals = 3
)

// AppendDetection appends the record of risk.detections that d causes: what
// was seen at which event, in one JSON object. Its key is event.Key of the
// event's tenant and subject. config is the hash of the configuration.
func AppendDetection(b []byte, e *event.Event, d *event.Detection, config string) []byte {
	w := event.NewWriter(append(b, '{'))
	w.Time("time", e.Time)
	w.Text("tenant", e.Tenant)
	w.Text("subject", e.User.Subject)
	w.Text("name", d.Name)
	w.Text("group", string(d.Group))
	w.Fixed("strength", d.Strength, decimals)
	w.Fixed("llr", d.LLR, llrDecimals)
	w.Int("half_life_s", d.HalfLife)
	w.Fixed("points", d.Points, decimals)
	w.Text("summary", d.Summary)
	w.Object("evidence", func() { appendEvidence(w, d.Evidence) })
	if d.Rule != nil {
		w.Object("rule", func() { appendRule(w, d.Rule) })
	}
	w.Object("event", func() {
		w.Text("id", e.ID)
		w.Text("action", string(e.Action))
		w.Text("outcome", string(e.Outcome))
		w.Text("provider", e.Provider)
	})
	if e.Source.IP.IsValid() {
		w.Object("source", func() { w.Text("ip", e.Source.IP.String()) })
	}
	w.Object("session", func() { w.Text("id", e.Session.ID) })
	w.Object("origin", func() { appendOrigin(w, e.Origin) })
	w.Text("config", config)
	return append(w.Bytes(), '}')
}

func appendEvidence(w *event.Writer, facts []event.Fact) {
	for _, fact := range facts {
		if fact.IsNumber {
			w.Fixed(fact.Name, fact.Number, decimals)
		} else {
			w.Text(fact.Name, fact.Text)
		}
	}
}

func appendRule(w *event.Writer, r *event.RuleInfo) {
	w.Text("id", r.ID)
	w.Text("title", r.Title)
	w.Text("severity", r.Severity)
	if len(r.Tags) > 0 {
		w.Key("tags")
		list(w, len(r.Tags), func(i int) { w.Raw(string(event.AppendString(nil, r.Tags[i]))) })
	}
}

func appendOrigin(w *event.Writer, o event.Origin) {
	if !o.Set() {
		return
	}
	w.Text("topic", o.Topic)
	w.Text("topic_id", o.TopicID)
	w.Int("partition", int64(o.Partition))
	w.Int("offset", o.Offset)
	w.Int("index", int64(o.Index))
}

// AppendScore appends the record of risk.scores. Its key is s.Entity. Reasons
// and lapses are lists also when they are empty, so that a reader need not ask.
func AppendScore(b []byte, s *event.Score) []byte {
	w := event.NewWriter(append(b, '{'))
	w.Text("entity", s.Entity)
	w.Text("tenant", s.Tenant)
	w.Text("subject", s.Subject)
	w.Text("session", s.Session)
	w.Fixed("score", s.Score, decimals)
	w.Text("level", s.Level.String())
	w.Text("previous_level", s.PreviousLevel.String())
	w.Text("decision", s.Decision.String())
	w.Time("reauth_after", s.ReauthAfter)
	w.Time("as_of", s.AsOf)
	w.Int("version", int64(s.Version))
	w.Key("lapses")
	list(w, len(s.Lapses), func(i int) { appendLapse(w, &s.Lapses[i]) })
	w.Fixed("prior", s.Prior, decimals)
	w.Text("weights", s.Weights)
	w.Key("reasons")
	list(w, len(s.Reasons), func(i int) { appendContribution(w, &s.Reasons[i]) })
	w.Object("event", func() {
		w.Text("id", s.Event.ID)
		w.Time("time", s.Event.Time)
		w.Text("action", string(s.Event.Action))
	})
	w.Text("config", s.Config)
	return append(w.Bytes(), '}')
}

func appendLapse(w *event.Writer, l *event.Lapse) {
	w.Raw("{")
	w.Time("at", l.At)
	w.Text("level", l.Level.String())
	w.Text("decision", l.Decision.String())
	w.Raw("}")
}

func appendContribution(w *event.Writer, c *event.Contribution) {
	w.Raw("{")
	w.Text("detection", c.Detection)
	w.Text("group", string(c.Group))
	w.Fixed("llr", c.LLR, llrDecimals)
	w.Int("half_life_s", c.HalfLife)
	w.Fixed("points", c.Points, decimals)
	w.Text("summary", c.Summary)
	w.Time("at", c.At)
	w.Text("event_id", c.EventID)
	w.Time("clears_at", c.ClearsAt)
	if c.Unconfirmed {
		w.Flag("unconfirmed", event.True)
	}
	w.Text("covered_by", c.CoveredBy)
	w.Raw("}")
}

// list writes an array of n items after a key.
func list(w *event.Writer, n int, item func(i int)) {
	w.Raw("[")
	for i := range n {
		if i > 0 {
			w.Raw(",")
		}
		item(i)
	}
	w.Raw("]")
}

// DecodeScore reads a record of risk.scores. Unknown fields are ignored, so
// that an older reader takes a newer record; a record without entity, as_of or
// version, or with a level or decision that is not in the contract, is an
// error.
func DecodeScore(raw []byte) (event.Score, error) {
	var s event.Score
	if err := json.Unmarshal(raw, &s); err != nil {
		return event.Score{}, fmt.Errorf("not a score: %w", err)
	}
	switch {
	case !strings.HasPrefix(s.Entity, "user:") && !strings.HasPrefix(s.Entity, "session:"):
		return event.Score{}, fmt.Errorf("not a score: entity %.60q begins with neither user: nor session: as it should", s.Entity)
	case s.AsOf == 0:
		return event.Score{}, fmt.Errorf("not a score: as_of is missing")
	case s.Version == 0:
		return event.Score{}, fmt.Errorf("not a score: version is missing")
	case !(s.Score >= 0 && s.Score <= 100):
		return event.Score{}, fmt.Errorf("not a score: score %v is not between 0 and 100", s.Score)
	}
	return s, nil
}

// DeadLetter is a record, or an element of one, that could not be parsed.
type DeadLetter struct {
	Reason string // a stable word to count and alert by
	Error  string // what was wrong, for a person
	Format string // the format that was tried; "" when none was recognised
	Origin event.Origin
	Size   int    // bytes of the raw element before it was cut
	SHA256 string // of the raw element before it was cut, hexadecimal
	Raw    []byte // the raw element, cut to the bound that ingest keeps
}

// AppendDeadLetter appends the record of risk.deadletter. A raw text stays
// readable; what is no UTF-8 is written in base64, and encoding says which.
// truncated says that raw is not all there was.
func AppendDeadLetter(b []byte, d DeadLetter) []byte {
	w := event.NewWriter(append(b, '{'))
	w.Text("reason", d.Reason)
	w.Text("error", d.Error)
	w.Text("format", d.Format)
	w.Object("origin", func() { appendOrigin(w, d.Origin) })
	w.Int("size", int64(d.Size))
	w.Text("sha256", d.SHA256)
	cut := d.Size > len(d.Raw)
	w.Flag("truncated", event.FlagOf(cut))
	raw := d.Raw
	if cut {
		raw = withoutHalfRune(raw)
	}
	if utf8.Valid(raw) {
		w.Text("encoding", "utf-8")
		w.Text("raw", string(raw))
	} else {
		w.Text("encoding", "base64")
		w.Text("raw", base64.StdEncoding.EncodeToString(raw))
	}
	return append(w.Bytes(), '}')
}

// withoutHalfRune drops the last rune when a cut went through it.
func withoutHalfRune(b []byte) []byte {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if utf8.FullRune(b[i:]) {
				return b
			}
			return b[:i]
		}
	}
	return b
}
