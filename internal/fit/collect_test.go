package fit

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

func exampleLog(t *testing.T) io.Reader {
	t.Helper()
	f, err := os.Open("../../examples/okta.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

const ruleFile = `rules:
  - id: at-night
    name: At night
    severity: low
    group: device
    weight: 1.5
    half_life: 12h
    when: |
      time.hour < 5 or time.hour >= 17
`

func newPipeline(t *testing.T) *engine.Pipeline {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(ruleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Rules.Paths = []string{file}
	p, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// collect replays a log before a collector, which it also has seen by another
// observer, and returns the lines.
func collect(t *testing.T, p *engine.Pipeline, c *Collector, log io.Reader, also ...engine.Observer) []byte {
	t.Helper()
	var lines bytes.Buffer
	r, err := p.NewReplay(ingest.Source{}, &lines, func(d ingest.DeadLetter) { t.Errorf("dead letter: %v", d.Err) })
	if err != nil {
		t.Fatal(err)
	}
	r.Observe(c)
	for _, o := range also {
		r.Observe(o)
	}
	if err := r.File(log); err != nil {
		t.Fatal(err)
	}
	return lines.Bytes()
}

// probe asks the collector after each event what it takes the score for.
type probe struct {
	*Collector
	t      *testing.T
	model  func() *Model
	scores map[string]float64
}

func (p *probe) Score(*event.Score) {}
func (p *probe) Gone(*event.Score)  {}

func (p *probe) Event(e *event.Event, _ int) {
	if e.User.Subject == "" || e.Kind != event.KindEvent {
		return
	}
	entries, pinned := p.entries(p.account(e.Tenant, e.User.Subject))
	score := 100.0
	if m := p.model(); !pinned {
		score = m.scores([]Example{{Entries: entries}}, 0.002)[0].Score
	}
	p.scores[e.ID] = score
}

// TestTheModelIsTheEngine: what is collected of an event gives, under the
// present weights, the score that the engine has given it.
func TestTheModelIsTheEngine(t *testing.T) {
	p := newPipeline(t)
	w := p.Scorer().Weights()
	c := NewCollector(w, nil, 0, 0, 1000)
	model := func() *Model {
		m := &Model{Columns: c.columns, Ceiling: p.Scorer().Ceiling()}
		for _, g := range event.Groups {
			m.Caps = append(m.Caps, w.Caps[g])
		}
		return m
	}
	seen := &probe{Collector: c, t: t, model: model, scores: map[string]float64{}}
	compared, above := 0, 0
	for line := range bytes.Lines(collect(t, p, c, exampleLog(t), seen)) {
		var got struct {
			ID    string  `json:"event_id"`
			Score float64 `json:"score"`
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		score, known := seen.scores[got.ID]
		if !known || math.Abs(score-got.Score) > 0.011 { // half a unit of the last decimal may round either way
			t.Errorf("%s: score %v, the collector makes it %v", got.ID, got.Score, score)
		}
		compared++
		if got.Score > 1 {
			above++
		}
	}
	if compared < 400 || above < 20 {
		t.Errorf("%d scores compared, %d of them with evidence", compared, above)
	}
}

// signIn is an Okta sign-in.
func signIn(id, user, at string) string {
	return `{"uuid":"` + id + `","published":"` + at + `","eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{"id":"00u` + user + `","type":"User","alternateId":"` + user + `@corp.example"},"client":{"ipAddress":"192.0.2.7"}}` + "\n"
}

func verdict(id, user, at, code string) string {
	return `{"@timestamp":"` + at + `","event":{"id":"` + id + `","kind":"signal","action":"idp_signal","code":"` + code + `","provider":"okta"},"user":{"subject":"` + user + `@corp.example"},"organization":{"id":"default"}}` + "\n"
}

// kinds are the account-days of each kind, by day of the month.
func kinds(c *Collector) map[int][2]float64 {
	got := map[int][2]float64{}
	for d, list := range c.finish() {
		compromised, benign := weightsOf(list)
		got[d.Std().Day()] = [2]float64{compromised, benign}
	}
	return got
}

func TestLabelsSayWhoseADayWas(t *testing.T) {
	labels, err := ReadLabels("labels.jsonl", strings.NewReader(`
{"event_id":"a2","attack":"naive","campaign":"x"}
{"event_id":"a3","user":"Ana@corp.example","time":"2026-03-03T09:00:00Z","in_hands":true}
{"event_id":"b1","attack":"","in_hands":false}
{"event_id":"b2","user":"ana@corp.example","attack":"of somebody else"}
{"event_id":"b3","time":"2026-03-03T09:00:01Z","attack":"at another time"}
{"event_id":"nowhere","attack":"naive"}
{"event_id":"nowhere either"}
`))
	if err != nil {
		t.Fatal(err)
	}
	p := newPipeline(t)
	c := NewCollector(p.Scorer().Weights(), labels, 0, 0, 1000)
	collect(t, p, c, strings.NewReader(
		signIn("a1", "ana", "2026-03-02T09:00:00.000Z")+signIn("b1", "ben", "2026-03-02T09:00:00.000Z")+signIn("a2", "ana", "2026-03-02T10:00:00.000Z")+
			signIn("b2", "ben", "2026-03-03T08:00:00.000Z")+signIn("a3", "ana", "2026-03-03T09:00:00.000Z")+signIn("b3", "ben", "2026-03-03T09:00:00.000Z")))
	want := map[int][2]float64{2: {1, 2}, 3: {1, 1}}
	if diff := cmp.Diff(want, kinds(c)); diff != "" {
		t.Errorf("compromised and benign account-days (-want +got)\n%s", diff)
	}
	if n := labels.missing(); n != 3 {
		t.Errorf("%d labels without an event, want 3", n)
	}
}

func TestVerdictsLabelTheDayBefore(t *testing.T) {
	p := newPipeline(t)
	c := NewCollector(p.Scorer().Weights(), nil, 0, 0, 1000)
	collect(t, p, c, strings.NewReader(
		signIn("1", "ana", "2026-03-01T09:00:00.000Z")+ // too long before
			signIn("2", "ana", "2026-03-02T11:00:00.000Z")+
			signIn("3", "ben", "2026-03-02T11:00:00.000Z")+ // somebody else
			signIn("4", "ana", "2026-03-03T09:00:00.000Z")+
			verdict("5", "ana", "2026-03-03T10:00:00.000Z", "confirm_compromised")+
			signIn("6", "ana", "2026-03-04T09:00:00.000Z")+ // pinned: no example
			verdict("7", "ana", "2026-03-05T10:00:00.000Z", "release")+
			signIn("8", "ana", "2026-03-06T09:00:00.000Z")+
			verdict("9", "ana", "2026-03-06T10:00:00.000Z", "confirm_safe")+
			signIn("10", "ana", "2026-03-07T09:00:00.000Z")))
	want := map[int][2]float64{1: {0, 1}, 2: {1, 1}, 3: {1, 0}, 6: {0, 1}, 7: {0, 1}}
	if diff := cmp.Diff(want, kinds(c)); diff != "" {
		t.Errorf("compromised and benign account-days (-want +got)\n%s", diff)
	}
	if c.verdicts != 2 {
		t.Errorf("%d verdicts", c.verdicts)
	}
}

// Thinning out keeps the weight of what goes, and does not depend on the order.
func TestSampling(t *testing.T) {
	p := newPipeline(t)
	fill := func(rows []row) *Collector {
		c := NewCollector(p.Scorer().Weights(), nil, 0, 0, 100)
		for i := range rows {
			c.take(&rows[i])
		}
		return c
	}
	var rows []row
	for i := range uint64(5000) {
		rows = append(rows, row{
			of: accountDay{user: i, compromised: i%500 == 0}, hash: event.Hash(string(rune('0' + i))), entries: []Entry{{Column: int(i % 3), Amount: 1}},
		})
	}
	one := fill(rows)
	slices.Reverse(rows)
	two := fill(rows)
	if one.benign > 100 || one.benign < 30 {
		t.Errorf("%d benign rows are kept of at most 100", one.benign)
	}
	examples := one.finish()
	if diff := cmp.Diff(examples, two.finish()); diff != "" {
		t.Error(diff)
	}
	compromised, benign := weightsOf(examples[0])
	if compromised != 10 || math.Abs(benign-4990) > 1000 {
		t.Errorf("the examples weigh %v and %v; want 10 and about 4990", compromised, benign)
	}
}

func TestLabelErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"{\"event_id\":\"a\"}\nattack\n":  "l.jsonl:2: no label: ",
		"\n\n{\"attack\":\"naive\"}\n":    "l.jsonl:3: no label: event_id is missing",
		`{"event_id":"a","time":"noon"}`:  "l.jsonl:1: no label: ",
		`{"event_id":"a","in_hands":"y"}`: "l.jsonl:1: no label: ",
	} {
		if _, err := ReadLabels("l.jsonl", strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
