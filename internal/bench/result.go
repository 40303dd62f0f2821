package bench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Result is everything that was measured, and on what. The first fields are
// those of the largest number of subjects and of exactly-once delivery.
type Result struct {
	EventsPerS        float64   `json:"events_per_s"`
	PassthroughPerS   float64   `json:"passthrough_per_s"`
	Ratio             float64   `json:"ratio"` // of the two
	CPU               float64   `json:"cpu_us_per_event"`
	PassthroughCPU    float64   `json:"passthrough_cpu_us_per_event"`
	P50               float64   `json:"p50_ms"` // at the highest rate
	P99               float64   `json:"p99_ms"`
	BytesPerSubject   float64   `json:"bytes_per_subject"`
	AllocsPerEvent    float64   `json:"allocs_per_event"`
	PassthroughAllocs float64   `json:"passthrough_allocs_per_event"`
	Latency           []Latency `json:"latency"`
	Restore           []Restore `json:"restore"`
	Growth            []Growth  `json:"growth"`
	Machine           Machine   `json:"machine"`
	Data              Data      `json:"data"`
	Settings          Settings  `json:"settings"`
}

// Growth is what one number of subjects costs.
type Growth struct {
	Subjects        int     `json:"subjects"`
	EventsPerS      float64 `json:"events_per_s"`
	CPU             float64 `json:"cpu_us_per_event"`
	AllocsPerEvent  float64 `json:"allocs_per_event"`
	BytesPerSubject float64 `json:"bytes_per_subject,omitempty"` // not measured of the small ones with --short
}

// Restore is one restart.
type Restore struct {
	From     string  `json:"from"`     // snapshot, changelog, or the whole of risk.events
	Subjects int     `json:"subjects"` // in state afterwards
	Seconds  float64 `json:"seconds"`  // from start to ready
	Metric   float64 `json:"metric_s"` // riskstream_state_restore_seconds, summed over the partitions
}

// Machine is what it ran on.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"` // shared by broker, load generator and engine
	OS    string `json:"os"`
	Go    string `json:"go"`
}

// Data is what was read.
type Data struct {
	Subjects    int     `json:"subjects"`
	Events      int     `json:"events"`      // of each backlog
	EventBytes  float64 `json:"event_bytes"` // on average
	MarkedShare float64 `json:"marked_share"`
	Seed        uint64  `json:"seed"`
}

// Settings are how it was read.
type Settings struct {
	Broker      string `json:"broker"`
	Version     string `json:"version"`
	Workers     int    `json:"workers"`
	Partitions  int    `json:"partitions"`
	Delivery    string `json:"delivery"` // of the engine's throughput
	CommitEvery string `json:"passthrough_commit"`
	Compression string `json:"compression"`
	Rules       int    `json:"rules"`
}

func thisMachine() Machine {
	return Machine{CPU: processor(), Cores: runtime.GOMAXPROCS(0), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
}

// processor is the processor's name, where Linux tells it.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// Table is the result for people.
func (r *Result) Table() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("machine   %s, %d cores (shared with the broker and the load generator), %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.OS, r.Machine.Go)
	line("broker    %s", r.Settings.Broker)
	line("data      %s Okta events of %.0f bytes over %s subjects, %.0f %% of them cause a score for sure; seed %d",
		thousands(float64(r.Data.Events)), r.Data.EventBytes, thousands(float64(r.Data.Subjects)), 100*r.Data.MarkedShare, r.Data.Seed)
	line("settings  riskstream %s, %d workers, %d partitions, %s, %d rules, %s", r.Settings.Version, r.Settings.Workers, r.Settings.Partitions, r.Settings.Delivery, r.Settings.Rules, r.Settings.Compression)
	line("")
	line("%-14s %12s %14s %14s", "backlog", "events/s", "CPU µs/event", "allocs/event")
	line("%-14s %12s %14.2f %14.2f", "pass-through", thousands(r.PassthroughPerS), r.PassthroughCPU, r.PassthroughAllocs)
	line("%-14s %12s %14.2f %14.2f", "engine", thousands(r.EventsPerS), r.CPU, r.AllocsPerEvent)
	line("%-14s %12.3f", "ratio", r.Ratio)
	line("")
	line("%-14s %12s %14s %14s %14s", "subjects", "events/s", "CPU µs/event", "allocs/event", "bytes/subject")
	for _, g := range r.Growth {
		bytes := "–"
		if g.BytesPerSubject > 0 {
			bytes = thousands(g.BytesPerSubject)
		}
		line("%-14s %12s %14.2f %14.2f %14s", thousands(float64(g.Subjects)), thousands(g.EventsPerS), g.CPU, g.AllocsPerEvent, bytes)
	}
	line("")
	line("%-14s %12s %10s %10s %10s %8s %8s", "latency", "events/s", "p50 ms", "p99 ms", "max ms", "measured", "missing")
	for _, l := range r.Latency {
		line("%-14s %12s %10.1f %10.1f %10.1f %8d %8d", l.Delivery, thousands(float64(l.Rate)), l.P50, l.P99, l.Max, l.Events, l.Missing)
	}
	line("")
	line("%-14s %12s %10s", "restore from", "subjects", "seconds")
	for _, x := range r.Restore {
		line("%-14s %12s %10.2f", x.From, thousands(float64(x.Subjects)), x.Seconds)
	}
	return b.String()
}

// thousands writes a number with its thousands apart.
func thousands(n float64) string {
	text := fmt.Sprintf("%.0f", n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
