package chdb

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var loadMB = flag.Int("chdb.load", 100, "how many MB of rows TestLoad inserts")

const eventTable = `CREATE TABLE events (
	tenant LowCardinality(String), subject String, time DateTime64(3), id String, ip IPv6,
	topic LowCardinality(String), partition UInt16, offset UInt64, json String
) ENGINE = MergeTree ORDER BY (tenant, subject, time, id) SETTINGS non_replicated_deduplication_window = 100`

const batchRows = 50_000

// event is a row of the kind that a history holds: about 600 bytes, of which
// JSON that differs from row to row is the most.
type event struct {
	subject, id, json string
	at                time.Time
	ip                netip.Addr
	offset            uint64
}

func eventOf(i uint64) event {
	mixed := i * 0x9E3779B97F4A7C15
	id := fmt.Sprintf("%016x-%d", mixed, i)
	subject := fmt.Sprintf("user%d@example.com", mixed%100_000)
	ip := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(mixed), byte(mixed >> 8), byte(mixed >> 16), 15: byte(i)})
	at := time.UnixMilli(1_770_000_000_000 + int64(i)).UTC()
	json := fmt.Sprintf(`{"@timestamp":%q,"event":{"id":%q,"action":"sign_in","outcome":"success","kind":"event","code":"user.session.start"},"user":{"subject":%q,"name":%q},"source":{"ip":%q,"geo":{"city_name":"Zürich","country_iso_code":"CH","location":{"lat":47.37,"lon":8.54},"radius_km":20},"as":{"number":%d,"organization":{"name":"Example Telecom"}}},"user_agent":{"name":"Chrome","os":{"name":"Windows"},"original":"Mozilla/5.0 (Windows NT 10.0; Win64; x64)"},"session":{"id":"%x"}}`,
		at.Format(time.RFC3339Nano), id, subject, subject, ip, mixed%64000, mixed*31)
	return event{subject, id, json, at, ip, i}
}

func (e event) bytes() int { return len(e.subject) + len(e.id) + len(e.json) + 16 + 8 + 8 + 2 + 2 }

// columns is a batch by column.
type columns struct {
	tenant, subject, id, topic, json []string
	at                               []time.Time
	ip                               []net.IP
	partition                        []uint16
	offset                           []uint64
	bytes                            int
}

func columnsOf(from uint64, rows int) *columns {
	c := &columns{}
	for i := range rows {
		e := eventOf(from + uint64(i))
		c.tenant = append(c.tenant, "default")
		c.subject = append(c.subject, e.subject)
		c.at = append(c.at, e.at)
		c.id = append(c.id, e.id)
		c.ip = append(c.ip, e.ip.AsSlice())
		c.topic = append(c.topic, "risk.events")
		c.partition = append(c.partition, uint16(i%16))
		c.offset = append(c.offset, e.offset)
		c.json = append(c.json, e.json)
		c.bytes += e.bytes()
	}
	return c
}

func (c *columns) send(ctx context.Context, conn driver.Conn) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO events")
	if err != nil {
		return err
	}
	for i, column := range []any{c.tenant, c.subject, c.at, c.id, c.ip, c.topic, c.partition, c.offset, c.json} {
		if err := batch.Column(i).Append(column); err != nil {
			return err
		}
	}
	return batch.Send()
}

func (c *columns) sendByRow(ctx context.Context, conn driver.Conn) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO events")
	if err != nil {
		return err
	}
	for i := range c.subject {
		if err := batch.Append(c.tenant[i], c.subject[i], c.at[i], c.id[i], c.ip[i], c.topic[i], c.partition[i], c.offset[i], c.json[i]); err != nil {
			return err
		}
	}
	return batch.Send()
}

