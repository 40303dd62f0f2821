package enrich_test

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/enrich"
)

const temporary = `
users:
  - name: contractor@corp.example
    access_windows:
      - {to: [Admin Console], from: 2026-03-02T08:00:00+01:00, until: 2026-03-06T18:00:00+01:00}
      - {to: ["s3://corp-finance/*", r-1], days: [mon, tue, wed, thu, fri], hours: 08:00-18:00, zone: Europe/Berlin}
      - {to: [nightly], days: [fri], hours: 22:00-06:00}
      - {to: [nightly], until: 2026-03-01T00:00:00Z}
  - name: guest@corp.example
    access_windows: [{until: 2026-03-06T18:00:00Z}]
`

func TestAccessWindows(t *testing.T) {
	e := open(t, withDirectory(t, enrich.Config{}, temporary))
	const inside, outside = event.InsideWindow, event.OutsideWindow
	console := func(ev *event.Event) { ev.App.Name = "admin console" }
	finance := func(ev *event.Event) { ev.Resource.Name = "S3://corp-finance/2026.xlsx" }
	byID := func(ev *event.Event) { ev.Resource.ID = "r-1" }
	nightly := func(ev *event.Event) { ev.Resource.Name = "nightly" }
	other := func(ev *event.Event) { ev.App.Name, ev.Resource.Name = "Mail", "s3://corp" }
	for _, c := range []struct {
		user, at string
		of       func(*event.Event)
		want     event.AccessWindow
	}{
		{"contractor@corp.example", "2026-03-02T06:59:59.999Z", console, outside},
		{"contractor@corp.example", "2026-03-02T07:00:00.000Z", console, inside},
		{"contractor@corp.example", "2026-03-06T16:59:59.999Z", console, inside},
		{"contractor@corp.example", "2026-03-06T17:00:00.000Z", console, outside},

		{"contractor@corp.example", "2026-03-27T07:00:00.000Z", finance, inside},  // Friday, 08:00 in winter
		{"contractor@corp.example", "2026-03-27T06:59:00.000Z", finance, outside}, // 07:59
		{"contractor@corp.example", "2026-03-30T06:00:00.000Z", finance, inside},  // Monday, 08:00 in summer
		{"contractor@corp.example", "2026-03-30T16:00:00.000Z", finance, outside}, // 18:00
		{"contractor@corp.example", "2026-03-28T09:00:00.000Z", finance, outside}, // Saturday
		{"contractor@corp.example", "2026-03-27T12:00:00.000Z", byID, inside},

		{"contractor@corp.example", "2026-03-06T22:00:00.000Z", nightly, inside},
		{"contractor@corp.example", "2026-03-07T05:59:00.000Z", nightly, inside}, // Friday's night
		{"contractor@corp.example", "2026-03-07T06:00:00.000Z", nightly, outside},
		{"contractor@corp.example", "2026-03-06T05:00:00.000Z", nightly, outside}, // Thursday's
		{"contractor@corp.example", "2026-02-24T12:00:00.000Z", nightly, inside},  // by the other window

		{"contractor@corp.example", "2026-03-07T12:00:00.000Z", other, ""},
		{"guest@corp.example", "2026-03-06T17:59:59.999Z", other, inside},
		{"guest@corp.example", "2026-03-06T18:00:00.000Z", other, outside},
		{"somebody@corp.example", "2026-03-07T12:00:00.000Z", console, ""},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		ev := event.Event{Time: event.TimeOf(at), Tenant: "default", User: event.User{Subject: c.user}}
		c.of(&ev)
		e.Enrich(&ev)
		if got := ev.Resource.AccessWindow; got != c.want {
			t.Errorf("%s, %+v %+v at %s: %q, want %q", c.user, ev.App, ev.Resource, c.at, got, c.want)
		}
	}
}
