package engine

import (
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// appendLine appends the replay line of an event: what the lane made of it.
// Its form is a contract.
func appendLine(b []byte, e *event.Event, r *Result) []byte {
	w := event.NewWriter(append(b, '{'))
	w.Text("event_id", e.ID)
	w.Time("time", e.Time)
	w.Text("tenant", e.Tenant)
	w.Text("subject", r.Subject)
	w.Fixed("event_risk", r.EventRisk, 2)
	w.Fixed("score", r.Score, 2)
	w.Text("level", r.Level.String())
	w.Text("decision", r.Decision.String())

	w.Key("detections")
	w.Raw("[")
	for i := range r.Detections {
		if i > 0 {
			w.Raw(",")
		}
		appendLineDetection(w, &r.Detections[i])
	}
	w.Raw("]")

	w.Key("rules")
	w.Raw("[")
	for i, id := range ruleIDs(r.Detections) {
		if i > 0 {
			w.Raw(",")
		}
		w.String(id)
	}
	w.Raw("]}\n")
	return w.Bytes()
}

func appendLineDetection(w *event.Writer, d *event.Detection) {
	w.Raw("{")
	w.Text("name", d.Name)
	w.Text("group", string(d.Group))
	w.Fixed("llr", d.LLR, 3)
	w.Fixed("points", d.Points, 2)
	w.Text("summary", d.Summary)
	w.Key("evidence")
	w.Facts(d.Evidence)
	w.Raw("}")
}

// ruleIDs are the ids of the rules among the detections, sorted; nil, without
// allocation, in the common case that none matched.
func ruleIDs(detections []event.Detection) []string {
	var ids []string
	for i := range detections {
		if id, ok := strings.CutPrefix(detections[i].Name, "rule:"); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
