package ingest

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

const (
	// maxRecord bounds a record and each piece of JSON in it, in bytes. The
	// largest single events seen are some 30 KB; Kafka's default limit for a
	// whole batch is 1 MB.
	maxRecord = 8 << 20

	// maxExpanded bounds what a compressed record may become, in bytes.
	maxExpanded = 64 << 20

	// maxLayers bounds how often a record is decoded: a Confluent header
	// around base64 around gzip has three.
	maxLayers = 4
)

const byteOrderMark = "\xef\xbb\xbf" // UTF-8's

// decode takes off what a transport puts around text: Confluent's header,
// base64, gzip, a byte order mark.
func decode(record []byte) ([]byte, error) {
	for range maxLayers {
		switch {
		case bytes.HasPrefix(record, []byte(byteOrderMark)):
			record = record[len(byteOrderMark):]
		case len(record) > 5 && record[0] == 0:
			// Magic byte 0, then the schema's id in 4 bytes. What follows may
			// be JSON; with Avro or Protobuf it is not.
			record = record[5:]
			if first := skipSpace(record); len(first) == 0 || (first[0] != '{' && first[0] != '[' && first[0] != '"' && !isGzip(record)) {
				return nil, reject(UnknownFormat, "the record has a schema registry's header and is not JSON: use the JSON converter, Avro and Protobuf are not read")
			}
		case isGzip(record):
			expanded, err := expand(record)
			if err != nil {
				return nil, err
			}
			record = expanded
		default:
			decoded, ok := fromBase64(record)
			if !ok {
				return record, nil
			}
			record = decoded
		}
	}
	return record, nil
}

func isGzip(b []byte) bool { return len(b) >= 2 && b[0] == 0x1f && b[1] == 0x8b }

// expand decompresses gzip up to maxExpanded.
func expand(record []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(record))
	if err != nil {
		return nil, reject(TruncatedGzip, "the record begins like gzip but its header cannot be read: %v", err)
	}
	var expanded bytes.Buffer
	n, err := io.Copy(&expanded, io.LimitReader(r, maxExpanded+1))
	switch {
	case n > maxExpanded:
		return nil, reject(Oversized, "the record expands to more than %d bytes", maxExpanded)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, reject(TruncatedGzip, "the compressed record ends early, after %d bytes of text", n)
	case err != nil:
		return nil, reject(TruncatedGzip, "the compressed record is damaged after %d bytes of text: %v", n, err)
	}
	return expanded.Bytes(), nil
}

// fromBase64 decodes base64 that holds gzip or JSON; anything else is text.
func fromBase64(b []byte) ([]byte, bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 16 || !bytes.HasPrefix(b, []byte("H4s")) && // gzip
		!bytes.HasPrefix(b, []byte("ey")) && // {"
		!bytes.HasPrefix(b, []byte("ew")) && // { and space
		!bytes.HasPrefix(b, []byte("W3")) && // [{
		!bytes.HasPrefix(b, []byte("Ww")) { // [ and space
		return nil, false
	}
	encoding := base64.StdEncoding
	if bytes.ContainsAny(b, "-_") {
		encoding = base64.URLEncoding
	}
	encoding = encoding.WithPadding(base64.NoPadding)
	b = bytes.TrimRight(b, "=")
	decoded := make([]byte, encoding.DecodedLen(len(b)))
	n, err := encoding.Decode(decoded, b) // skips line breaks
	if err != nil {
		return nil, false
	}
	return decoded[:n], true
}
