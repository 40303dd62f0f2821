package ingest

// Mapping describes a log that riskstream does not know: where each field of
// an event stands in it.
type Mapping struct{}

// format is the mapping as a format with the given name.
func (m *Mapping) format(name string) format { return format{name: name} }
