package simulate

import "github.com/riskstream/riskstream/event"

// TopicFiles is the topic of a population's file store, whose gateway logs in
// the Elastic Common Schema.
const TopicFiles = "idp.files"

// PopulationConfig says which population NewPopulation makes. The zero value
// has 300 people over 60 days.
type PopulationConfig struct {
	Seed  uint64
	Start event.Time // midnight (UTC) of the first day; 0 is DefaultStart

	Users int // people; 0 is 300; between MinUsers and MaxUsers
	Days  int // 0 is 60

	// QuietDays at the beginning have no attack, so that there is something to
	// learn from; 0 is 21.
	QuietDays int
	// Attacks is how many takeovers there are for each 100 people, shared out
	// evenly among the kinds; 0 is 28, negative is none.
	Attacks int
}

// Population is a company over a finite span of days, with attackers and with
// all that looks like them: what detectors are measured on. Each record's Truth
// says what it is. Unlike Company's, its events happen at their true hours and
// nobody is cast by hand. It is not safe for concurrent use.
type Population struct {
	config PopulationConfig
}

// NewPopulation makes a population. The same configuration gives the same
// bytes.
func NewPopulation(config PopulationConfig) *Population { return &Population{config: config} }

// Next is the next record in time order; false at the end.
func (p *Population) Next() (Record, bool) { return Record{}, false }

// AttacksFrom is when the quiet days end.
func (p *Population) AttacksFrom() event.Time { return 0 }

// Users lists the people's canonical users. An account that no record names is
// in it too.
func (p *Population) Users() []string { return nil }

// Configuration is what riskstream needs to read the population's logs, by file
// name: riskstream.yaml and all that it names (directory, databases of networks
// and anonymisers, lists), to be written into one directory.
func (p *Population) Configuration() (map[string][]byte, error) { return nil, nil }
