package history

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/publish"
)

// weak is a way to the engine that fails as it is told.
type weak struct {
	down  atomic.Bool // nothing gets through
	deaf  atomic.Bool // what is asked is done, and every second answer is lost
	asked atomic.Int64
	lost  atomic.Int64
}

// openWeak opens a history behind a weak way.
func openWeak(t *testing.T) (*Store, *weak) {
	t.Helper()
	dir := t.TempDir()
	store := openStore(t, inDir(dir))
	options := reach(t.Context(), dir)
	engine, err := url.Parse("http://" + options.Addr[0])
	if err != nil {
		t.Fatal(err)
	}
	way := &weak{}
	through := httputil.NewSingleHostReverseProxy(engine)
	through.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if way.down.Load() {
			drop(rw)
			return
		}
		if way.deaf.Load() && strings.HasPrefix(r.URL.Query().Get("query"), "INSERT") && way.asked.Add(1)%2 == 1 {
			through.ServeHTTP(&unheard{header: http.Header{}}, r)
			way.lost.Add(1)
			drop(rw)
			return
		}
		through.ServeHTTP(rw, r)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	options.Addr = []string{listener.Addr().String()}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &Store{conn: conn, days: store.days, close: func() error { return nil }}, way
}

// drop ends a connection without an answer.
func drop(rw http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(rw).Hijack(); err == nil {
		conn.Close()
	}
}

// unheard takes an answer that nobody gets.
type unheard struct{ header http.Header }

func (u *unheard) Header() http.Header         { return u.header }
func (u *unheard) Write(b []byte) (int, error) { return len(b), nil }
func (u *unheard) WriteHeader(int)             {}

// An engine that is away costs nothing but lag.
func TestTheEngineIsGoneAndBack(t *testing.T) {
	store, way := openWeak(t)
	w := newTopics(t)
	w.produce(200, kgo.TryCommit)
	stop := w.run(store)
	defer stop()
	w.audited(store)
	way.down.Store(true)
	w.produce(400, kgo.TryCommit)
	for retried := 0.0; retried == 0; time.Sleep(10 * time.Millisecond) {
		for _, table := range []string{tableEvents, tableDetections, tableScores, tableDeadLetters} {
			retried += testutil.ToFloat64(w.metrics.retries.WithLabelValues(table))
		}
	}
	way.down.Store(false)
	clean(t, w.audited(store), 600)
}

// An insert whose acknowledgement is lost is done again, and is there once.
func TestAcknowledgementsAreLost(t *testing.T) {
	store, way := openWeak(t)
	w := newTopics(t)
	way.deaf.Store(true)
	stop := w.run(store)
	defer stop()
	for range 3 {
		w.produce(200, kgo.TryCommit)
		w.audited(store)
	}
	clean(t, w.audited(store), 600)
	if way.lost.Load() == 0 {
		t.Error("no acknowledgement was lost; the test proves nothing")
	}
}

func clean(t *testing.T, audits []Audit, events int64) {
	t.Helper()
	for _, a := range audits {
		if !a.Clean() || a.Waiting != 0 {
			t.Errorf("%+v", a)
		}
	}
	if rows := rowsIn(audits, tableEvents); rows != events {
		t.Errorf("%d events, want %d", rows, events)
	}
}

// Variables that make this test binary a sink, to be killed.
const (
	sinkDir     = "RISKSTREAM_TEST_SINK_DIR"
	sinkBrokers = "RISKSTREAM_TEST_SINK_BROKERS"
)

// TestMain runs a sink until it is killed, or the tests.
func TestMain(m *testing.M) {
	dir := os.Getenv(sinkDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	go func() { // ends with the tests, however they end
		io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	store, err := OpenToFill(context.Background(), inDir(dir))
	if err == nil {
		sink := NewSink(store, publish.DefaultKafkaConfig(), "test", NewMetrics(prometheus.NewRegistry()), slog.Default())
		err = sink.Run(context.Background(), []kgo.Opt{kgo.SeedBrokers(os.Getenv(sinkBrokers))})
	}
	slog.Error("the sink ended", "error", err)
	os.Exit(1)
}

// startSink starts a sink in another process.
func (w *topics) startSink(dir string) *os.Process {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sinkDir+"="+dir, sinkBrokers+"="+w.brokers)
	if _, err := cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd.Process
}

// A sink that is killed before, in or after an insert loses nothing and doubles
// nothing.
func TestKilledSinks(t *testing.T) {
	chdbtest.Need(t)
	const events, kills = 12_000, 6
	w := newTopics(t)
	dir := t.TempDir()
	draw := rand.New(rand.NewPCG(1, 2))
	for range kills {
		w.produce(events/kills, kgo.TryCommit)
		sink := w.startSink(dir)
		// It opens the engine, joins the group and inserts after a second or two.
		time.Sleep(1500*time.Millisecond + time.Duration(draw.IntN(1500))*time.Millisecond)
		if err := sink.Kill(); err != nil {
			t.Fatal(err)
		}
		sink.Wait()
	}
	store := openStore(t, inDir(dir))
	before, err := store.stored(t.Context())
	if err != nil || len(before) == 0 {
		t.Errorf("the sinks that were killed have inserted nothing (%v, %v); the test proves little", before, err)
	}
	stop := w.run(store)
	defer stop()
	clean(t, w.audited(store), events)
}

// While a process has an embedded history open, another one of the same user
// asks through it.
func TestAnotherProcessAsks(t *testing.T) {
	chdbtest.Need(t)
	w := newTopics(t)
	w.produce(30, kgo.TryCommit)
	dir := t.TempDir()
	w.startSink(dir)
	for reach(t.Context(), dir) == nil {
		if t.Context().Err() != nil {
			t.Fatal("the other process leaves no endpoint")
		}
		time.Sleep(50 * time.Millisecond)
	}
	store, err := Open(t.Context(), inDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	clean(t, w.audited(store), 30)
	info, err := os.Stat(filepath.Join(dir, endpointFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the endpoint, which has the engine's token, is %v (%v); want it for its user alone", info.Mode(), err)
	}
}