// TestLoad inserts rows of a history while others read it, and checks that none
// is lost. -args -chdb.load=1024 for a gigabyte.
func TestLoad(t *testing.T) {
	began := time.Now()
	e := opened(t, t.TempDir())
	t.Logf("opened in %v", time.Since(began).Round(time.Millisecond))
	c := client(t, e)
	run(t, c, eventTable)
	if err := columnsOf(0, batchRows).send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	stopReader := reader(t, c)
	rows, bytes := uint64(batchRows), 0
	var working time.Duration
	var slowest time.Duration
	for bytes < *loadMB<<20 {
		batch := columnsOf(rows, batchRows)
		began := time.Now()
		if err := batch.send(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		working += took
		slowest = max(slowest, took)
		rows += batchRows
		bytes += batch.bytes
	}
	latencies := stopReader()
	t.Logf("beside that, one subject was read %d times, in %v at the median, %v at worst", len(latencies), latencies[len(latencies)/2], latencies[len(latencies)-1])
	t.Logf("%d rows, %d MB: %.0f rows/s, %.1f MB/s, slowest batch %v, peak memory of the process %s", rows, bytes>>20,
		float64(rows)/working.Seconds(), float64(bytes)/1e6/working.Seconds(), slowest.Round(time.Millisecond), peakMemory())
	if got := one[uint64](t, c, "SELECT count() FROM events"); got != rows {
		t.Errorf("%d rows, want %d", got, rows)
	}
	if got := one[uint64](t, c, "SELECT uniqExact(id) FROM events"); got != rows {
		t.Errorf("%d ids, want %d", got, rows)
	}
}

// reader reads one event after another until it is told to stop, and then
// returns how long each took, sorted. At least one is read.
func reader(t *testing.T, c driver.Conn) (stop func() []time.Duration) {
	var over atomic.Bool
	var latencies []time.Duration
	var group sync.WaitGroup
	group.Go(func() {
		for i := uint64(0); i == 0 || !over.Load(); i++ {
			want := eventOf(i % batchRows)
			var got string
			began := time.Now()
			if err := c.QueryRow(t.Context(), "SELECT json FROM events WHERE tenant = 'default' AND subject = ? AND id = ?", want.subject, want.id).Scan(&got); err != nil {
				t.Error(err)
				return
			}
			latencies = append(latencies, time.Since(began).Round(100*time.Microsecond))
			if got != want.json {
				t.Errorf("event %s", got)
				return
			}
		}
	})
	return func() []time.Duration {
		over.Store(true)
		group.Wait()
		if t.Failed() {
			t.FailNow()
		}
		slices.Sort(latencies)
		return latencies
	}
}

func peakMemory() string {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}

func TestSelectsBesideInserts(t *testing.T) {
	e := opened(t, t.TempDir())
	options := e.Options()
	options.MaxOpenConns = 30
	c, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	run(t, c, eventTable)
	if err := columnsOf(0, 10_000).send(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	var selects atomic.Int64
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			want := eventOf(uint64(i))
			for !over.Load() {
				var got string
				if err := c.QueryRow(t.Context(), "SELECT json FROM events WHERE tenant = 'default' AND subject = ? AND id = ? LIMIT 1", want.subject, want.id).Scan(&got); err != nil {
					t.Error(err)
					return
				}
				if got != want.json {
					t.Errorf("event %d is %s", i, got)
					return
				}
				selects.Add(1)
			}
		})
	}
	for i := range uint64(5) {
		if err := columnsOf((i+1)*10_000, 10_000).send(t.Context(), c); err != nil {
			t.Error(err)
			break
		}
	}
	waitFor(t, "every reader reads", func() bool { return selects.Load() >= 100 || t.Failed() })
	over.Store(true)
	group.Wait()
	if got := one[uint64](t, c, "SELECT count() FROM events"); got != 60_000 {
		t.Errorf("%d rows", got)
	}
}

// A small SELECT must not wait for a long one, nor for an insert whose data
// does not come.
func TestSlowRequestsHoldUpNoOther(t *testing.T) {
	e := opened(t, t.TempDir())
	c := client(t, e)
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() {
		_ = c.QueryRow(ctx, "SELECT count() FROM numbers(1000000) WHERE sleepEachRow(0.1) = 1 SETTINGS max_block_size = 1").Err()
	})
	conn := halfInsert(t, e)
	defer conn.Close()
	waitFor(t, "both run", func() bool { return one[uint64](t, c, "SELECT count() FROM system.processes") >= 3 })
	if got := one[uint8](t, c, "SELECT 1"); got != 1 {
		t.Errorf("got %d", got)
	}
}

// halfInsert begins an insert of two blocks into n and sends one of them.
func halfInsert(t *testing.T, e *Engine) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", e.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const block = "\x01\x01\x01n\x06UInt64\x07\x00\x00\x00\x00\x00\x00\x00" // of one row
	_, err = fmt.Fprintf(conn, "POST /?query=INSERT%%20INTO%%20n%%20FORMAT%%20Native HTTP/1.1\r\nHost: x\r\nX-ClickHouse-User: %s\r\nX-ClickHouse-Key: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", user, e.token, len(block), block)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestCutOffInsertStoresNothing(t *testing.T) {
	e := opened(t, t.TempDir())
	c := client(t, e)
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	const inserts = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO n%'"
	conn := halfInsert(t, e)
	waitFor(t, "the insert runs", func() bool { return one[uint64](t, c, inserts) == 1 })
	conn.Close()
	waitFor(t, "the insert has ended", func() bool { return one[uint64](t, c, inserts) == 0 })
	if got := one[uint64](t, c, "SELECT count() FROM n"); got != 0 {
		t.Errorf("%d rows of an insert that was cut off between two blocks", got)
	}
	// The same data to its end is an insert.
	conn = halfInsert(t, e)
	defer conn.Close()
	if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("answer %q, %v", line, err)
	}
	if got := one[uint64](t, c, "SELECT count() FROM n WHERE n = 7"); got != 1 {
		t.Errorf("%d rows", got)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	e := opened(t, t.TempDir())
	c := client(t, e)
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	ended := make(chan error, 1)
	go func() {
		ended <- c.QueryRow(t.Context(), "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1").Err()
	}()
	conn := halfInsert(t, e)
	defer conn.Close()
	waitFor(t, "both run", func() bool { return one[uint64](t, c, "SELECT count() FROM system.processes") >= 3 })
	e.grace = 100 * time.Millisecond
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the SELECT has ended well")
	}
}

