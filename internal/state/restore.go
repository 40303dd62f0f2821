package state

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/internal/wire"
)

// ErrSnapshot is the error of a file that is no whole snapshot of a version that
// is known here.
var ErrSnapshot = errors.New("not a usable snapshot")

// piece is more than the longest header, entry or footer has.
const piece = MaxEntry + 16

// ReadSnapshot calls load for each entry of the file at path. Whether the file is
// whole is known at its end only: with an error, what was loaded must be thrown
// away. Key and value are good until load returns. A file that is not there is an
// fs.ErrNotExist, one that cannot be used an ErrSnapshot.
func ReadSnapshot(path string, load func(tier Tier, key, value []byte)) (Header, error) {
	file, err := os.Open(path)
	if err != nil {
		return Header{}, fmt.Errorf("snapshot: %w", err)
	}
	defer file.Close()
	h, err := readSnapshot(file, load)
	if err != nil {
		return Header{}, fmt.Errorf("snapshot %s: %w", path, err)
	}
	return h, nil
}

func readSnapshot(from io.Reader, load func(tier Tier, key, value []byte)) (Header, error) {
	r := snapshotReader{in: bufio.NewReaderSize(from, bufferSize), sum: xxhash.New()}
	h, err := r.header()
	if err != nil {
		return Header{}, r.problem("header", err)
	}
	for entries := uint64(0); ; entries++ {
		b, err := r.peek()
		if err != nil {
			return Header{}, r.problem("entry", err)
		}
		if len(b) > 0 && b[0] == footerMark {
			if err := r.footer(b, entries); err != nil {
				return Header{}, r.problem("footer", err)
			}
			return h, nil
		}
		if err := r.entry(b, load); err != nil {
			return Header{}, r.problem("entry", err)
		}
	}
}

// snapshotReader reads a snapshot piece by piece.
type snapshotReader struct {
	in  *bufio.Reader
	sum *xxhash.Digest
	at  int64 // bytes that were taken
}

// damage is what is wrong with a file, unlike an error of reading it.
type damage struct{ error }

func damaged(format string, args ...any) error { return damage{fmt.Errorf(format, args...)} }

func (r *snapshotReader) problem(part string, err error) error {
	var d damage
	if errors.As(err, &d) {
		return fmt.Errorf("%w: %s at byte %d: %w", ErrSnapshot, part, r.at, d.error)
	}
	return fmt.Errorf("read at byte %d: %w", r.at, err)
}

// peek shows what comes next: at least one whole piece, unless the file ends.
func (r *snapshotReader) peek() ([]byte, error) {
	b, err := r.in.Peek(piece)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// take counts the first n bytes of what peek showed as read. b is valid still.
func (r *snapshotReader) take(b []byte, n int) {
	r.sum.Write(b[:n]) // never fails
	r.in.Discard(n)    // never fails: peek has shown them
	r.at += int64(n)
}

func (r *snapshotReader) header() (Header, error) {
	b, err := r.peek()
	if err != nil {
		return Header{}, err
	}
	if len(b) == 0 {
		return Header{}, damaged("the file is empty")
	}
	in := wire.NewReader(b)
	if got := in.Bytes(len(magic)); string(got) != magic {
		return Header{}, damaged("the file does not begin with %q", magic)
	}
	if v := in.Uint(math.MaxUint64); in.Err() == nil && v != version {
		return Header{}, damaged("version %d; this program reads version %d", v, version)
	}
	h := Header{Topic: string(in.Text(maxTopic))}
	copy(h.TopicID[:], in.Bytes(len(h.TopicID)))
	partition := in.Int()
	if partition < 0 || partition > math.MaxInt32 {
		in.Fail(wire.ErrRange)
	}
	h.Partition = int32(partition)
	if h.Offset = in.Int(); h.Offset < 0 {
		in.Fail(wire.ErrRange)
	}
	h.Written = time.UnixMilli(in.Int()).UTC()
	if err := in.Err(); err != nil {
		return Header{}, damage{err}
	}
	r.take(b, len(b)-in.Len())
	return h, nil
}

func (r *snapshotReader) entry(b []byte, load func(tier Tier, key, value []byte)) error {
	in := wire.NewReader(b)
	tier := in.Byte()
	key := in.Text(MaxEntry)
	value := in.Text(MaxEntry - len(key))
	if err := in.Err(); err != nil {
		return damage{err}
	}
	if tier >= tiers {
		return damaged("tier %d is not known", tier)
	}
	r.take(b, len(b)-in.Len())
	load(Tier(tier), key, value)
	return nil
}

func (r *snapshotReader) footer(b []byte, entries uint64) error {
	if len(b) < footerSize {
		return damage{wire.ErrShort}
	}
	if len(b) > footerSize {
		return damage{wire.ErrRest}
	}
	in := wire.NewReader(b)
	in.Byte()
	count := in.Hash()
	r.take(b, footerSize-8)
	if sum := in.Hash(); sum != r.sum.Sum64() {
		return damaged("the checksum is wrong: the file has changed since it was written")
	}
	if count != entries {
		return damaged("%d entries, but %d were written", entries, count)
	}
	return nil
}
