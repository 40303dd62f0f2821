package chdb

import (
	"fmt"
	"math"
	"math/big"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func ptr[T any](v T) *T { return &v }

// Each type goes in with a batch and comes out of a SELECT, which is two
// encodings by the client, two by the engine and one in between.
func TestTypes(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	at := time.Date(2026, 2, 3, 4, 5, 6, 789e6, time.UTC)
	tests := []struct {
		chType string
		values []any // all of one Go type
	}{
		{"UInt8", []any{uint8(0), uint8(255)}},
		{"UInt16", []any{uint16(0), uint16(math.MaxUint16)}},
		{"UInt32", []any{uint32(0), uint32(math.MaxUint32)}},
		{"UInt64", []any{uint64(0), uint64(math.MaxUint64)}},
		{"Int8", []any{int8(-128), int8(127)}},
		{"Int16", []any{int16(math.MinInt16), int16(math.MaxInt16)}},
		{"Int32", []any{int32(math.MinInt32), int32(math.MaxInt32)}},
		{"Int64", []any{int64(math.MinInt64), int64(math.MaxInt64)}},
		{"UInt256", []any{*big.NewInt(0), *new(big.Int).Lsh(big.NewInt(1), 255)}},
		{"Float32", []any{float32(0), float32(1.5), float32(math.Inf(1))}},
		{"Float64", []any{0.0, 1.25, math.MaxFloat64}},
		{"Bool", []any{true, false}},
		{"String", []any{"", "x", "Zürich \x00 \xff", strings.Repeat("long ", 50000)}},
		{"FixedString(4)", []any{"abcd", "\x00\x00\x00\x01"}},
		{"LowCardinality(String)", []any{"a", "", "b", "a"}},
		{"LowCardinality(Nullable(String))", []any{ptr("a"), (*string)(nil), ptr("")}},
		{"Nullable(UInt32)", []any{ptr(uint32(1)), (*uint32)(nil)}},
		{"Nullable(String)", []any{(*string)(nil), ptr(""), ptr("x")}},
		{"Date", []any{time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC)}},
		{"DateTime", []any{at.Truncate(time.Second)}},
		{"DateTime64(3)", []any{at, time.UnixMilli(-1).UTC(), time.UnixMilli(0).UTC()}},
		{"DateTime64(3, 'UTC')", []any{at}},
		{"IPv4", []any{net.IPv4(192, 0, 2, 1).To4()}},
		{"IPv6", []any{net.ParseIP("2001:db8::1"), net.ParseIP("::ffff:192.0.2.1")}},
		{"UUID", []any{uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), uuid.UUID{}}},
		{"Enum8('none' = 0, 'low' = 1, 'high' = -3)", []any{"low", "high", "none"}},
		{"Array(String)", []any{[]string{"a", "", "b"}, []string{}}},
		{"Array(LowCardinality(String))", []any{[]string{"a", "b", "a"}, []string{}}},
		{"Array(Array(UInt8))", []any{[][]uint8{{1}, {}, {2, 3}}}},
		{"Array(Nullable(UInt8))", []any{[]*uint8{ptr(uint8(1)), nil}}},
		{"Map(String, String)", []any{map[string]string{"a": "b", "c": ""}, map[string]string{}}},
		{"Map(LowCardinality(String), UInt64)", []any{map[string]uint64{"a": 1, "b": 2}}},
		{"Tuple(String, UInt8)", []any{[]any{"a", uint8(1)}}},
		{"Tuple(name String, n UInt8)", []any{map[string]any{"name": "a", "n": uint8(1)}}},
		{"Array(Tuple(name String, n UInt8))", []any{[]map[string]any{{"name": "a", "n": uint8(1)}, {"name": "b", "n": uint8(2)}}}},
	}
	for _, tt := range tests {
		t.Run(tt.chType, func(t *testing.T) {
			run(t, c, "CREATE OR REPLACE TABLE v (i UInt32, v "+tt.chType+") ENGINE = MergeTree ORDER BY i SETTINGS index_granularity = 8192")
			batch, err := c.PrepareBatch(clickhouse.Context(t.Context()), "INSERT INTO v")
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range tt.values {
				if err := batch.Append(uint32(i), v); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			rows, err := c.Query(t.Context(), "SELECT v FROM v ORDER BY i")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			var got []any
			for rows.Next() {
				v := reflect.New(reflect.TypeOf(tt.values[0]))
				if err := rows.Scan(v.Interface()); err != nil {
					t.Fatal(err)
				}
				got = append(got, v.Elem().Interface())
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(printed(tt.values), printed(got)); diff != "" {
				t.Errorf("what went in (-) and came out (+):\n%s", diff)
			}
			if n := one[uint64](t, c, "SELECT count() FROM v"); n != uint64(len(tt.values)) {
				t.Errorf("%d rows", n)
			}
			// Without rows, the client still reads names and types.
			none, err := c.Query(t.Context(), "SELECT v, i FROM v WHERE i = 99 UNION ALL SELECT v, i FROM v WHERE i = 0")
			if err != nil {
				t.Fatal(err)
			}
			none.Close()
			if err := none.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// printed makes values comparable: numbers, addresses, times and pointers by
// what they stand for.
func printed(values []any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case big.Int:
			texts[i] = v.String()
			continue
		case time.Time:
			texts[i] = v.UTC().String()
			continue
		case []*uint8:
			for _, p := range v {
				texts[i] += printed([]any{p})[0] + ","
			}
			continue
		}
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer {
			if r.IsNil() {
				texts[i] = "NULL"
				continue
			}
			v = r.Elem().Interface()
		}
		texts[i] = fmt.Sprintf("%#v", v)
	}
	return texts
}

// A result of many blocks and of more distinct values than one byte counts.
func TestLargeResult(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	rows, err := c.Query(t.Context(), `
		SELECT number, toLowCardinality(toString(number % 1000)), toNullable(number % 2 = 0 ? NULL : number), [toString(number), 'x']
		FROM numbers(300000)
		ORDER BY number`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	next := uint64(0)
	for rows.Next() {
		var n uint64
		var s string
		var odd *uint64
		var a []string
		if err := rows.Scan(&n, &s, &odd, &a); err != nil {
			t.Fatal(err)
		}
		if n != next || s != fmt.Sprint(n%1000) || (odd == nil) != (n%2 == 0) || odd != nil && *odd != n || len(a) != 2 || a[0] != fmt.Sprint(n) {
			t.Fatalf("row %d: %d, %q, %v, %q", next, n, s, odd, a)
		}
		next++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if next != 300000 {
		t.Errorf("%d rows", next)
	}
}

func TestNested(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	run(t, c, "CREATE TABLE v (v Nested(name String, n UInt8)) ENGINE = MergeTree ORDER BY tuple()")
	batch, err := c.PrepareBatch(t.Context(), "INSERT INTO v")
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Append([]string{"a", "b"}, []uint8{1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	if got := one[[]uint8](t, c, "SELECT v.n FROM v"); !slices.Equal(got, []uint8{1, 2}) {
		t.Errorf("numbers %v", got)
	}
}

// The types that carry their own types.
func TestJSON(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	const value = `{"a":1,"b":{"c":"x"}}`
	for _, chType := range []string{"JSON", "Dynamic", "Variant(UInt64, String)"} {
		t.Run(chType, func(t *testing.T) {
			run(t, c, "CREATE OR REPLACE TABLE v (v "+chType+") ENGINE = MergeTree ORDER BY tuple()")
			batch, err := c.PrepareBatch(t.Context(), "INSERT INTO v")
			if err != nil {
				t.Fatal(err)
			}
			if err := batch.Append(value); err != nil {
				t.Fatal(err)
			}
			if err := batch.Send(); err != nil {
				t.Fatal(err)
			}
			if got := one[string](t, c, "SELECT toString(v) FROM v"); got != value {
				t.Errorf("as a string %s", got)
			}
			if chType == "JSON" {
				got := one[clickhouse.JSON](t, c, "SELECT v FROM v")
				if path, ok := clickhouse.ExtractJSONPathAs[string](&got, "b.c"); !ok || path != "x" {
					t.Errorf("b.c is %q", path)
				}
				return
			}
			if got := one[clickhouse.Dynamic](t, c, "SELECT v FROM v"); got.Any() != value {
				t.Errorf("value %v", got.Any())
			}
		})
	}
}
