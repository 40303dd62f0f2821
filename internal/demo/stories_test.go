package demo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/simulate"
)

// TestStoriesReachTheirLevels replays the demo's company under the demo's own
// configuration: what the audience is told is an attack must stand out, and
// what it is told is harmless must not.
func TestStoriesReachTheirLevels(t *testing.T) {
	type between struct{ least, most event.Level }
	highest := map[string]between{
		"impossible_travel":    {event.High, event.High},
		"brute_force_success":  {event.High, event.High},
		"anonymous_new_device": {event.High, event.High},
		"password_guessing":    {event.None, event.Low},  // nobody got in
		"mfa_denial":           {event.None, event.None}, // nobody got in
		"forgotten_password":   {event.None, event.None},
		"new_phone":            {event.None, event.None},
		"business_trip":        {event.None, event.Low}, // a new country on a known device
		"phone_jitter":         {event.None, event.None},
	}
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			company := simulate.New(simulate.Config{Seed: seed, LiveSpan: liveSpan})
			peaks := replayLive(t, company)
			for _, story := range company.Stories() {
				want, known := highest[story.Name]
				if !known {
					t.Errorf("story %s has no expectation here", story.Name)
				}
				if got := peaks[story.Person]; got < want.least || got > want.most {
					t.Errorf("%s (%s) reaches %s, want %s to %s", story.Name, story.Person, got, want.least, want.most)
				}
				delete(peaks, story.Person)
			}
			for person, level := range peaks {
				if level > event.Low {
					t.Errorf("%s, of whom no story tells, reaches %s", person, level)
				}
			}
		})
	}
}

// replayLive replays the history and two days of the live phase, and returns
// the highest level of each person in the live phase.
func replayLive(t *testing.T, company *simulate.Company) map[string]event.Level {
	t.Helper()
	cfg, err := configure(t.TempDir(), "127.0.0.1:1", company, false)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer pipeline.Close()
	var in, out bytes.Buffer
	for {
		record := company.Next()
		if record.Time >= company.LiveFrom().Add(2*liveSpan) {
			break
		}
		in.Write(append(record.Value, '\n'))
	}
	replay, err := pipeline.NewReplay(ingest.Source{}, &out, func(d ingest.DeadLetter) { t.Errorf("dead letter: %s", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	if err := replay.File(&in); err != nil {
		t.Fatal(err)
	}
	peaks := map[string]event.Level{}
	for lines := json.NewDecoder(&out); ; {
		var line struct {
			Time    event.Time
			Subject string
			Level   event.Level
		}
		if err := lines.Decode(&line); errors.Is(err, io.EOF) {
			return peaks
		} else if err != nil {
			t.Fatal(err)
		}
		if line.Time >= company.LiveFrom() {
			peaks[line.Subject] = max(peaks[line.Subject], line.Level)
		}
	}
}
