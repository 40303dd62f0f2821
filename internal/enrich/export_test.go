package enrich

// Poll looks at the files once, as Watch does each interval.
func (e *Enricher) Poll() { e.poll() }

// ParseList and ParseDirectory are the parsers of outside bytes.
func ParseList(data []byte) error { _, err := parseList("list.txt", data); return err }

func ParseDirectory(data []byte) error { _, err := parseDirectory("directory.yaml", data); return err }

// ASTypeTable is the text of the built-in table.
func ASTypeTable() string { return asTypesCSV }
