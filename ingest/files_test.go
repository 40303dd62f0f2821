package ingest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/riskstream/riskstream/event"
)

// recordsOf lists "line:record".
func recordsOf(r io.Reader) ([]string, error) {
	var got []string
	err := Records(r, func(record []byte, line int) error {
		got = append(got, fmt.Sprintf("%d:%s", line, record))
		return nil
	})
	return got, err
}

func TestRecords(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string
	}{
		{"empty", "", nil},
		{"JSON lines", "{\"a\":1}\n{\"b\":{}}\n{\"c\":3}", []string{`1:{"a":1}`, `2:{"b":{}}`, `3:{"c":3}`}},
		{"Windows and blank lines", "{\"a\":1}\r\n\r\n\n{\"b\":2}\r\n", []string{`1:{"a":1}`, `4:{"b":2}`}},
		{"byte order mark", "\xef\xbb\xbf{\"a\":1}", []string{`1:{"a":1}`}},
		{"pretty-printed", "{\n \"a\": {\n  \"b\": [1,\n 2]\n }\n}\n{\n \"c\": 1\n}\n", []string{"1:{\n \"a\": {\n  \"b\": [1,\n 2]\n }\n}", "7:{\n \"c\": 1\n}"}},
		{"line ends in a brace inside a value", "{\"a\":{\"b\":1}\n,\"c\":{}\n}\n{\"d\":1}", []string{"1:{\"a\":{\"b\":1}\n,\"c\":{}\n}", `4:{"d":1}`}},
		{"array", "[{\"a\":1}, {\"b\":2},\n{\"c\":[3]}]\n", []string{`1:{"a":1}`, `1:{"b":2}`, `2:{"c":[3]}`}},
		{"array of lines", "[\n{\"a\":1}\n,\n{\"b\":2}\n]", []string{`2:{"a":1}`, `4:{"b":2}`}},
		{"arrays behind each other", `[{"a":1}][{"b":2}]`, []string{`1:{"a":1}`, `1:{"b":2}`}},
		{"array in an array", `[[1,2],"x",{"a":1}]`, []string{`1:[1,2]`, `1:"x"`, `1:{"a":1}`}},
		{"behind each other", `{"a":1}{"b":2} {"c":3}`, []string{`1:{"a":1}`, `1:{"b":2}`, `1:{"c":3}`}},
		{"braces and quotes in strings", `{"a":"}{\"\\"}` + "\n" + `{"b":"]["}`, []string{`1:{"a":"}{\"\\"}`, `2:{"b":"]["}`}},
		{"envelope with one record a line", "{\"records\":[\n{\"a\":1},\n{\"b\":2}\n]}\n{\"c\":1}", []string{"1:{\"records\":[\n{\"a\":1},\n{\"b\":2}\n]}", `5:{"c":1}`}},
		{"lines of text", "one line\n[main] another\n", []string{"1:one line", "2:[main] another"}},
		{"text and JSON", "text {\"a\":1}\n{\"b\":1}\nmore", []string{`1:text {"a":1}`, `2:{"b":1}`, "3:more"}},
		{"line cut off in a string", "{\"a\":\"x\n{\"b\":2}\n", []string{`1:{"a":"x`, `2:{"b":2}`}},
		{"line cut off in an object", "{\"a\":{\"x\":1\n{\"b\":2}\n", []string{`1:{"a":{"x":1`, `2:{"b":2}`}},
		{"cut off at the end", "{\"a\":1}\n{\"b\":", []string{`1:{"a":1}`, `2:{"b":`}},
		{"raw line break in a string", "{\"a\":\"x\ny\"}\n{\"b\":2}", []string{"1:{\"a\":\"x\ny\"}", `3:{"b":2}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"whole":      strings.NewReader(c.file),
				"by byte":    iotest.OneByteReader(strings.NewReader(c.file)),
				"compressed": strings.NewReader(gzipped(c.file)),
			} {
				got, err := recordsOf(r)
				if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) {
					t.Errorf("%s: got %q, %v\nwant %q", how, got, err, c.want)
				}
			}
		})
	}
}

func TestRecordsOfMoreThanOneWindow(t *testing.T) {
	var file strings.Builder
	const n = 20_000 // some 3 MB
	file.WriteString("[")
	for i := range n {
		if i > 0 {
			file.WriteString(",\n")
		}
		fmt.Fprintf(&file, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", i%300))
	}
	file.WriteString("]\n")
	next := 0
	err := Records(strings.NewReader(file.String()), func(record []byte, line int) error {
		if !strings.HasPrefix(string(record), fmt.Sprintf(`{"n":%d,`, next)) || line != next+1 {
			return fmt.Errorf("line %d: %.40s", line, record)
		}
		next++
		return nil
	})
	if err != nil || next != n {
		t.Errorf("%d records, %v", next, err)
	}
}

func TestRecordsCutsWhatIsTooLarge(t *testing.T) {
	huge := `{"x":"` + strings.Repeat("y", 3*maxRecord) + `"}`
	text := strings.Repeat("z", 2*maxRecord)
	var sizes []int
	err := Records(strings.NewReader(`{"a":1}`+"\n"+huge+"\n"+`{"b":2}`+"\n"+text+"\n"+`{"c":3}`), func(record []byte, line int) error {
		sizes = append(sizes, min(len(record), maxRecord+1))
		return nil
	})
	if want := []int{7, maxRecord + 1, 7, maxRecord + 1, 7}; err != nil || fmt.Sprint(sizes) != fmt.Sprint(want) {
		t.Errorf("sizes %v, %v, want %v", sizes, err, want)
	}
}

func TestRecordsStopsAtErrors(t *testing.T) {
	stop := errors.New("stop")
	n := 0
	err := Records(strings.NewReader("{}\n{}\n{}\n"), func([]byte, int) error {
		n++
		return stop
	})
	if n != 1 || !errors.Is(err, stop) {
		t.Errorf("%d records, error %v", n, err)
	}
	broken := io.MultiReader(strings.NewReader("{\"a\":1}\n{\"b\""), iotest.ErrReader(io.ErrClosedPipe))
	got, err := recordsOf(broken)
	if !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrTruncated) || len(got) != 2 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestParseFile(t *testing.T) {
	var file strings.Builder
	for i := range 500 {
		file.WriteString(oktaSample(fmt.Sprint("id", i)) + "\n")
	}
	whole := gzipped(file.String())
	for _, c := range []struct {
		name, file string
		reason     string
	}{
		{"whole", whole, ""},
		{"truncated gzip", whole[:len(whole)-20], TruncatedGzip},
		{"truncated text", strings.TrimRight(file.String(), "}\n"), MalformedJSON},
		{"header of gzip only", whole[:5], TruncatedGzip},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewParser(Source{}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			events := 0
			var dead []DeadLetter
			err = p.ParseFile(strings.NewReader(c.file), func(e *event.Event, line int) {
				events++
				if line != events {
					t.Errorf("event %d is said to stand in line %d", events, line)
				}
				if e.Origin.Set() {
					t.Errorf("origin %+v of an event from a file", e.Origin)
				}
			}, func(d DeadLetter) { dead = append(dead, d) })
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.reason == "":
				if events != 500 || len(dead) != 0 {
					t.Errorf("%d events, dead letters %+v", events, dead)
				}
			case len(dead) == 0 || dead[len(dead)-1].Reason != c.reason:
				t.Errorf("dead letters %+v, want %s last", dead, c.reason)
			case c.name != "header of gzip only" && (events < 100 || dead[0].Line < 100):
				t.Errorf("%d events before line %d: what could be read is lost", events, dead[0].Line)
			}
		})
	}
}

func BenchmarkRecords(b *testing.B) {
	var file strings.Builder
	for range 2000 {
		file.WriteString(oktaBenchmark + "\n")
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := Records(strings.NewReader(file.String()), func([]byte, int) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
