package scoring

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

// parsePolicies reads a file with the key `policies`.
func parsePolicies(file, text string) (Policies, error) {
	var cfg struct{ Policies Policies }
	err := yaml.Unmarshal([]byte(text), &cfg)
	cfg.Policies.Locate(file, []byte(text))
	return cfg.Policies, err
}

func TestPolicies(t *testing.T) {
	policies, err := parsePolicies("p.yaml", `policies:
  - name: trusted robot
    when: |
      user.kind == "service" and user.subject == "backup@example.com"
    decision: allow
  - name: administrators
    when: |
      user.privileged == "yes" and score >= 20
    decision: revoke
  - name: restricted data
    when: |
      resource.classification == "restricted" and level != "none"
    decision: revoke
  - name: guessed
    when: |
      "brute_force_success" in evidence and event.action != "sign_out"
    decision: step_up
`)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		with func(*event.Event)
		seen []string
		want event.Decision
	}{
		{"nothing matches", func(*event.Event) {}, []string{"session_hijack"}, event.Allow},
		{"an earlier policy decides", func(e *event.Event) { e.User.Kind, e.User.Subject = event.Service, "backup@example.com" }, []string{"brute_force_success"}, event.Allow},
		{"privileged", func(e *event.Event) { e.User.Privileged = event.True }, []string{"new_country", "new_device"}, event.Revoke},
		{"not known to be privileged", func(*event.Event) {}, []string{"new_country", "new_device"}, event.Allow},
		{"restricted", func(e *event.Event) { e.Resource.Classification = "restricted" }, []string{"new_country", "new_device"}, event.Revoke},
		{"restricted without risk", func(e *event.Event) { e.Resource.Classification = "restricted" }, []string{"new_device"}, event.Allow},
		{"evidence", func(*event.Event) {}, []string{"brute_force_success"}, event.StepUp},
		{"evidence and action", func(e *event.Event) { e.Action = event.SignOut }, []string{"brute_force_success"}, event.Allow},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := storyWith(t, Defaults(), policies)
			if r := s.happens(signIn(monday, test.with), sawAll(test.seen...)...); r.Decision != test.want {
				t.Errorf("score %.2f: %v; want %v", r.Score, r.Decision, test.want)
			}
		})
	}
}

// Policies weigh evidence; without any there is nothing to decide.
func TestWithoutEvidenceTheDecisionIsAllow(t *testing.T) {
	s := storyWith(t, Defaults(), Policies{{Name: "all", When: "score < 100", Decision: event.StepUp}})
	if r := s.happens(signIn(monday)); r.Decision != event.Allow {
		t.Errorf("a new subject: %v", r.Decision)
	}
	if r := s.happens(signIn(monday), saw("new_network")); r.Decision != event.StepUp {
		t.Errorf("with evidence: %v; want step_up", r.Decision)
	}
	if r := s.happens(verdict(monday, "confirm_safe")); r.Decision != event.Allow {
		t.Errorf("when it is removed: %v", r.Decision)
	}
}

// A signal says nothing of its user; the user is still who they were.
func TestPoliciesKnowTheUserAtASignal(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, func(e *event.Event) { e.User.Kind = event.Service }))
	if r := s.happens(verdict(monday+event.Hour, "confirm_compromised")); r.Level != event.High || r.Decision != event.Allow {
		t.Errorf("%v, %v; want high, and allow as for any service", r.Level, r.Decision)
	}
}

func TestPolicyThatFailsDoesNotMatchAndIsCounted(t *testing.T) {
	s := storyWith(t, Defaults(), Policies{
		{Name: "broken", When: "1 % (len(evidence) - 1) == 0", Decision: event.Revoke},
		{Name: "sound", When: "score > 1", Decision: event.StepUp},
	})
	if r := s.happens(signIn(monday), saw("new_device")); r.Decision != event.StepUp {
		t.Errorf("decision %v; want that of the next policy", r.Decision)
	}
	if n := s.v.Failures(); len(n) != 1 || n["broken"] == 0 {
		t.Errorf("failures %v; want those of broken", n)
	}
}

func TestPolicyErrorsComeAllAtOnceWithPlaces(t *testing.T) {
	_, err := parsePolicies("p.yaml", `policies:
  - name: a
    when: score > 1
    decision: forbid
    because: of it
  - when: [score]
`)
	want(t, err, `4:15: decision "forbid"`, "5:5: unknown key because", "6:11: when: want a text", "6:5: name is missing", "6:5: decision is missing")

	policies, err := parsePolicies("p.yaml", `policies:
  - name: one
    when: |
      score > 1 and
        levle == "high"
    decision: step_up
  - name: one
    when: level == "severe"
    decision: step_up
  - name: flag
    when: |
      user.privileged == true
    decision: revoke
`)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Defaults()
	cfg.Prior = 2
	_, err = New(cfg, policies)
	want(t, err, "scoring.prior: 2;", "p.yaml:5:9: unknown name levle", "policies[1]: there is another policy named one", `p.yaml:8:20: level is never "severe"`, "p.yaml:12:26: user.privileged is a text")
}

// want checks that an error has all the parts, in their order.
func want(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", parts)
	}
	rest := err.Error()
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Errorf("want %q in order in:\n%v", part, err)
			continue
		}
		rest = after
	}
}

// The words that policies may compare with are the event's words.
func TestPolicyVocabulary(t *testing.T) {
	compiles := func(source string) {
		t.Helper()
		if _, err := expression.Compile(source, policyEnv{}, expression.Bool, expression.Position{}); err != nil {
			t.Error(err)
		}
	}
	for _, a := range event.Actions {
		compiles(`event.action == "` + string(a) + `"`)
	}
	for _, k := range userKinds {
		compiles(`user.kind == "` + string(k) + `"`)
	}
	for l := event.None; l <= event.High; l++ {
		compiles(`level == "` + l.String() + `"`)
	}
	for _, f := range []event.Flag{event.True, event.False, event.Unknown} {
		compiles(`user.privileged == "` + expression.Flag(f) + `"`)
	}
}

func FuzzPolicies(f *testing.F) {
	f.Add(string(policiesYAML))
	f.Add("- name: a\n  when: score > 1\n  decision: revoke\n")
	f.Add("- {name: a, when: 'evidence[9] == user.kind', decision: step_up, x: y}")
	f.Add("- &a {name: *a}")
	f.Fuzz(func(t *testing.T, text string) {
		var p Policies
		if yaml.Unmarshal([]byte(text), &p) != nil {
			return
		}
		p.Locate("p.yaml", []byte(text))
		if s, err := New(Defaults(), p); err == nil {
			story := &story{t: t, v: s.NewEvaluator()}
			story.record(story.happens(signIn(monday), sawAll("impossible_travel", "new_device")...))
		}
	})
}