// childVariable makes TestInsertingChild insert into its directory until it is
// killed.
const childVariable = "RISKSTREAM_TEST_CHDB_DIR"

func TestInsertingChild(t *testing.T) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		t.Skip("this is the process that TestKill kills")
	}
	c := client(t, opened(t, dir))
	run(t, c, strings.Replace(eventTable, "CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1))
	for n := range uint64(1000) {
		if err := sendNumbered(t.Context(), c, n); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("acknowledged %d\n", n)
	}
}

const killRows = 5000 // of a batch

func sendNumbered(ctx context.Context, c driver.Conn, n uint64) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": fmt.Sprint("batch ", n)}))
	return columnsOf(n*killRows, killRows).send(ctx, c)
}

// A process that is killed while it inserts loses nothing that was acknowledged
// and stores no half of a batch; repeating the last batches stores none twice.
func TestKill(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no engine there")
	}
	fetched(t)
	for _, after := range []int{0, 1, 7} {
		t.Run(fmt.Sprint(after, " acknowledged"), func(t *testing.T) {
			dir := t.TempDir()
			acknowledged := killAfter(t, dir, after)
			c := client(t, opened(t, dir))
			got := one[uint64](t, c, "SELECT count() FROM events")
			if got%killRows != 0 || got < acknowledged*killRows || got > (acknowledged+1)*killRows {
				t.Errorf("%d rows after %d acknowledged batches of %d", got, acknowledged, killRows)
			}
			for n := range acknowledged + 1 {
				if err := sendNumbered(t.Context(), c, n); err != nil {
					t.Fatal(err)
				}
			}
			if got := one[uint64](t, c, "SELECT count() FROM events"); got != (acknowledged+1)*killRows {
				t.Errorf("%d rows after repeating, want %d", got, (acknowledged+1)*killRows)
			}
			if n := one[int64](t, c, "SELECT count() - uniqExact(id) FROM events"); n != 0 {
				t.Errorf("%d rows are there twice", n)
			}
		})
	}
}

// killAfter runs a child that inserts, kills it a moment after so many
// acknowledged batches, and returns how many they were in the end.
func killAfter(t *testing.T, dir string, after int) (acknowledged uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestInsertingChild$")
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), "acknowledged ")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(rest, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		acknowledged = n + 1
		if acknowledged == uint64(after)+1 {
			// The next batch is on its way by now, or soon.
			time.AfterFunc(time.Duration(after)*2*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
	}
	_ = cmd.Wait()
	if acknowledged <= uint64(after) {
		t.Fatalf("the child has ended after %d batches", acknowledged)
	}
	return acknowledged
}

func BenchmarkInsert(b *testing.B) {
	e := opened(b, b.TempDir())
	c := client(b, e)
	for name, send := range map[string]func(*columns, context.Context, driver.Conn) error{"columns": (*columns).send, "rows": (*columns).sendByRow} {
		b.Run(name, func(b *testing.B) {
			run(b, c, "DROP TABLE IF EXISTS events SYNC")
			run(b, c, eventTable)
			batch := columnsOf(0, batchRows)
			b.SetBytes(int64(batch.bytes))
			run(b, c, "ALTER TABLE events MODIFY SETTING non_replicated_deduplication_window = 0")
			for b.Loop() {
				if err := send(batch, b.Context(), c); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*batchRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkSelect(b *testing.B) {
	e := opened(b, b.TempDir())
	c := client(b, e)
	run(b, c, eventTable)
	for i := range uint64(20) {
		if err := columnsOf(i*batchRows, batchRows).send(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
	run(b, c, "OPTIMIZE TABLE events FINAL")
	for name, sql := range map[string]string{
		"constant": "SELECT '1'",
		"subject":  "SELECT json FROM events WHERE tenant = 'default' AND subject = 'user42@example.com' ORDER BY time DESC LIMIT 100",
		"100k":     "SELECT json FROM events LIMIT 100000",
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				rows, err := c.Query(b.Context(), sql)
				if err != nil {
					b.Fatal(err)
				}
				n = 0
				for rows.Next() {
					var s string
					if err := rows.Scan(&s); err != nil {
						b.Fatal(err)
					}
					n++
				}
				if err := rows.Err(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n), "rows")
		})
	}
}
