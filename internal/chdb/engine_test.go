package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/internal/lockfile"
)

// fetched is the library, downloaded if need be.
func fetched(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("loads half a gigabyte of ClickHouse")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	_, err := Fetch(ctx, nil)
	if errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// opened is an engine on dir until the test ends.
func opened(t testing.TB, dir string) *Engine {
	t.Helper()
	fetched(t)
	e, err := Open(dir, Settings{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// client is a connection pool to the engine until the test ends.
func client(t testing.TB, e *Engine) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(e.Options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func run(t testing.TB, c driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := c.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func one[T any](t testing.TB, c driver.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := c.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func insertNumbers(ctx context.Context, c driver.Conn, table string, from, n uint64) error {
	batch, err := c.PrepareBatch(ctx, "INSERT INTO "+table)
	if err != nil {
		return err
	}
	for i := from; i < from+n; i++ {
		if err := batch.Append(i); err != nil {
			return err
		}
	}
	return batch.Send()
}

func TestAnswers(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, c, "SELECT currentDatabase()"); got != "riskstream" {
		t.Errorf("database %q", got)
	}
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	if err := insertNumbers(t.Context(), c, "n", 0, 1000); err != nil {
		t.Fatal(err)
	}
	if got := one[uint64](t, c, "SELECT sum(n) FROM n"); got != 499500 {
		t.Errorf("sum %d", got)
	}
	run(t, c, "INSERT INTO n VALUES (1), (2)")
	run(t, c, "INSERT INTO n SELECT number FROM numbers(3)")
	if got := one[uint64](t, c, "SELECT count() FROM n"); got != 1005 {
		t.Errorf("count %d", got)
	}
	rows, err := c.Query(t.Context(), "SELECT n FROM n WHERE n > 5000")
	if err != nil {
		t.Fatal(err)
	}
	if rows.Next() || rows.Err() != nil {
		t.Errorf("rows of an empty result: %v", rows.Err())
	}
	for _, sql := range []string{"SHOW TABLES", "DESCRIBE TABLE n", "EXPLAIN SELECT * FROM n", "EXISTS TABLE n", "SHOW CREATE TABLE n"} {
		rows, err := c.Query(t.Context(), sql)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		if !rows.Next() {
			t.Errorf("%s: no rows (%v)", sql, rows.Err())
		}
		rows.Close()
	}
	run(t, c, "ALTER TABLE n ADD COLUMN more String DEFAULT 'x'")
	run(t, c, "ALTER TABLE n DELETE WHERE n < 10 SETTINGS mutations_sync = 1")
	if got := one[string](t, c, "SELECT any(more) FROM n"); got != "x" {
		t.Errorf("new column %q", got)
	}
	run(t, c, "DROP TABLE n")
}

func TestParameters(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	for _, value := range []string{"", "x", `a'b\c"d`, "tab\tline\nend", "Zürich", strings.Repeat("long", 10000)} {
		got := one[string](t, c, "SELECT {v:String}", clickhouse.Named("v", value))
		if got != value {
			t.Errorf("parameter %.40q comes as %.40q", value, got)
		}
		if got := one[string](t, c, "SELECT ?", value); got != value {
			t.Errorf("argument %.40q comes as %.40q", value, got)
		}
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithParameters(clickhouse.Parameters{"n": "7", "a": "['x','y']"}))
	var n uint64
	var a []string
	if err := c.QueryRow(ctx, "SELECT {n:UInt64} * 6, {a:Array(String)}").Scan(&n, &a); err != nil {
		t.Fatal(err)
	}
	if n != 42 || !reflect.DeepEqual(a, []string{"x", "y"}) {
		t.Errorf("parameters come as %d, %q", n, a)
	}
}

func TestExceptions(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	setting := func(name string, value any) context.Context {
		return clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{name: value}))
	}
	tests := []struct {
		name string
		ctx  context.Context
		sql  string
		code int32
		says string
	}{
		{"table", t.Context(), "SELECT * FROM nowhere", 60, "nowhere"},
		{"syntax", t.Context(), "SELEC 1", 62, "Syntax"},
		{"implicit select", t.Context(), "1 + 1", 62, "Syntax"},
		{"two statements", t.Context(), "SELECT 1; SELECT 2", 62, "Multi-statements"},
		{"unknown setting", setting("no_such_setting", 1), "SELECT 1", 115, "no_such_setting"},
		{"bad name of a setting", setting("a=1,b", 1), "SELECT 1", 115, "a=1,b"},
		{"bad value of a setting", setting("max_threads", "many"), "SELECT 1", 27, "many"},
		{"timeout", setting("max_execution_time", 1), "SELECT sleepEachRow(1) FROM numbers(9) SETTINGS max_block_size = 1", 159, "Timeout"},
		{"session", setting("session_id", "a"), "SELECT 1", 48, "session_id"},
		{"in the middle of the result", t.Context(), "SELECT number, throwIf(number = 3000000) FROM numbers(10000000) SETTINGS max_threads = 1", 395, "throwIf"},
		{"format", t.Context(), "SELECT 1 FORMAT TSV", 48, "FORMAT"},
		{"missing parameter", t.Context(), "SELECT {x:String}", 456, "x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := c.Query(tt.ctx, tt.sql)
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				rows.Close()
			}
			var e *clickhouse.Exception
			if !errors.As(err, &e) {
				t.Fatalf("error %v is no exception", err)
			}
			if e.Code != tt.code || !strings.Contains(e.Message, tt.says) {
				t.Errorf("code %d, %q", e.Code, e.Message)
			}
		})
	}
	err := c.Exec(t.Context(), "INSERT INTO n VALUES (1, 2)")
	var e *clickhouse.Exception
	if !errors.As(err, &e) {
		t.Errorf("insert of too many values: %v", err)
	}
}

func TestUnknownDatabase(t *testing.T) {
	e := opened(t, t.TempDir())
	options := e.Options()
	options.Auth.Database = "o'ther`s"
	c, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var exception *clickhouse.Exception
	if err := c.Ping(t.Context()); !errors.As(err, &exception) || exception.Code != 81 {
		t.Errorf("error %v", err)
	}
}

func TestWrongToken(t *testing.T) {
	e := opened(t, t.TempDir())
	for _, auth := range []clickhouse.Auth{
		{Database: "riskstream", Username: user, Password: "guess"},
		{Database: "riskstream", Username: "default", Password: e.token},
		{Database: "riskstream"},
	} {
		options := e.Options()
		options.Auth = auth
		c, err := clickhouse.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		var exception *clickhouse.Exception
		if err := c.Ping(t.Context()); !errors.As(err, &exception) || exception.Code != 516 {
			t.Errorf("user %q: error %v", auth.Username, err)
		}
		c.Close()
	}
}

// A retried insert must not count twice, which rests on the token's getting
// through to the engine.
func TestDeduplicationToken(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	c := client(t, e)
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 100")
	insert := func(c driver.Conn, token string, from uint64) {
		t.Helper()
		ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"insert_deduplication_token": token}))
		if err := insertNumbers(ctx, c, "n", from, 10); err != nil {
			t.Fatal(err)
		}
	}
	count := func(c driver.Conn, want uint64, after string) {
		t.Helper()
		if got := one[uint64](t, c, "SELECT count() FROM n"); got != want {
			t.Errorf("%d rows after %s, want %d", got, after, want)
		}
	}
	insert(c, "a", 0)
	count(c, 10, "an insert")
	insert(c, "a", 0)
	count(c, 10, "the same again")
	insert(c, "a", 100)
	count(c, 10, "other data with the same token")
	insert(c, `b'\`, 0)
	count(c, 20, "the same data with another token")
	insert(c, `b'\`, 0)
	count(c, 20, "that again")

	c.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	c = client(t, opened(t, dir))
	insert(c, "a", 0)
	count(c, 20, "the first token after a restart")
	insert(c, "c", 0)
	count(c, 30, "a new token after a restart")
}

