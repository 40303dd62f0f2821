package history

import (
	"net/netip"
	"unsafe"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/event"
)

// column is a column of a table and the values that a batch has for it. Rows
// are gathered by column because the client writes a whole column in a fraction
// of the time that it takes for row after row.
type column[R any] interface {
	title() string
	add(row *R)
	// blank reports that no row has anything in the column, which then need not
	// be sent.
	blank() bool
	// fill hands the values over; room is for the column's use meanwhile.
	fill(to driver.BatchColumn, room *[]string) error
	reset()
}

// col makes a column.
func col[R, V any](name string, of func(row *R) V) column[R] {
	if of, ok := any(of).(func(row *R) string); ok {
		return &texts[R]{name: name, of: of}
	}
	return &values[R, V]{name: name, of: of}
}

// values is a column whose values are a V of each row.
type values[R, V any] struct {
	name string
	of   func(row *R) V
	list []V
}

func (c *values[R, V]) title() string                                 { return c.name }
func (c *values[R, V]) add(row *R)                                    { c.list = append(c.list, c.of(row)) }
func (c *values[R, V]) blank() bool                                   { return false }
func (c *values[R, V]) fill(to driver.BatchColumn, _ *[]string) error { return to.Append(c.list) }

func (c *values[R, V]) reset() {
	clear(c.list) // lets go of what it points to
	c.list = c.list[:0]
}

// texts is a column of texts. They stand one behind the other, so that the
// garbage collector has nothing to follow in millions of them.
type texts[R any] struct {
	name  string
	of    func(row *R) string
	bytes []byte
	ends  []uint32
}

func (c *texts[R]) title() string { return c.name }
func (c *texts[R]) blank() bool   { return len(c.bytes) == 0 }

func (c *texts[R]) add(row *R) {
	c.bytes = append(c.bytes, c.of(row)...)
	c.ends = append(c.ends, uint32(len(c.bytes))) // a batch has batchBytes at most, and a record more
}

func (c *texts[R]) fill(to driver.BatchColumn, room *[]string) error {
	// The client copies the texts, so that nobody holds them when the bytes are
	// written over.
	all, from := unsafe.String(unsafe.SliceData(c.bytes), len(c.bytes)), uint32(0)
	list := (*room)[:0]
	for _, end := range c.ends {
		list = append(list, all[from:end])
		from = end
	}
	*room = list
	return to.Append(list)
}

func (c *texts[R]) reset() { c.bytes, c.ends = c.bytes[:0], c.ends[:0] }

// position is where a row's record stands in Kafka, and when it came there.
type position struct {
	topic     string
	partition int32
	offset    int64
	recorded  event.Time
}

// positionColumns end every table.
func positionColumns[R any](of func(row *R) *position) []column[R] {
	return []column[R]{
		col("recorded", func(r *R) int64 { return int64(of(r).recorded) }),
		col("topic", func(r *R) string { return of(r).topic }),
		col("partition", func(r *R) int32 { return of(r).partition }),
		col("offset", func(r *R) int64 { return of(r).offset }),
	}
}

// Flags that rows point to; nothing changes them.
var yes, no = true, false

// flag is null for what is not known.
func flag(f event.Flag) *bool {
	switch f {
	case event.True:
		return &yes
	case event.False:
		return &no
	}
	return nil
}

// moment is null for a time that is absent.
func moment(t event.Time) *int64 {
	if t == 0 {
		return nil
	}
	ms := int64(t)
	return &ms
}

// address is :: for none.
func address(ip netip.Addr) netip.Addr {
	if !ip.IsValid() {
		return netip.IPv6Unspecified()
	}
	return ip
}

// number is null for one that does not count.
func number(n float64, counts bool) *float64 {
	if !counts {
		return nil
	}
	return &n
}
