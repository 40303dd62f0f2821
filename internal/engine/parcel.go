package engine

import (
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// parcel is what some raw records have become.
type parcel struct {
	records []kgo.Record
	headers []kgo.RecordHeader // behind those of the records
	buf     []byte             // behind keys and values, unless they are larger
	bytes   int                // of the values
	read    offsets            // of the raw records
	arrived chan error
}

func newParcel() *parcel { return &parcel{read: offsets{}, arrived: make(chan error, 1)} }

// reset makes room for other records, once these are acknowledged.
func (p *parcel) reset() {
	clear(p.records)
	p.records, p.headers, p.buf, p.bytes = p.records[:0], p.headers[:0], p.buf[:0], 0
	clear(p.read)
}

// headersOf are the headers of what a raw record of that time becomes.
func (p *parcel) headersOf(at time.Time) []kgo.RecordHeader {
	if len(p.headers) == cap(p.headers) {
		p.headers = make([]kgo.RecordHeader, 0, 4096)
	}
	var digits [20]byte
	p.headers = append(p.headers, kgo.RecordHeader{Key: rawTimeHeader, Value: p.keep(strconv.AppendInt(digits[:0], at.UnixMilli(), 10))})
	return p.headers[len(p.headers)-1:]
}

// keep returns a copy of b that stays until reset. A buffer that was outgrown
// stays with the records that are in it.
func (p *parcel) keep(b []byte) []byte {
	if len(p.buf)+len(b) > cap(p.buf) {
		p.buf = make([]byte, 0, max(1<<20, len(b)))
	}
	start := len(p.buf)
	p.buf = append(p.buf, b...)
	return p.buf[start:len(p.buf):len(p.buf)]
}
