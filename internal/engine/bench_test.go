package engine

import (
	"bytes"
	"io"
	"log/slog"
	"testing"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
)

// BenchmarkReplayOkta replays raw Okta events of about 2.4 KB, of 2,000 users,
// from memory: unwrap, parse, enrich, detect, built-in rules, score, line. Run
// it with -cpu 1 for the rate of one core.
func BenchmarkReplayOkta(b *testing.B) {
	const events = 50_000
	var file bytes.Buffer
	company := simulate.New(simulate.Config{Seed: 3, Users: 2_000})
	for n := 0; n < events; {
		if record := company.Next(); record.Topic == simulate.TopicOkta {
			file.Write(record.Value)
			file.WriteByte('\n')
			n++
		}
	}
	cfg := config.Default()
	cfg.GeoIP.City = "../../fixtures/geoip/city.mmdb"
	cfg.GeoIP.ASN = "../../fixtures/geoip/asn.mmdb"
	cfg.GeoIP.Anonymous = "../../fixtures/geoip/anonymous.mmdb"
	pipeline, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer pipeline.Close()

	b.ReportAllocs()
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		replay, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { b.Fatal(d.Err) })
		if err != nil {
			b.Fatal(err)
		}
		if err := replay.File(bytes.NewReader(file.Bytes())); err != nil {
			b.Fatal(err)
		}
		if replay.Stats().Lines < events*9/10 {
			b.Fatalf("%d lines of %d events", replay.Stats().Lines, events)
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(file.Len())/events, "bytes/event")
}
