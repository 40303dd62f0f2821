package engine

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
)

// oktaLog is a file of raw Okta events of about 2.4 KB, of 2,000 users.
func oktaLog(events int) []byte {
	var file bytes.Buffer
	company := simulate.New(simulate.Config{Seed: 3, Users: 2_000})
	for n := 0; n < events; {
		if record := company.Next(); record.Topic == simulate.TopicOkta {
			file.Write(record.Value)
			file.WriteByte('\n')
			n++
		}
	}
	return file.Bytes()
}

func benchPipeline(b *testing.B) *Pipeline {
	cfg := config.Default()
	cfg.GeoIP.City = "../../fixtures/geoip/city.mmdb"
	cfg.GeoIP.ASN = "../../fixtures/geoip/asn.mmdb"
	cfg.GeoIP.Anonymous = "../../fixtures/geoip/anonymous.mmdb"
	pipeline, err := NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { pipeline.Close() })
	return pipeline
}

// BenchmarkReplayOkta replays raw Okta events from memory: unwrap, parse,
// enrich, detect, built-in rules, score, line. Run it with -cpu 1 for the rate
// of one core.
func BenchmarkReplayOkta(b *testing.B) {
	const events = 50_000
	file, pipeline := oktaLog(events), benchPipeline(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		replay, err := pipeline.NewReplay(ingest.Source{}, io.Discard, func(d ingest.DeadLetter) { b.Fatal(d.Err) })
		if err != nil {
			b.Fatal(err)
		}
		if err := replay.File(bytes.NewReader(file)); err != nil {
			b.Fatal(err)
		}
		if replay.Stats().Lines < events*9/10 {
			b.Fatalf("%d lines of %d events", replay.Stats().Lines, events)
		}
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(len(file))/events, "bytes/event")
}

// BenchmarkLane is the way of an event behind ingest in the steady state: it is
// decoded and goes through a lane, with all detectors and the built-in rules, to
// a subject who is known and whom it says nothing against.
func BenchmarkLane(b *testing.B) {
	const round = 60 * event.Day // longer than the log
	pipeline := benchPipeline(b)
	lane, partition := pipeline.Lane(), NewPartition(10_000)
	var decoder event.Decoder
	var e event.Event
	process := func(raw []byte, n int) (string, Result) {
		if err := decoder.DecodeInto(raw, &e); err != nil {
			b.Fatal(err)
		}
		e.Time += event.Time(n) * round
		e.Provider = rounds[n%len(rounds)] // another one, to the lane, for which an id is no repeat
		return e.User.Subject, lane.Process(partition, &e, discard{})
	}
	log := normalised(b, pipeline, oktaLog(20_000))
	loud := map[string]bool{}
	for n := range 2 {
		for _, raw := range log {
			subject, result := process(raw, n)
			loud[strings.Clone(subject)] = loud[subject] || n == 1 && len(result.Detections) > 0
		}
	}
	log = slices.DeleteFunc(log, func(raw []byte) bool {
		e, err := decoder.Decode(raw)
		return err != nil || loud[e.User.Subject]
	})
	if len(log) < 10_000 {
		b.Fatalf("only %d quiet events", len(log))
	}
	i, n := 0, 2
	b.ReportAllocs()
	for b.Loop() {
		if _, result := process(log[i], n); result.Status != Scored || len(result.Detections) > 0 {
			b.Fatalf("status %d, %d detections", result.Status, len(result.Detections))
		}
		if i++; i == len(log) {
			i, n = 0, n+1
		}
	}
}

// rounds are names of providers; more than a subject's window has places.
var rounds = func() []string {
	names := make([]string, 100)
	for i := range names {
		names[i] = fmt.Sprint("round", i)
	}
	return names
}()

// normalised are the raw events as ingest puts them into risk.events.
func normalised(b *testing.B, pipeline *Pipeline, raw []byte) (log [][]byte) {
	parser, err := pipeline.Parser(ingest.Source{})
	if err != nil {
		b.Fatal(err)
	}
	err = parser.ParseFile(bytes.NewReader(raw), func(e *event.Event, _ int) {
		e.Origin = event.Origin{}
		log = append(log, e.AppendJSON(nil))
	}, func(d ingest.DeadLetter) { b.Fatal(d.Err) })
	if err != nil {
		b.Fatal(err)
	}
	return log
}

// discard is a Sink that drops what it is given.
type discard struct{}

func (discard) Detections(*event.Event, []event.Detection) {}
func (discard) Score(*event.Score)                         {}
func (discard) Gone(*event.Score)                          {}
