package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// BenchmarkFill is the cost of an event before its first rule.
func BenchmarkFill(b *testing.B) {
	e, subject := full(), fullSubject()
	var env Env
	b.ReportAllocs()
	for b.Loop() {
		env.fill(&e, &subject, false)
	}
}

// BenchmarkMatch is an event that matches none of the rules.
func BenchmarkMatch(b *testing.B) {
	var hundred, others strings.Builder
	hundred.WriteString("rules:\n")
	others.WriteString("rules:\n")
	for i := range 100 {
		hundred.WriteString(strings.TrimPrefix(rule(fmt.Sprint("r", i), `event.action == "sign_in" and event.outcome == "success" and device.compliant == "no"`), "rules:\n"))
		others.WriteString(strings.TrimPrefix(rule(fmt.Sprint("r", i), `event.action == "download" and event.outcome == "success"`), "rules:\n"))
	}
	builtin, err := Load(nil, true)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		evaluator *Evaluator
	}{
		{"one", load(b, rule("r", `event.action == "sign_in" and subject.score > 90`))},
		{"builtin", builtin.NewEvaluator()},
		{"100", load(b, hundred.String())},
		{"100-other-actions", load(b, others.String())},
	} {
		b.Run(c.name, func(b *testing.B) {
			e, subject := full(), fullSubject()
			e.IDPRisk.Level = ""
			out := make([]event.Detection, 0, 8)
			b.ReportAllocs()
			for b.Loop() {
				if found := c.evaluator.Match(&e, subject, out); len(found) > 0 {
					b.Fatal(found)
				}
			}
		})
	}
}
