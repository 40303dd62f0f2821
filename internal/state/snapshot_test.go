package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cespare/xxhash/v2"
	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/internal/wire"
)

var testHeader = Header{
	Topic: "risk.state", TopicID: [16]byte{1, 2, 15: 9}, Partition: 3, Offset: 123_456_789,
	Written: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC),
}

type testEntry struct {
	tier       Tier
	key, value string
}

func readAll(path string) (h Header, entries []testEntry, err error) {
	h, err = ReadSnapshot(path, func(tier Tier, key, value []byte) {
		entries = append(entries, testEntry{tier, string(key), string(value)})
	})
	return h, entries, err
}

// writeSnapshot writes every third entry by itself and the others in chunks.
func writeSnapshot(create func(string) (File, error), path string, h Header, entries []testEntry) error {
	s, err := Begin(create, path, h)
	if err != nil {
		return err
	}
	defer s.Abandon()
	var chunk []byte
	n := 0
	for i, e := range entries {
		if i%3 != 0 {
			chunk = AppendEntry(chunk, e.tier, []byte(e.key), []byte(e.value))
			n++
			continue
		}
		if err := s.AddEncoded(chunk, n); err != nil {
			return err
		}
		chunk, n = chunk[:0], 0
		if err := s.Add(e.tier, []byte(e.key), []byte(e.value)); err != nil {
			return err
		}
	}
	if err := s.AddEncoded(chunk, n); err != nil {
		return err
	}
	return s.Finish()
}

func TestSnapshotRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "3.snapshot")
	rapid.Check(t, func(t *rapid.T) {
		h := Header{
			Topic: rapid.StringN(0, 60, maxTopic).Draw(t, "topic"), Partition: rapid.Int32Min(0).Draw(t, "partition"),
			Offset:  rapid.Int64Min(0).Draw(t, "offset"),
			Written: time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "written")).UTC(),
		}
		want := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) testEntry {
			return testEntry{
				Tier(rapid.IntRange(0, tiers-1).Draw(t, "tier")), rapid.StringN(0, 40, -1).Draw(t, "key"),
				strings.Repeat("v", rapid.SampledFrom([]int{0, 1, 300, 60_000}).Draw(t, "size")),
			}
		}), 0, 40).Draw(t, "entries")
		if err := writeSnapshot(CreateFile, path, h, want); err != nil {
			t.Fatal(err)
		}
		got, entries, err := readAll(path)
		if err != nil || got != h || !slices.Equal(entries, want) {
			t.Fatalf("read %v and %d entries, %v, want %v and %d", got, len(entries), err, h, len(want))
		}
	})
}

// A store comes back from a snapshot with every key in its tier.
func TestStoreComesBack(t *testing.T) {
	s := New(1 << 30)
	for i := range 20_000 {
		mustPut(t, s, Tier(i%tiers), key(i), bytes.Repeat(key(i), 1+i%40))
	}
	s.Commit()
	path := filepath.Join(t.TempDir(), "snapshot")
	w, err := Begin(CreateFile, path, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for next, done := uint32(0), false; !done; {
		var chunk []byte
		n := 0
		next, done = s.Scan(next, 1000, func(tier Tier, key, value []byte) {
			chunk = AppendEntry(chunk, tier, key, value)
			n++
		})
		if err := w.AddEncoded(chunk, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	back := New(1 << 30)
	if _, err := ReadSnapshot(path, func(tier Tier, key, value []byte) { back.Load(tier, key, value) }); err != nil {
		t.Fatal(err)
	}
	for i := range 20_000 {
		if got, _ := back.Get(key(i)); !bytes.Equal(got, bytes.Repeat(key(i), 1+i%40)) {
			t.Fatalf("%s is %q", key(i), got)
		}
	}
	for tier := range Tier(tiers) {
		if back.Count(tier) != s.Count(tier) {
			t.Errorf("tier %d has %d keys, want %d", tier, back.Count(tier), s.Count(tier))
		}
	}
}

// disk takes so many bytes before it is full; it can also fail to sync or close.
type disk struct {
	File
	room          int
	noSync, noEnd bool
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	if _, err := d.File.Write(b[:n]); err != nil {
		return 0, err
	}
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (d *disk) Sync() error {
	if d.noSync {
		return syscall.EIO
	}
	return d.File.Sync()
}

func (d *disk) Close() error {
	err := d.File.Close()
	if d.noEnd {
		return syscall.EIO
	}
	return err
}

// Whatever fails and wherever: the error comes back, nothing is left over, and
// the snapshot before it can still be read.
func TestFailedWriteLeavesTheEarlierSnapshot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "snapshot")
	old := []testEntry{{Kept, "old", "state"}}
	if err := writeSnapshot(CreateFile, path, testHeader, old); err != nil {
		t.Fatal(err)
	}
	entries := slices.Repeat([]testEntry{{Kept, "key", strings.Repeat("v", 50)}, {Probation, "k", "v"}, {Timetable, "", "v"}}, 4)
	whole := filepath.Join(t.TempDir(), "whole")
	if err := writeSnapshot(CreateFile, whole, testHeader, entries); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(whole)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, on disk, want error) {
		t.Helper()
		err := writeSnapshot(func(path string) (File, error) {
			f, err := CreateFile(path)
			on.File = f
			return &on, err
		}, path, testHeader, entries)
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", name, err, want)
		}
		if files, _ := os.ReadDir(dir); len(files) != 1 {
			t.Errorf("%s: %d files are left, want the earlier snapshot only", name, len(files))
		}
		if _, got, err := readAll(path); err != nil || !slices.Equal(got, old) {
			t.Errorf("%s: the earlier snapshot is %v, %v", name, got, err)
		}
	}
	for room := range int(info.Size()) {
		check(fmt.Sprintf("disk full after %d bytes", room), disk{room: room}, syscall.ENOSPC)
	}
	check("sync", disk{room: 1 << 20, noSync: true}, syscall.EIO)
	check("close", disk{room: 1 << 20, noEnd: true}, syscall.EIO)
	if err := writeSnapshot(func(string) (File, error) { return nil, fs.ErrPermission }, path, testHeader, entries); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("create: error %v", err)
	}
}

func TestSnapshotEndsOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "snapshot")
	full, err := Begin(func(path string) (File, error) {
		f, err := CreateFile(path)
		return &disk{File: f}, err
	}, path, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the error stays, also after the file was given up
		if err := full.AddEncoded(make([]byte, 10), 1); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("add to a full disk: %v", err)
		}
	}
	if err := full.Finish(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("finish on a full disk: %v", err)
	}
	s, err := Begin(CreateFile, path, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	s.Abandon()
	s.Abandon()
	if err := s.Finish(); err == nil {
		t.Error("an abandoned snapshot was finished")
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files are left of abandoned snapshots", len(files))
	}
	if s, err = Begin(CreateFile, path, testHeader); err != nil {
		t.Fatal(err)
	}
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	s.Abandon() // does nothing
	if err := s.Add(Kept, nil, nil); err == nil {
		t.Error("a finished snapshot took an entry")
	}
	if _, _, err := readAll(path); err != nil {
		t.Error(err)
	}
}

func TestBeginRefusesWhatCouldNotBeRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot")
	for _, h := range []Header{{Topic: strings.Repeat("t", maxTopic+1)}, {Partition: -1}, {Offset: -1}} {
		if _, err := Begin(CreateFile, path, h); err == nil {
			t.Errorf("no error for %v", h)
		}
	}
	s, err := Begin(CreateFile, path, testHeader)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(Kept, nil, make([]byte, MaxEntry+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large an entry: %v", err)
	}
}

// sealed is a snapshot with a right checksum around a body of any kind.
func sealed(body []byte, entries uint64) []byte {
	b := append(slices.Clone(body), footerMark)
	b = wire.AppendHash(b, entries)
	return wire.AppendHash(b, xxhash.Sum64(b))
}

func snapshotHead(v uint, partition, offset int64) []byte {
	b := wire.AppendUint([]byte(magic), v)
	b = wire.AppendText(b, "t")
	b = append(b, make([]byte, 16)...)
	b = wire.AppendInt(b, partition)
	b = wire.AppendInt(b, offset)
	return wire.AppendInt(b, int64(0))
}

