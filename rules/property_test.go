package rules

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
)

// anyEvent draws an event of arbitrary words, within the contract or not.
func anyEvent(t *rapid.T) event.Event {
	text := rapid.OneOf(rapid.Just(""), rapid.String())
	flag := rapid.SampledFrom([]event.Flag{event.False, event.Unknown, event.True})
	word := func(name string) string { return text.Draw(t, name) }
	e := event.Event{
		Time:      event.Time(rapid.Int64().Draw(t, "time")),
		ID:        word("id"),
		Kind:      event.KindEvent,
		Action:    event.Action(rapid.OneOf(rapid.SampledFrom(append([]event.Action(nil), event.Actions[:]...)), rapid.Just(event.Action("odd"))).Draw(t, "action")),
		Outcome:   event.Outcome(word("outcome")),
		Reason:    event.Reason(word("reason")),
		Code:      word("code"),
		User:      event.User{Name: word("user"), Kind: event.UserKind(word("user.kind")), Privileged: flag.Draw(t, "privileged"), Subject: word("subject")},
		UserAgent: event.UserAgent{Original: word("agent")},
		Device:    event.Device{ID: word("device"), Managed: flag.Draw(t, "managed")},
		Auth:      event.Auth{Protocol: rapid.SampledFrom([]string{"", "ropc", "deviceCode", "IMAP4"}).Draw(t, "protocol")},
		IDPRisk:   event.IDPRisk{Level: rapid.SampledFrom([]string{"", "low", "high", "odd"}).Draw(t, "risk")},
	}
	if b := rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "ip"); len(b) == 4 || len(b) == 16 {
		e.Source.IP, _ = netip.AddrFromSlice(b)
	}
	return e
}

// TestAnyEvent: whatever the event, Match does not panic, keeps what the
// detectors found, and gives the same again for the same.
func TestAnyEvent(t *testing.T) {
	extra := `
  - id: busy
    name: A bit of everything
    severity: low
    weight: 1
    half_life: 1h
    when: |
      split(user.name, " ")[0] != "x" and len(user_agent.original) % (len(event.code) - 3) >= 0
      and (in_network(source.ip, "10.0.0.0/8", "::/0") or any(detections, # matches "^new_"))
      and time.unix / (time.hour - 1) != 0 and lower(device.id) contains "a" or device.managed != "no"
`
	set, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	more := load(t, "rules:"+extra)
	both := newSet(append(set.rules, more.set.rules...))
	warm := both.NewEvaluator()
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		subject := Subject{Score: rapid.Float64().Draw(t, "score"), Level: event.Level(rapid.IntRange(0, 3).Draw(t, "level")), SignIns: rapid.Int().Draw(t, "sign-ins")}
		seen := []event.Detection{{Name: "new_device"}}
		got := warm.Match(&e, subject, seen)
		if got[0].Name != "new_device" {
			t.Errorf("the detectors' detection is gone: %v", got)
		}
		if d := cmp.Diff(both.NewEvaluator().Match(&e, subject, seen), got); d != "" {
			t.Errorf("a used evaluator differs from a new one: %s", d)
		}
		for _, d := range got[1:] {
			if len(d.Evidence) > maxFacts {
				t.Errorf("%s has %d facts", d.Name, len(d.Evidence))
			}
			for _, f := range d.Evidence {
				if len(f.Text) > maxFactText {
					t.Errorf("%s: %s has %d bytes", d.Name, f.Name, len(f.Text))
				}
			}
		}
	})
}
