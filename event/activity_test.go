package event_test

import (
	"net/netip"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// What goes to a topic that is keyed by network shows nothing of a person but
// the subject, and all that the keys need.
func TestActivity(t *testing.T) {
	e := full()
	a := e.Activity()
	const want = `{"@timestamp":"2026-01-01T00:00:00.123Z",` +
		`"event":{"id":"a","kind":"event","action":"sign_in","outcome":"failure","reason":"bad_credentials","provider":"entra"},` +
		`"user":{"kind":"human","subject":"ann@corp.example"},` +
		`"source":{"ip":"2001:db8::1","corporate":true,"anonymizer":"tor","as":{"number":64512,"organization":{"name":"Example"},"type":"mobile"}},` +
		`"app":{"id":"app","name":"Mail","sanctioned":true},"auth":{"factor":"phishing_resistant"},"organization":{"id":"default"},` +
		`"origin":{"topic":"idp.entra","topic_id":"x","partition":3,"offset":9,"index":1}}`
	if got := string(a.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if again := a.Activity(); again != a {
		t.Errorf("the activity of an activity is another: %+v", again)
	}
	if a.NetworkKey() != e.NetworkKey() || a.AppKey() != e.AppKey() {
		t.Error("an activity has other keys than its event")
	}
}

func TestActivityKeys(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*event.Event)
		net, app string
	}{
		{"a failed attempt", func(e *event.Event) {}, "net:default/2001:db8::/64", ""},
		{"a success", func(e *event.Event) { e.Outcome = event.Success }, "net:default/2001:db8::/64", "app:default/app"},
		{"IPv4", func(e *event.Event) { e.Source.IP = netip.MustParseAddr("192.0.2.1") }, "net:default/192.0.2.1/32", ""},
		{"another tenant", func(e *event.Event) { e.Tenant = "b" }, "net:b/2001:db8::/64", ""},
		{"no address", func(e *event.Event) { e.Source.IP = netip.Addr{} }, "", ""},
		{"nobody", func(e *event.Event) { e.User.Subject = ""; e.Outcome = event.Success }, "", ""},
		{"a workload", func(e *event.Event) { e.User.Kind = event.Service; e.Outcome = event.Success }, "", "app:default/app"},
		{"an outcome that is not known", func(e *event.Event) { e.Outcome = event.OutcomeUnknown }, "", ""},
		{"a signal", func(e *event.Event) { e.Kind = event.KindSignal; e.Outcome = event.Success }, "", ""},
		{"a consent", func(e *event.Event) { e.Action = event.ConsentGrant; e.Outcome = event.Success }, "", "app:default/app"},
		{"an app by name", func(e *event.Event) {
			e.Action, e.Outcome, e.App.ID = event.TokenIssue, event.Success, ""
		}, "", "app:default/Mail"},
		{"no app", func(e *event.Event) { e.Action, e.Outcome, e.App = event.TokenIssue, event.Success, event.App{} }, "", ""},
		{"a download", func(e *event.Event) { e.Action = event.Download; e.Outcome = event.Success }, "", ""},
	} {
		e := full()
		c.change(&e)
		if net, app := e.NetworkKey(), e.AppKey(); net != c.net || app != c.app {
			t.Errorf("%s: keys %q and %q, want %q and %q", c.name, net, app, c.net, c.app)
		}
	}
}
