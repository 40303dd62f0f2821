package history

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/parquet-go/parquet-go"

	"github.com/riskstream/riskstream/event"
)

// What Export.Format may be.
const (
	JSONL   = "jsonl"   // a JSON object per line; what is empty or null is left out
	Parquet = "parquet" // a column for each of the table
)

// Export says what of the history to write, and how.
type Export struct {
	Table    string    // one of Exports
	Subjects []Subject // only theirs; none is everybody's
	Span     Span      // by the table's own time: time, as_of, or recorded for dead letters
	Format   string    // JSONL or Parquet
}

// Exports are the tables that can be exported.
func Exports() []string { return tables() }

// exportOrder is by which time a table is exported, and how it is sorted: as it
// is stored, so that nothing need be gathered to be sorted, and then by place,
// so that the order is always the same.
func exportOrder(table string) (timeColumn, order string, err error) {
	const place = ", topic, partition, offset"
	switch table {
	case tableEvents:
		return "time", "tenant, subject, time, id" + place, nil
	case tableDetections:
		return "time", "tenant, subject, time, name" + place, nil
	case tableScores:
		return "as_of", "tenant, subject, as_of, version" + place, nil
	case tableDeadLetters:
		return "recorded", "reason, recorded" + place, nil
	}
	return "", "", fmt.Errorf("no table %q to export: want %s", table, strings.Join(tables(), ", "))
}

// query reads what is to be written.
func (e *Export) query() (sql string, args []any, err error) {
	if e.Table == tableDeadLetters && len(e.Subjects) > 0 {
		return "", nil, errors.New("dead letters belong to no user: they could not be read")
	}
	timeColumn, order, err := exportOrder(e.Table)
	if err != nil {
		return "", nil, err
	}
	where, args := e.Span.where(timeColumn)
	if len(e.Subjects) > 0 {
		users := make([]string, len(e.Subjects))
		for i, subject := range e.Subjects {
			users[i] = "(tenant = ? AND subject = ?)"
			args = append(args, subject.Tenant, subject.Name)
		}
		where += " AND (" + strings.Join(users, " OR ") + ")"
	}
	return "SELECT * FROM " + e.Table + " WHERE true" + where + " ORDER BY " + order, args, nil
}

// Export writes rows of a table, in a fixed order and with bounded memory, and
// returns how many. After an error, what was written is not whole.
func (s *Store) Export(ctx context.Context, e Export, w io.Writer) (written int64, err error) {
	sql, args, err := e.query()
	if err != nil {
		return 0, err
	}
	// The end of the context ends the query, whose rest Close would read otherwise.
	ctx, cancel := context.WithCancel(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_block_size": exportBlock})))
	defer cancel()
	rows, err := s.conn.Query(ctx, sql, args...)
	if err != nil {
		return 0, fmt.Errorf("export of %s: %w", e.Table, err)
	}
	written, err = exportRows(rows, e.Format, w)
	if err != nil {
		cancel()
		_ = rows.Close() // err says more
		return written, fmt.Errorf("export of %s: %w", e.Table, err)
	}
	return written, rows.Close()
}

// Bounds of what an export holds in memory.
const (
	exportBlock      = 8192     // rows that the engine sends at once
	exportGroupRows  = 100_000  // of a row group of Parquet
	exportGroupBytes = 64 << 20 // of a row group, not compressed
)

func exportRows(rows driver.Rows, format string, w io.Writer) (written int64, err error) {
	rowType, err := exportType(rows.ColumnTypes())
	if err != nil {
		return 0, err
	}
	row := reflect.New(rowType)
	fields := make([]any, rowType.NumField())
	for i := range fields {
		fields[i] = row.Elem().Field(i).Addr().Interface()
	}
	write, finish, err := exportWriter(format, rowType, w)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return written, err
		}
		if err := write(row); err != nil {
			return written, err
		}
		written++
	}
	if err := rows.Err(); err != nil {
		return written, err
	}
	return written, finish()
}

// exportWriter writes rows, which are pointers to a rowType, in a format.
func exportWriter(format string, rowType reflect.Type, w io.Writer) (write func(row reflect.Value) error, finish func() error, err error) {
	switch format {
	case JSONL:
		buffered := bufio.NewWriterSize(w, 256<<10)
		encoder := json.NewEncoder(buffered)
		encoder.SetEscapeHTML(false)
		return func(row reflect.Value) error { return encoder.Encode(row.Interface()) }, buffered.Flush, nil
	case Parquet:
		p := &parquetWriter{schema: parquet.SchemaOf(reflect.New(rowType).Interface())}
		p.writer = parquet.NewGenericWriter[any](w, p.schema, parquet.Compression(&parquet.Zstd))
		return p.write, p.writer.Close, nil
	}
	return nil, nil, fmt.Errorf("format %q: want %s or %s", format, JSONL, Parquet)
}

// parquetWriter writes row groups of bounded size: each is held in memory until
// it is written.
type parquetWriter struct {
	schema      *parquet.Schema
	writer      *parquet.GenericWriter[any]
	row         parquet.Row
	rows, bytes int // of the group
}

