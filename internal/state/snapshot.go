package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/riskstream/riskstream/internal/wire"
)

// A snapshot file is the magic, the version, a header, entries and a footer:
//
//	"riskstate"  version  topic  topic id (16 bytes)  partition  offset  written (Unix ms)
//	tier (1 byte)  key  value                          for each entry
//	255  number of entries (8 bytes)  xxhash64 of everything before it (8 bytes)
//
// Numbers and texts are as package wire writes them.
const (
	magic      = "riskstate"
	version    = 1
	footerMark = 255
	footerSize = 1 + 8 + 8
	maxTopic   = 249 // Kafka's limit
	bufferSize = 1 << 20
)

// Header says which state a snapshot is.
type Header struct {
	Topic     string   // of the changelog
	TopicID   [16]byte // a topic that is created anew has another
	Partition int32
	Offset    int64     // changelog offset from which the rest must be read
	Written   time.Time // to the millisecond
}

// File is what a snapshot is written to.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// CreateFile makes an empty file that only its owner can read, for Begin.
func CreateFile(path string) (File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
}

// Snapshot writes a snapshot file. It is written beside its path and takes its
// place when it is complete, so that there is always a whole one. After an
// error the unfinished file is removed, and every call returns that error.
type Snapshot struct {
	path, temporary string
	file            File // nil when finished, failed or abandoned
	buf             []byte
	sum             *xxhash.Digest
	entries         uint64
	err             error
}

var errEnded = errors.New("the snapshot has ended already")

// Begin starts a snapshot that will be at path. Only one may be written at a
// time for a path; what an earlier one left unfinished is overwritten.
func Begin(create func(path string) (File, error), path string, h Header) (*Snapshot, error) {
	if len(h.Topic) > maxTopic {
		return nil, fmt.Errorf("snapshot %s: the topic's name has %d bytes, of at most %d", path, len(h.Topic), maxTopic)
	}
	if h.Partition < 0 || h.Offset < 0 {
		return nil, fmt.Errorf("snapshot %s: partition %d and offset %d cannot be", path, h.Partition, h.Offset)
	}
	s := &Snapshot{path: path, temporary: path + ".tmp", sum: xxhash.New()}
	var err error
	if s.file, err = create(s.temporary); err != nil {
		return nil, fmt.Errorf("snapshot %s: create: %w", path, err)
	}
	s.buf = make([]byte, 0, bufferSize+MaxEntry+16)
	s.buf = append(s.buf, magic...)
	s.buf = wire.AppendUint(s.buf, uint(version))
	s.buf = wire.AppendText(s.buf, h.Topic)
	s.buf = append(s.buf, h.TopicID[:]...)
	s.buf = wire.AppendInt(s.buf, h.Partition)
	s.buf = wire.AppendInt(s.buf, h.Offset)
	s.buf = wire.AppendInt(s.buf, h.Written.UnixMilli())
	return s, nil
}

// AppendEntry appends an entry of a store in the form for AddEncoded.
func AppendEntry(b []byte, tier Tier, key, value []byte) []byte {
	b = append(b, byte(tier))
	b = wire.AppendText(b, key)
	return wire.AppendText(b, value)
}

// Add writes one entry.
func (s *Snapshot) Add(tier Tier, key, value []byte) error {
	if s.file == nil {
		return s.ended()
	}
	if len(key)+len(value) > MaxEntry {
		return s.fail("add", ErrTooLarge)
	}
	s.buf = AppendEntry(s.buf, tier, key, value)
	s.entries++
	if len(s.buf) >= bufferSize {
		return s.flush()
	}
	return nil
}

// AddEncoded writes entries that AppendEntry encoded.
func (s *Snapshot) AddEncoded(chunk []byte, entries int) error {
	if s.file == nil {
		return s.ended()
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.entries += uint64(entries)
	return s.write(chunk)
}

// Finish completes the file and puts it at its path, for good: both are on disk
// when it returns.
func (s *Snapshot) Finish() error {
	if s.file == nil {
		return s.ended()
	}
	s.buf = append(s.buf, footerMark)
	s.buf = wire.AppendHash(s.buf, s.entries)
	if err := s.flush(); err != nil {
		return err
	}
	s.buf = wire.AppendHash(s.buf, s.sum.Sum64())
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return s.fail("sync", err)
	}
	err := s.file.Close()
	s.file = nil
	if err != nil {
		return s.fail("close", err)
	}
	if err := os.Rename(s.temporary, s.path); err != nil {
		return s.fail("rename", err)
	}
	if err := syncDir(filepath.Dir(s.path)); err != nil {
		s.err = fmt.Errorf("snapshot %s: sync its directory: %w", s.path, err)
	}
	return s.err
}

// Abandon removes the file unless it is finished. It may be called at any time.
func (s *Snapshot) Abandon() {
	if s.file != nil {
		s.discard()
	}
}

func (s *Snapshot) discard() {
	if s.file != nil {
		s.file.Close() // what was written is not wanted
		s.file = nil
	}
	os.Remove(s.temporary) // what is left is overwritten by the next snapshot
}

func (s *Snapshot) flush() error {
	err := s.write(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *Snapshot) write(b []byte) error {
	s.sum.Write(b) // never fails
	if _, err := s.file.Write(b); err != nil {
		return s.fail("write", err)
	}
	return nil
}

func (s *Snapshot) fail(what string, err error) error {
	s.err = fmt.Errorf("snapshot %s: %s: %w; it is given up, an earlier one stays as it is", s.path, what, err)
	s.discard()
	return s.err
}

func (s *Snapshot) ended() error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("snapshot %s: %w", s.path, errEnded)
}

// syncDir makes a rename in the directory outlive a crash.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
