//go:build unix

package torture

import (
	"fmt"
	"path/filepath"
	"strings"
)

// rules make nearly every event cause a detection and a score, so that none
// can be lost or doubled unseen, and levels that rise and fall again.
const rules = `
rules:
  - id: each-event
    name: A detection and a score for each event
    severity: informational
    weight: 0.5
    half_life: 1h
    when: |
      event.id != ""
  - id: a-device
    name: Evidence that levels fall from
    severity: low
    group: device
    weight: 3
    half_life: 10m
    when: |
      time.unix % 7 == 0
  - id: a-network
    name: Evidence that levels fall from
    severity: low
    group: network
    weight: 4
    half_life: 10m
    when: |
      time.unix % 5 == 0
`

// lanes in each process.
const lanes = 2

// newEngine makes one more engine with an identity that no other has had, and
// does not start it.
func (r *Run) newEngine() *Engine {
	r.t.Helper()
	r.named++
	e, err := r.bed.newEngine(r.binary, r.dir, fmt.Sprintf("engine-%c", 'a'+r.named-1), r.configuration)
	r.must(err)
	if r.clock != "" {
		e.env = append(e.env, ClockVariable+"="+r.clock)
	}
	r.engines = append(r.engines, e)
	return e
}

func (r *Run) configuration(e *Engine, brokers []string) string {
	fixtures, err := filepath.Abs("../../fixtures/geoip")
	r.must(err)
	var b strings.Builder
	fmt.Fprintf(&b, "kafka: {brokers: [%s], topic_prefix: %q, partitions: %d}\n", strings.Join(brokers, ", "), r.kafka.TopicPrefix, partitions)
	fmt.Fprintf(&b, "sources:\n")
	for i, format := range []string{"okta", "entra", "keycloak"} {
		fmt.Fprintf(&b, "  - {topic: %q, format: %s}\n", r.sources[i], format)
	}
	fmt.Fprintf(&b, "geoip: {city: %q, asn: %q, anonymous: %q}\n", fixtures+"/city.mmdb", fixtures+"/asn.mmdb", fixtures+"/anonymous.mmdb")
	fmt.Fprintf(&b, "directory: %q\n", filepath.Join(r.dir, "directory.yaml"))
	fmt.Fprintf(&b, "rules: {paths: [%q]}\n", filepath.Join(r.dir, "rules.yaml"))
	fmt.Fprintf(&b, "http: {listen: %q}\n", e.http)
	fmt.Fprintf(&b, "engine: {workers: %d, instance: %q, state_dir: %q, delivery: %q}\n", lanes, e.Name, e.StateDir(), r.Delivery)
	return b.String()
}