func (p *parquetWriter) write(row reflect.Value) error {
	p.row = p.schema.Deconstruct(p.row[:0], row.Interface())
	if _, err := p.writer.WriteRows([]parquet.Row{p.row}); err != nil {
		return err
	}
	p.rows++
	for _, value := range p.row {
		if value.Kind() == parquet.ByteArray {
			p.bytes += len(value.ByteArray())
		} else {
			p.bytes += 8
		}
	}
	if p.rows < exportGroupRows && p.bytes < exportGroupBytes {
		return nil
	}
	p.rows, p.bytes = 0, 0
	return p.writer.Flush()
}

// exportType is a struct with a field for each column, which the client fills
// and the formats' encoders write: so an export has what the table has.
func exportType(columns []driver.ColumnType) (reflect.Type, error) {
	fields := make([]reflect.StructField, len(columns))
	for i, c := range columns {
		kind, err := exportKind(c)
		if err != nil {
			return nil, err
		}
		// Names with a dot are those of nested columns, whose JSON stands in record.
		name, inJSON := c.Name(), c.Name()+kind.json
		if strings.Contains(name, ".") {
			name, inJSON = strings.ReplaceAll(name, ".", "_"), "-"
		}
		fields[i] = reflect.StructField{
			Name: fmt.Sprintf("Column%d", i), Type: kind.is,
			Tag: reflect.StructTag(fmt.Sprintf(`json:"%s" parquet:"%s%s" %s`, inJSON, name, kind.parquet, kind.more)),
		}
	}
	return reflect.StructOf(fields), nil
}

// kind is how values of a column are held and written: a type with options of
// its tags.
type kind struct {
	is                  reflect.Type
	json, parquet, more string
}

func exportKind(c driver.ColumnType) (kind, error) {
	of := c.DatabaseTypeName()
	if c.Name() == "record" || of == "Map(String, String)" {
		// A map of Parquet has Go's order: no two exports would be the same.
		return kind{is: reflect.TypeFor[exportJSON](), json: ",omitempty", parquet: ",json,optional"}, nil
	}
	if inner, ok := strings.CutPrefix(of, "LowCardinality("); ok && inner == "String)" {
		return kind{is: reflect.TypeFor[string](), json: ",omitempty", parquet: ",optional,dict"}, nil
	}
	switch of {
	case "String":
		return kind{is: reflect.TypeFor[string](), json: ",omitempty", parquet: ",optional"}, nil
	case "DateTime64(3, 'UTC')":
		return kind{is: reflect.TypeFor[exportTime](), json: ",omitzero", parquet: ",timestamp"}, nil
	case "Nullable(DateTime64(3, 'UTC'))":
		return kind{is: reflect.TypeFor[exportTime](), json: ",omitzero", parquet: ",timestamp,optional"}, nil
	case "IPv6":
		return kind{is: reflect.TypeFor[exportAddress](), json: ",omitempty", parquet: ",optional"}, nil
	case "Array(DateTime64(3, 'UTC'))":
		return kind{is: reflect.TypeFor[[]time.Time](), json: ",omitempty", parquet: ",list", more: `parquet-element:",timestamp"`}, nil
	case "Array(String)", "Array(Float64)", "Array(Bool)":
		return kind{is: c.ScanType(), json: ",omitempty", parquet: ",list"}, nil
	case "Nullable(Bool)", "Nullable(Float64)":
		return kind{is: c.ScanType(), json: ",omitempty"}, nil
	case "Bool", "Float64", "Int32", "Int64", "UInt32":
		return kind{is: c.ScanType()}, nil
	}
	return kind{}, fmt.Errorf("column %s: no export knows the type %s", c.Name(), of)
}

// exportTime is a column's time, in Unix milliseconds; 0 is null.
type exportTime event.Time

// Scan implements sql.Scanner.
func (t *exportTime) Scan(value any) error {
	*t = 0
	if std, ok := value.(time.Time); ok {
		*t = exportTime(event.TimeOf(std))
	}
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (t exportTime) MarshalText() ([]byte, error) { return event.Time(t).MarshalText() }

// exportAddress is a column's address as people write it, "" for none.
type exportAddress string

// Scan implements sql.Scanner.
func (a *exportAddress) Scan(value any) error {
	ip, _ := value.(net.IP)
	addr, _ := netip.AddrFromSlice(ip)
	*a = exportAddress(textOf(addr))
	return nil
}

// exportJSON is what stands as JSON in an export: a record as it was published,
// or a map.
type exportJSON string

// Scan implements sql.Scanner.
func (j *exportJSON) Scan(value any) error {
	*j = ""
	switch value := value.(type) {
	case string:
		*j = exportJSON(value)
	case map[string]string:
		if len(value) > 0 {
			text, err := json.Marshal(value)
			*j = exportJSON(text)
			return err
		}
	}
	return nil
}

// MarshalJSON implements json.Marshaler. What is no JSON becomes a string.
func (j exportJSON) MarshalJSON() ([]byte, error) {
	if json.Valid([]byte(j)) {
		return []byte(j), nil
	}
	return json.Marshal(string(j))
}
