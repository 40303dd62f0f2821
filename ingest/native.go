package ingest

import (
	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// nativeName is the format of riskstream's own events, so that what was
// normalised once, or read from risk.events, can be replayed. Such an event
// keeps its subject and enrichment, and in a file its tenant and origin.
const nativeName = "riskstream"

// native is for one parser: its events' strings stand in an arena.
func native() format {
	texts := new(event.Arena)
	return format{name: nativeName, recognise: isNative, parse: func(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
		return parseNative(v, texts, out)
	}}
}

// isNative recognises what every event of riskstream's has and an event that
// merely uses the Elastic Common Schema hardly does.
func isNative(v *fastjson.Value) bool {
	ev := v.Get("event")
	kind := ev.GetStringBytes("kind")
	if string(kind) != string(event.KindEvent) && string(kind) != string(event.KindSignal) {
		return false
	}
	action := ev.GetStringBytes("action")
	known := false
	for _, a := range event.Actions {
		known = known || string(action) == string(a)
	}
	return known && v.Exists("@timestamp") && ev.Exists("id") && ev.Exists("provider") && v.Exists("organization", "id")
}

func parseNative(v *fastjson.Value, texts *event.Arena, out []event.Event) ([]event.Event, error) {
	e, err := event.FromJSON(v, texts)
	if err != nil {
		return out, err
	}
	bound(&e)
	return append(out, e), nil
}

// bound cleans every string of an event that did not come through text.
func bound(e *event.Event) {
	for _, s := range textsOf(e) {
		if !tidy(*s) {
			*s = cleanText([]byte(*s))
		}
	}
	e.Original = e.Original[:min(len(e.Original), maxRaw)]
}

// tidy reports whether cleanText would leave s alone, for the common case.
func tidy(s string) bool {
	if len(s) > maxText {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
