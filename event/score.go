package event

import "fmt"

// Group is a family of evidence; the evidence of one group is capped, since it
// tends to speak of one fact.
type Group string

// Groups.
const (
	GroupNetwork    Group = "network"
	GroupDevice     Group = "device"
	GroupBehaviour  Group = "behaviour"
	GroupVelocity   Group = "velocity"
	GroupCredential Group = "credential"
	GroupSession    Group = "session"
)

// Groups lists every Group in the order in which they are written.
var Groups = [...]Group{GroupNetwork, GroupDevice, GroupBehaviour, GroupVelocity, GroupCredential, GroupSession}

// Detection is one piece of evidence. A detector sets Name, Strength, Key,
// Summary and Evidence; scoring sets the rest. A rule also sets Group, LLR and
// HalfLife, which are its own.
type Detection struct {
	Name     string
	Group    Group
	Strength float64 // 0 < Strength ≤ 1; a downgraded detection has less than 1
	LLR      float64 // natural log-likelihood ratio, nats
	HalfLife int64   // seconds
	Points   float64 // its share of the subject's score at this event
	Summary  string  // one line that a person understands
	Evidence []Fact  // what it saw, in a fixed order
	Key      uint64  // the same Name and Key again refreshes, never adds
	Session  bool    // the evidence belongs to the session it was seen in

	// Elsewhere is the source network that the evidence compares with, by
	// ShortHash: what was seen there may describe the same fact. 0 is none.
	Elsewhere uint32

	Rule *RuleInfo // set for rule matches only
}

// RuleInfo is what a rule says of itself beside its evidence.
type RuleInfo struct {
	ID, Title, Severity string
	Tags                []string
}

// Fact is one named value of what a detection saw: a text or a number.
type Fact struct {
	Name     string
	Text     string
	Number   float64
	IsNumber bool
}

// Text is a Fact with a text.
func Text(name, value string) Fact { return Fact{Name: name, Text: value} }

// Number is a Fact with a number, written with 2 decimals.
func Number(name string, value float64) Fact {
	return Fact{Name: name, Number: value, IsNumber: true}
}

// Level of a subject's risk.
type Level uint8

// Levels, lowest first.
const (
	None Level = iota
	Low
	Medium
	High
)

var levelNames = [...]string{"none", "low", "medium", "high"}

func (l Level) String() string { return levelNames[l] }

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a level's name.
func (l *Level) UnmarshalText(b []byte) error {
	for i, name := range levelNames {
		if string(b) == name {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("level %.20q: want none, low, medium or high", b)
}

// Decision for a subject.
type Decision uint8

// Decisions, mildest first.
const (
	Allow Decision = iota
	StepUp
	Revoke
)

var decisionNames = [...]string{"allow", "step_up", "revoke"}

func (d Decision) String() string { return decisionNames[d] }

// MarshalText implements encoding.TextMarshaler.
func (d Decision) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a decision's name.
func (d *Decision) UnmarshalText(b []byte) error {
	for i, name := range decisionNames {
		if string(b) == name {
			*d = Decision(i)
			return nil
		}
	}
	return fmt.Errorf("decision %.20q: want allow, step_up or revoke", b)
}

// Score is the record of risk.scores: how risky a user or session is, until
// when, and why. Its key is Entity.
type Score struct {
	Entity        string         `json:"entity"` // user:<tenant>/<subject> or session:<tenant>/<id>
	Tenant        string         `json:"tenant"`
	Subject       string         `json:"subject"`
	Session       string         `json:"session,omitempty"` // of session records only
	Score         float64        `json:"score"`             // 0–100
	Level         Level          `json:"level"`
	PreviousLevel Level          `json:"previous_level"` // what decay had left just before this event
	Decision      Decision       `json:"decision"`
	ReauthAfter   Time           `json:"reauth_after,omitzero"` // what must be newer than this to satisfy the decision
	AsOf          Time           `json:"as_of"`
	Version       uint32         `json:"version"` // grows with each record that an event causes
	Lapses        []Lapse        `json:"lapses"`
	Prior         float64        `json:"prior"`   // score without evidence
	Weights       string         `json:"weights"` // version of the weights
	Reasons       []Contribution `json:"reasons"`
	Event         Cause          `json:"event,omitzero"` // absent on falls
	Config        string         `json:"config"`         // hash of the configuration
}

// Lapse is a moment at which level or decision falls when nothing else
// happens, so that a reader needs no arithmetic.
type Lapse struct {
	At       Time     `json:"at"`
	Level    Level    `json:"level"`
	Decision Decision `json:"decision"`
}

// Cause names the event that caused a record.
type Cause struct {
	ID     string `json:"id"`
	Time   Time   `json:"time"`
	Action Action `json:"action"`
}

// Contribution is one reason of a score: a detection that is still open. It
// says all that its decay needs, so that the score of a later moment follows
// from the record.
type Contribution struct {
	Detection   string  `json:"detection"`
	Group       Group   `json:"group"`
	LLR         float64 `json:"llr"` // after mitigation, before decay
	HalfLife    int64   `json:"half_life_s"`
	Points      float64 `json:"points"`
	Summary     string  `json:"summary"`
	At          Time    `json:"at"`                    // when it was last seen; it decays from here
	EventID     string  `json:"event_id"`              // the event that last raised it
	ClearsAt    Time    `json:"clears_at,omitzero"`    // when decay ends it; absent when it does not decay
	Unconfirmed bool    `json:"unconfirmed,omitempty"` // failed attempts only: cannot lift the score to medium
	CoveredBy   string  `json:"covered_by,omitempty"`  // the detection that counts in its stead
}
