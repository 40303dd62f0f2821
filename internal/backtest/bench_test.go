package backtest

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/simulate"
)

// BenchmarkBacktest tries two rules beside the built-in ones on a history of
// half a million events of a simulated company, on the embedded engine: reading,
// and both replays.
func BenchmarkBacktest(b *testing.B) {
	chdbtest.Need(b)
	store, err := history.OpenToFill(b.Context(), config.History{DSN: config.Embedded + b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	const events = 500_000
	with, without := pipelines(b)
	company := simulate.New(simulate.Config{Seed: 1, Users: 5_000})
	r, err := without.NewReplay(ingest.Source{}, io.Discard, func(ingest.DeadLetter) {})
	if err != nil {
		b.Fatal(err)
	}
	loader := store.NewLoader(b.Context(), without.Hash(), time.Now())
	if err := loader.File("0b"); err != nil {
		b.Fatal(err)
	}
	r.Observe(loader)
	for range events / 10_000 {
		var log bytes.Buffer
		for range 10_000 {
			log.Write(company.Next().Value)
			log.WriteByte('\n')
		}
		if err := r.File(&log); err != nil {
			b.Fatal(err)
		}
	}
	if err := loader.End(); err != nil {
		b.Fatal(err)
	}
	read := 0
	for b.Loop() {
		test := New(with, without, Span{})
		if err := test.Stored(func(each func(*event.Event) error) error { return store.Read(b.Context(), history.Selection{}, each) }); err != nil {
			b.Fatal(err)
		}
		read += test.Report().Read
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "events/s")
}
