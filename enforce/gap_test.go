package enforce

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// batch is a record batch as brokers send it: from first to last, with n
// records that compaction has left.
func batch(first, last int64, n int32) []byte {
	b := kmsg.RecordBatch{FirstOffset: first, LastOffsetDelta: int32(last - first), NumRecords: n, Magic: 2}
	if n > 0 {
		b.Records = []byte("records")
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[batchLength:], uint32(len(raw)-batchLength-4))
	return raw
}

func TestSkipEmptyBatches(t *testing.T) {
	join := func(batches ...[]byte) []byte {
		var all []byte
		for _, b := range batches {
			all = append(all, b...)
		}
		return all
	}
	tests := []struct {
		name    string
		batches []byte
		want    int64
	}{
		{"nothing", nil, 10},
		{"one empty", batch(10, 12, 0), 13},
		{"two empty with a hole between them", join(batch(10, 12, 0), batch(20, 20, 0)), 21},
		{"records first", join(batch(10, 12, 1), batch(13, 14, 0)), 10},
		{"records behind an empty one", join(batch(10, 12, 0), batch(13, 14, 2)), 13},
		{"empty one that began earlier", batch(8, 11, 0), 12},
		{"empty one that ended earlier", batch(2, 3, 0), 10},
		{"cut off", join(batch(10, 12, 0), batch(13, 14, 0)[:70-batchHeader+50]), 13},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := skipEmpty(tt.batches, 10); got != tt.want {
				t.Errorf("next offset %d, want %d", got, tt.want)
			}
		})
	}
}

func FuzzSkipEmpty(f *testing.F) {
	f.Add(batch(10, 12, 0), int64(10))
	f.Add(append(batch(0, 5, 0), batch(6, 6, 1)...), int64(0))
	f.Fuzz(func(t *testing.T, batches []byte, next int64) {
		if got := skipEmpty(batches, next); got < next {
			t.Errorf("went back from %d to %d", next, got)
		}
	})
}