func TestDamagedSnapshots(t *testing.T) {
	head := snapshotHead(version, 0, 0)
	with := func(rest ...byte) []byte { return append(slices.Clone(head), rest...) }
	huge := binary.AppendUvarint(nil, 1<<62)
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":           {nil, "header at byte 0: the file is empty"},
		"another file":    {[]byte("PK\x03\x04 something else"), "does not begin"},
		"newer":           {snapshotHead(2, 0, 0), "version 2; this program reads version 1"},
		"no version":      {[]byte(magic), "header at byte 0: the value ends too early"},
		"huge topic":      {append(wire.AppendUint([]byte(magic), uint(version)), huge...), "out of range"},
		"partition":       {sealed(snapshotHead(version, 1<<31, 0), 0), "out of range"},
		"offset":          {sealed(snapshotHead(version, 0, -1), 0), "out of range"},
		"no footer":       {head, "entry at byte 31: the value ends too early"},
		"huge key":        {with(append([]byte{0}, huge...)...), "out of range"},
		"huge value":      {with(append([]byte{0, 1, 'k'}, huge...)...), "out of range"},
		"too much of two": {with(append(AppendEntry(nil, Kept, make([]byte, MaxEntry), nil), AppendEntry(nil, Kept, make([]byte, 2), make([]byte, MaxEntry-1))...)...), "out of range"},
		"tier":            {with(3, 1, 'k', 1, 'v'), "tier 3 is not known"},
		"cut footer":      {sealed(head, 0)[:len(head)+footerSize-1], "footer at byte 31: the value ends too early"},
		"count":           {sealed(with(0, 1, 'k', 1, 'v'), 2), "1 entries, but 2 were written"},
		"rest":            {append(sealed(head, 0), 0), "bytes are left over"},
		"checksum":        {append(with(255, 0, 0, 0, 0, 0, 0, 0, 0), make([]byte, 8)...), "the checksum is wrong"},
	} {
		path := filepath.Join(t.TempDir(), "snapshot")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := readAll(path)
		if !errors.Is(err, ErrSnapshot) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	if _, _, err := readAll(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// Every cut and every flipped bit is found.
func TestEveryDamageIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := writeSnapshot(CreateFile, path, testHeader, []testEntry{{Kept, "key", "value"}, {Timetable, "k", strings.Repeat("v", 200)}}); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func(b []byte) error {
		_, err := readSnapshot(bytes.NewReader(b), func(Tier, []byte, []byte) {})
		return err
	}
	if err := read(file); err != nil {
		t.Fatal(err)
	}
	for n := range file {
		if err := read(file[:n]); !errors.Is(err, ErrSnapshot) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
		for bit := range 8 {
			flipped := slices.Clone(file)
			flipped[n] ^= 1 << bit
			if err := read(flipped); !errors.Is(err, ErrSnapshot) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, n, err)
			}
		}
	}
}

// An error of the disk is none of the file.
func TestReadError(t *testing.T) {
	from := io.MultiReader(bytes.NewReader(snapshotHead(version, 0, 0)), badReader{})
	_, err := readSnapshot(from, func(Tier, []byte, []byte) {})
	if !errors.Is(err, syscall.EIO) || errors.Is(err, ErrSnapshot) {
		t.Errorf("error %v, want EIO only", err)
	}
}

type badReader struct{}

func (badReader) Read([]byte) (int, error) { return 0, syscall.EIO }

// What is read without an error is a snapshot: written again, it is the same
// state. Nothing else makes a panic or takes more memory than the file.
func FuzzReadSnapshot(f *testing.F) {
	head := snapshotHead(version, 0, 0)
	f.Add([]byte{})
	f.Add(sealed(head, 0))
	f.Add(sealed(AppendEntry(AppendEntry(slices.Clone(head), Kept, []byte("key"), []byte("value")), Timetable, nil, []byte("v")), 2))
	f.Add(append(slices.Clone(head), 0, 255, 255, 255, 255, 255, 255, 255, 255, 127))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, file := range [][]byte{b, sealed(b, 1)} { // the second gets past the checksum
			var body []byte
			n := 0
			h, err := readSnapshot(bytes.NewReader(file), func(tier Tier, key, value []byte) {
				if len(key)+len(value) > MaxEntry || tier >= tiers {
					t.Fatalf("an entry of %d bytes in tier %d", len(key)+len(value), tier)
				}
				body = AppendEntry(body, tier, key, value)
				n++
			})
			if err != nil {
				if !errors.Is(err, ErrSnapshot) {
					t.Fatalf("error %v is no ErrSnapshot", err)
				}
				continue
			}
			path := filepath.Join(t.TempDir(), "snapshot")
			w, err := Begin(CreateFile, path, h)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.AddEncoded(body, n); err != nil {
				t.Fatal(err)
			}
			if err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			again, entries, err := readAll(path)
			if err != nil || again != h || len(entries) != n {
				t.Fatalf("read again: %v with %d entries, %v, want %v with %d", again, len(entries), err, h, n)
			}
		}
	})
}
