package fit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/riskstream/riskstream/scoring"
)

// refit puts what was fitted into the table, with the reasons, and names the
// table after its numbers.
func (r *Report) refit() {
	t := &r.table
	t.Prior = r.PriorAfter
	t.Detections = maps.Clone(t.Detections)
	for _, d := range r.Detections {
		row, is := t.Detections[d.Name]
		if !is || d.Fixed || d.Compromised+d.Benign == 0 {
			continue
		}
		row.LLR = d.After
		row.Reason = fmt.Sprintf("%s Fitted: %v nats, from %v, with a standard error of %.2f; open on %.1f of %.1f account-days in an attacker's hands and on %.1f of %.1f others.",
			judgement(row.Reason), d.After, d.Before, d.Error, d.Compromised, r.Train.Compromised, d.Benign, r.Train.Benign)
		t.Detections[d.Name] = row
	}
	t.Version = ""
	sum := sha256.Sum256(t.YAML(""))
	t.Version = named.ReplaceAllString(r.Weights, "") + "-fit-" + hex.EncodeToString(sum[:4])
	r.Fitted = t.Version
}

// named is what a version says of how the table was made out of another.
var named = regexp.MustCompile(`(-fit-[0-9a-f]{8})?(\+local)?$`)

// judgement is a reason without what an earlier fit has added.
func judgement(reason string) string {
	before, _, _ := strings.Cut(strings.TrimSpace(reason), " Fitted: ")
	return before
}

// Table is the table of weights that was fitted.
func (r *Report) Table() *scoring.Weights { return &r.table }

// File is the table as a file in the form of scoring/weights.yaml.
func (r *Report) File() []byte {
	const day = "2006-01-02"
	about := fmt.Sprintf("Weights of riskstream, fitted to labelled history by riskstream fit: %d events from %s to %s, %.1f account-days in an attacker's hands and %.1f others, on top of the weights %s.",
		r.Events, r.Since.Std().Format(day), r.Until.Std().Format(day), r.Train.Compromised, r.Train.Benign, r.Weights)
	if h := r.HeldOut; h != nil {
		about += fmt.Sprintf(" On the days from %s on, which were held out, the log-loss is %.5f, and was %.5f.", r.Split.Std().Format(day), h.After.LogLoss, h.Before.LogLoss)
	}
	return r.table.YAML(about + "\n\nscoring.weights_file of the configuration names it. The version is made of the content: change it with any change.")
}
