package ingest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/riskstream/riskstream/event"
)

// Reasons of dead letters.
const (
	MalformedJSON   = "malformed_json"
	UnknownFormat   = "unknown_format"
	InvalidEvent    = "invalid_event" // of a known format, but it says what that format cannot say
	NoTime          = "no_time"
	FutureTime      = "future_time"
	Oversized       = "oversized"
	TruncatedGzip   = "truncated_gzip"
	TooDeep         = "too_deep"
	TooManyElements = "too_many_elements"
	ParserPanic     = "parser_panic" // a fault of riskstream's
)

// DeadLetter is a piece of input that became no event: which, and why.
type DeadLetter struct {
	Reason string       // one of the constants above
	Err    string       // what is wrong and what to do
	Format string       // the recognised or configured format; "" when unknown
	Origin event.Origin // where it came from; Index counts with the record's events
	Line   int          // line of the file, from 1; 0 outside files
	Size   int          // bytes of the piece
	SHA256 string       // of the whole piece, hex
	Raw    []byte       // its first 64 KiB
}

// maxRaw bounds what a dead letter or event.original keeps of the input, in
// bytes; the largest single events seen have 30 KB.
const maxRaw = 64 << 10

// deadLetter describes a piece of input that err stands in the way of.
func deadLetter(err error, format string, origin event.Origin, raw []byte) DeadLetter {
	reason := InvalidEvent
	var r *rejection
	if errors.As(err, &r) {
		reason = r.reason
	}
	return DeadLetter{
		Reason: reason,
		Err:    cleanText([]byte(err.Error())),
		Format: format,
		Origin: origin,
		Size:   len(raw),
		SHA256: hash(raw),
		Raw:    bytes.Clone(raw[:min(len(raw), maxRaw)]),
	}
}

func hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