func TestSettingsEndWithTheirRequest(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	const sql = "SELECT toString(getSetting('max_result_rows'))"
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"max_result_rows": 77}))
	var got string
	if err := c.QueryRow(ctx, sql).Scan(&got); err != nil {
		t.Fatal(err)
	}
	if got != "77" {
		t.Errorf("the setting is %s in its request", got)
	}
	if got := one[string](t, c, sql); got != "0" {
		t.Errorf("the setting is %s in the next request", got)
	}
	run(t, c, "SET max_result_rows = 5")
	if got := one[string](t, c, sql); got != "0" {
		t.Errorf("the setting is %s after another request's SET", got)
	}
}

func TestCancelledSelectEnds(t *testing.T) {
	c := client(t, opened(t, t.TempDir()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- c.QueryRow(ctx, "SELECT count() FROM numbers(1000000000000) WHERE cityHash64(number) = 1").Err()
	}()
	const running = "SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%system.processes%'"
	waitFor(t, "the statement runs", func() bool { return one[uint64](t, c, running) == 1 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	waitFor(t, "the statement has ended", func() bool { return one[uint64](t, c, running) == 0 })
}

func waitFor(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestRestartKeepsData(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	c := client(t, e)
	run(t, c, "CREATE TABLE n (n UInt64) ENGINE = MergeTree ORDER BY n")
	if err := insertNumbers(t.Context(), c, "n", 0, 100); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err == nil {
		t.Error("a closed engine answers")
	}
	// Another directory in between must not be taken for it.
	other := opened(t, t.TempDir())
	if n := one[uint64](t, client(t, other), "SELECT count() FROM system.tables WHERE database = 'riskstream'"); n != 0 {
		t.Errorf("a new engine has %d tables", n)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got := one[uint64](t, client(t, opened(t, dir)), "SELECT sum(n) FROM n"); got != 4950 {
		t.Errorf("sum %d after a restart", got)
	}
}

func TestSecondEngineIsRefused(t *testing.T) {
	dir := t.TempDir()
	e := opened(t, dir)
	if _, err := Open(t.TempDir(), Settings{}); err == nil || !strings.Contains(err.Error(), e.dir) {
		t.Errorf("a second engine in the process: %v", err)
	}
	if _, err := lockfile.Take(dir + "/riskstream.lock"); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("a second lock: %v", err)
	}
}

func TestMissingLibrary(t *testing.T) {
	if !canLoad {
		t.Skip("no library is looked for")
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv(Variable, "")
	if _, err := Open(t.TempDir(), Settings{}); !errors.Is(err, ErrMissing) || !strings.Contains(fmt.Sprint(err), "make libchdb") {
		t.Errorf("without a library: %v", err)
	}
	t.Setenv(Variable, t.TempDir()+"/none.so")
	if _, err := Open(t.TempDir(), Settings{}); !errors.Is(err, ErrMissing) || !strings.Contains(fmt.Sprint(err), Variable) {
		t.Errorf("with a wrong %s: %v", Variable, err)
	}
}

func TestWrongLibrary(t *testing.T) {
	if !canLoad {
		t.Skip("no library is looked for")
	}
	path := t.TempDir() + "/libchdb.so"
	if err := os.WriteFile(path, []byte("no library"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := loadLibrary(path); err == nil || !strings.Contains(err.Error(), "libchdb") {
		t.Errorf("error %v", err)
	}
}

// Migration tools go through database/sql.
func TestDatabaseSQL(t *testing.T) {
	db := clickhouse.OpenDB(opened(t, t.TempDir()).Options())
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "CREATE TABLE v (id Int64, at DateTime DEFAULT now()) ENGINE = MergeTree ORDER BY id"); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO v (id) VALUES ($1)", int64(7)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var id int64
	var at time.Time
	if err := db.QueryRowContext(t.Context(), "SELECT id, at FROM v WHERE id = $1", int64(7)).Scan(&id, &at); err != nil {
		t.Fatal(err)
	}
	if id != 7 || time.Since(at).Abs() > time.Hour {
		t.Errorf("row %d, %v", id, at)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	fetched(t)
	e, err := Open(t.TempDir(), Settings{MaxMemory: 600 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	err = client(t, e).QueryRow(t.Context(), "SELECT uniqExact(toString(number)) FROM numbers(100000000)").Err()
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) || exception.Code != 241 {
		t.Errorf("error %v", err)
	}
}

// importVariable makes TestImportingChild look at its process.
const importVariable = "RISKSTREAM_TEST_CHDB_IMPORT"

func TestImportingChild(t *testing.T) {
	if os.Getenv(importVariable) == "" {
		t.Skip("this is the process that TestImportLoadsNothing looks at")
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	if strings.Contains(string(maps), "libchdb") {
		t.Error("libchdb is loaded")
	}
	opened(t, t.TempDir())
	if maps, _ = os.ReadFile("/proc/self/maps"); !strings.Contains(string(maps), "libchdb") {
		t.Error("libchdb is not seen although it is loaded")
	}
}

func TestImportLoadsNothing(t *testing.T) {
	fetched(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestImportingChild$")
	cmd.Env = append(os.Environ(), importVariable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
