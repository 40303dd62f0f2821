package enrich

// Poll looks at the files once, as Watch does each interval.
func (e *Enricher) Poll() { e.poll() }

// The parsers of outside bytes.
func ParseList(data []byte) error { _, err := parseList("list.txt", data); return err }

func ParseThreats(data []byte) error { _, err := parseThreats("threats.txt", data); return err }

func ParseLeaked(data []byte) error { _, err := parseLeaked("leaked.txt", data); return err }

func ParseDirectory(data []byte) error { _, err := parseDirectory("directory.yaml", data); return err }

// ASTypeTable is the text of the built-in table.
func ASTypeTable() string { return asTypesCSV }
