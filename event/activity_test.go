package event_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

// What goes to a topic that is keyed by network or application shows nothing of
// a person but the subject, and all that the keys need.
func TestActivities(t *testing.T) {
	e := full()
	const who = `{"@timestamp":"2026-01-01T00:00:00.123Z",` +
		`"event":{"id":"a","kind":"event","action":"sign_in",%s"provider":"entra"},` +
		`"user":{"kind":"human","subject":"ann@corp.example"},%s,"organization":{"id":"default"},` +
		`"origin":{"topic":"idp.entra","topic_id":"x","partition":3,"offset":9,"index":1}}`
	came := e
	came.Outcome, came.Reason, came.App.Sanctioned = event.Success, "", event.False
	for _, c := range []struct {
		name string
		e    event.Event
		want []string
	}{
		{"a failed attempt", e, []string{fmt.Sprintf(who, `"outcome":"failure","reason":"bad_credentials",`,
			`"source":{"ip":"2001:db8::1","corporate":true,"anonymizer":"tor","as":{"number":64512,"organization":{"name":"Example"},"type":"mobile"}},`+
				`"auth":{"factor":"phishing_resistant"}`)}},
		{"into an application", came, []string{
			fmt.Sprintf(who, `"outcome":"success",`,
				`"source":{"ip":"2001:db8::1","corporate":true,"anonymizer":"tor","as":{"number":64512,"organization":{"name":"Example"},"type":"mobile"}},`+
					`"auth":{"factor":"phishing_resistant"}`),
			fmt.Sprintf(who, `"outcome":"success",`, `"app":{"id":"app","name":"Mail","sanctioned":false}`),
		}},
	} {
		var got, keys []string
		for _, a := range c.e.AppendActivities(nil) {
			got, keys = append(got, string(a.AppendJSON(nil))), append(keys, a.ActivityKey())
			if again := a.AppendActivities(nil); len(again) != 1 || again[0] != a {
				t.Errorf("%s: the activity of an activity is another: %+v", c.name, again)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
		if want := []string{"net:default/2001:db8::/64", "app:default/app"}; !slices.Equal(keys, want[:len(keys)]) {
			t.Errorf("%s: keys %v", c.name, keys)
		}
	}
}

func TestNoteKeys(t *testing.T) {
	for code, want := range map[string]string{
		event.NoteTried: "org:default", event.NoteCameIn: "org:default", event.NoteAppSeen: "org:default",
		event.NoteCampaign: "net:default/2001:db8::/64", event.NoteNewApp: "app:default/app",
		event.NoteOldApp:    "app:default/app",
		event.PasswordSpray: "", event.Erase: "", "": "",
	} {
		e := full()
		e.Kind, e.Action, e.Code = event.KindSignal, event.IDPSignal, code
		if got := e.ActivityKey(); got != want {
			t.Errorf("%s: key %q, want %q", code, got, want)
		}
		if e.Kind = event.KindEvent; e.ActivityKey() != "" {
			t.Errorf("%s: an event of a log is taken for a note", code)
		}
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
		{"a workload", func(e *event.Event) { e.User.Kind = event.Service; e.Outcome = event.Success }, "", ""},
		{"an application that is sanctioned", func(e *event.Event) {
			e.App.Sanctioned, e.Action, e.Outcome = event.True, event.TokenIssue, event.Success
		}, "", ""},
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
		e.App.Sanctioned = event.Unknown
		c.change(&e)
		if net, app := e.NetworkKey(), e.AppKey(); net != c.net || app != c.app {
			t.Errorf("%s: keys %q and %q, want %q and %q", c.name, net, app, c.net, c.app)
		}
	}
}
