package ingest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/riskstream/riskstream/event"
)

// checkParse parses a record and checks what holds for every input: nothing
// panics, indexes count on, each event is complete, clean and survives its own
// encoding, and a second parser finds the same.
func checkParse(t *testing.T, source Source, record []byte) {
	t.Helper()
	before := bytes.Clone(record)
	first := parseAll(t, source, record)
	if !bytes.Equal(before, record) {
		t.Fatal("the record was changed")
	}
	if second := parseAll(t, source, record); !slices.Equal(first, second) {
		t.Fatalf("two runs differ:\n%q\n%q", first, second)
	}
}

func parseAll(t *testing.T, source Source, record []byte) (got []string) {
	t.Helper()
	p, err := NewParser(source, Options{KeepOriginal: true})
	if err != nil {
		t.Fatal(err)
	}
	next := int32(0)
	p.Parse(record, event.Origin{Topic: "t"}, func(e *event.Event) {
		if e.Origin.Index != next {
			t.Fatalf("index %d, want %d", e.Origin.Index, next)
		}
		next++
		line := e.AppendJSON(nil)
		var d event.Decoder
		back, err := d.Decode(line)
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if again := back.AppendJSON(nil); !bytes.Equal(line, again) {
			t.Fatalf("decoded differently:\n%s\n%s", line, again)
		}
		if e.Reason == event.UnknownUser && (e.User.Subject != "" || e.User.Name != "" || e.Original != "") {
			t.Fatalf("an unknown user's words are kept: %s", line)
		}
		for _, s := range []string{
			e.ID, e.Code, e.User.ID, e.User.Name, e.User.Email, e.User.FullName, e.Source.Geo.City,
			e.UserAgent.Original, e.Device.ID, e.Session.ID, e.App.Name, e.Resource.Name, e.Auth.Method, e.IDPRisk.Reasons,
		} {
			if len(s) > maxText+64 || !utf8.ValidString(s) || bytes.ContainsAny([]byte(s), "\n\r\x00\x1b") {
				t.Fatalf("unclean text %q", s)
			}
		}
		got = append(got, string(line))
	}, func(d DeadLetter) {
		if d.Reason == ParserPanic {
			t.Fatalf("panic: %s", d.Err)
		}
		if d.Origin.Index != next {
			t.Fatalf("index %d of a dead letter, want %d", d.Origin.Index, next)
		}
		next++
		got = append(got, d.Reason+" "+d.SHA256)
	})
	return got
}

func FuzzUnwrap(f *testing.F) {
	a := oktaSample("a")
	for _, record := range []string{
		a, a + "\n" + a, "[" + a + "," + a + "]", `{"records":[` + a + `]}`, `{"message":` + quote(a) + `}`, quote(a),
		gzipped(a), "\x00\x00\x00\x00\x01" + a, `{"event":{"original":` + quote(quote(a)) + `}}`, "prefix " + a, "[[[[[[", `{"a":{"a":[`,
	} {
		f.Add([]byte(record))
	}
	f.Fuzz(func(t *testing.T, record []byte) { checkParse(t, Source{Topic: "t"}, record) })
}

func FuzzNative(f *testing.F) {
	events, _ := parse(f, Source{}, Options{}, oktaSample("a"), 0)
	f.Add(events[0].AppendJSON(nil))
	f.Add([]byte(`{"@timestamp":"2026-03-04T12:00:00Z","event":{"id":"1","kind":"signal","action":"idp_signal","code":"release","provider":"x"},"organization":{"id":"a"}}`))
	f.Fuzz(func(t *testing.T, record []byte) { checkParse(t, Source{Topic: "t", Format: nativeName}, record) })
}

// FuzzRecords checks that a file gives the same events and dead letters however
// it arrives, and that everything but separators ends up in some record.
func FuzzRecords(f *testing.F) {
	for _, file := range []string{
		"{}\n{}", "[{},{}]", "{\"a\":\n[1,2]}\ntext", "{\"a\":\"\n{\"b\":1}\n", "\xef\xbb\xbf[1]", "[\"x\"", `{"a":"\"`,
		"{}}\n{", "[\"\n0\"{]0\n0", oktaSample("a") + oktaSample("b") + "\n" + oktaSample("c"),
	} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if isGzip(file) {
			t.Skip()
		}
		parse := func(r io.Reader) (got []string) {
			p, err := NewParser(Source{}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			err = p.ParseFile(r,
				func(e *event.Event, _ int) { got = append(got, string(e.AppendJSON(nil))) },
				func(d DeadLetter) { got = append(got, fmt.Sprint(d.Line, " ", d.Reason, " ", string(d.Raw))) })
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		whole := parse(iotest.DataErrReader(bytes.NewReader(file)))
		if pieces := parse(iotest.OneByteReader(bytes.NewReader(file))); !slices.Equal(whole, pieces) {
			t.Fatalf("whole %q\npieces %q", whole, pieces)
		}

		size := 0
		if err := Records(bytes.NewReader(file), func(record []byte, _ int) error {
			if len(record) == 0 {
				t.Fatal("empty record")
			}
			size += len(record)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		text := bytes.TrimPrefix(file, []byte(byteOrderMark))
		for _, c := range text {
			if isSpace(c) || c == ',' || c == 0x1e || c == '[' || c == ']' {
				size++
			}
		}
		if size < len(text) {
			t.Fatalf("%d bytes of %q are in no record", len(text)-size, text)
		}
	})
}

// fuzzSource is checkParse from the native events in a directory of testdata.
func fuzzSource(f *testing.F, source Source, dir string) {
	files, err := os.ReadDir("testdata/" + dir)
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".json") {
			continue
		}
		raw, err := os.ReadFile("testdata/" + dir + "/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, record []byte) { checkParse(t, source, record) })
}
