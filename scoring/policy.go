package scoring

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/expression"
)

//go:embed policies.yaml
var policiesYAML []byte

// Policies is the section `policies` of the configuration: the first that
// matches decides; where none does, the decision is allow. Without any, those
// of policies.yaml apply.
type Policies []Policy

// Policy is one of them. docs/scoring.md lists what When may use.
type Policy struct {
	Name     string         `yaml:"name"`
	When     string         `yaml:"when"`
	Decision event.Decision `yaml:"decision"`

	when yaml.Node           // as it stands in the file
	at   expression.Position // of When's first character
}

// Bounds of what may be configured: a policy is tried on every event of a
// subject with open evidence.
const (
	maxPolicies   = 100
	maxPolicyName = 64
)

// UnmarshalYAML reads the list. The error joins every problem, each as
// line:column: message.
func (p *Policies) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.SequenceNode {
		return errors.Join(problem(n, "policies: want a list"))
	}
	list := make(Policies, len(n.Content))
	var errs []error
	for i, item := range n.Content {
		errs = append(errs, list[i].read(item)...)
	}
	*p = list
	return errors.Join(errs...)
}

func (p *Policy) read(n *yaml.Node) []error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return []error{problem(n, "a policy has the keys name, when and decision")}
	}
	var errs []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			errs = append(errs, problem(key, "%s is given twice", key.Value))
		}
		seen[key.Value] = true
		if value.Kind != yaml.ScalarNode {
			errs = append(errs, problem(value, "%s: want a text", key.Value))
			continue
		}
		switch key.Value {
		case "name":
			p.Name = value.Value
		case "when":
			p.When, p.when = value.Value, *value
			p.at = expression.PositionOf("", nil, value)
		case "decision":
			if err := p.Decision.UnmarshalText([]byte(value.Value)); err != nil {
				errs = append(errs, problem(value, "%v", err))
			}
		default:
			errs = append(errs, problem(key, "unknown key %s; a policy has name, when and decision", key.Value))
		}
	}
	for _, key := range []string{"name", "when", "decision"} {
		if !seen[key] {
			errs = append(errs, problem(n, "%s is missing", key))
		}
	}
	return errs
}

func problem(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%d:%d: %s", n.Line, n.Column, fmt.Sprintf(format, args...))
}

// Locate tells the policies which file they were read from, and its text, so
// that New's errors name the place in it.
func (p Policies) Locate(file string, data []byte) {
	for i := range p {
		if p[i].when.Kind != 0 {
			p[i].at = expression.PositionOf(file, data, &p[i].when)
		}
	}
}

// policy is one that has been compiled.
type policy struct {
	name     string
	when     *expression.Program
	decision event.Decision
}

// policyEnv is what a policy sees.
type policyEnv struct {
	Score    float64  `expr:"score"` // as published
	Level    string   `expr:"level" values:"none,low,medium,high"`
	Evidence []string `expr:"evidence"` // names of the open contributions
	User     struct {
		Kind       string `expr:"kind" values:",human,service,unknown"`
		Privileged string `expr:"privileged" values:"yes,no,unknown"`
		Subject    string `expr:"subject"`
	} `expr:"user"`
	Resource struct {
		Classification string `expr:"classification"`
	} `expr:"resource"`
	Event struct {
		Action string `expr:"action" values:"sign_in,sign_out,mfa_challenge,mfa_verify,token_issue,token_refresh,access,download,write,delete,consent_grant,privilege_grant,credential_change,mfa_enroll,mfa_remove,password_reset,account_lock,account_create,account_disable,device_register,idp_signal,session_revoke,other"`
	} `expr:"event"`
}

// builtinPolicies reads the policies that the binary was built with.
func builtinPolicies() Policies {
	var p Policies
	if err := yaml.Unmarshal(policiesYAML, &p); err != nil {
		panic(fmt.Sprintf("scoring/policies.yaml, as built in: %v", err))
	}
	return p
}

// compile compiles the policies, or the built-in ones when there are none.
func (p Policies) compile() ([]policy, error) {
	if len(p) == 0 {
		p = builtinPolicies()
	}
	var errs []error
	if len(p) > maxPolicies {
		errs = append(errs, fmt.Errorf("policies: %d of them; at most %d are allowed", len(p), maxPolicies))
	}
	compiled := make([]policy, 0, len(p))
	names := map[string]bool{}
	for i := range p {
		q := &p[i]
		switch {
		case strings.TrimSpace(q.Name) == "" || len(q.Name) > maxPolicyName:
			errs = append(errs, fmt.Errorf("%s: policies[%d]: name: want 1 to %d characters", q.at, i, maxPolicyName))
		case names[q.Name]:
			errs = append(errs, fmt.Errorf("%s: policies[%d]: there is another policy named %s", q.at, i, q.Name))
		}
		names[q.Name] = true
		when, err := expression.Compile(q.When, policyEnv{}, expression.Bool, q.at)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		compiled = append(compiled, policy{q.Name, when, q.Decision})
	}
	return compiled, errors.Join(errs...)
}

// usesScore reports that a policy looks at the score itself, so that its
// decision may change within a level.
func usesScore(policies []policy) bool {
	return slices.ContainsFunc(policies, func(p policy) bool {
		return slices.Contains(p.when.Fields(), "score")
	})
}

// setContext tells the policies what they may know beside the evidence: the
// user as last seen, and the event. A signal says little of its user.
func (v *Evaluator) setContext(e *event.Event, st *State) {
	v.env.User.Kind = string(userKinds[st.UserKind])
	v.env.User.Privileged = expression.Flag(st.Privileged)
	v.env.User.Subject = e.User.Subject
	v.env.Resource.Classification = e.Resource.Classification
	v.env.Event.Action = string(e.Action)
}

// decide asks the policies. Without open evidence there is nothing to decide:
// allow. A policy that fails at run does not match, and is counted.
func (v *Evaluator) decide(list []evidence, t event.Time, score centi, level event.Level) event.Decision {
	v.env.Score, v.env.Level = score.float(), level.String()
	v.env.Evidence = v.env.Evidence[:0]
	for i := range list {
		if t < list[i].clears {
			v.env.Evidence = append(v.env.Evidence, list[i].name)
		}
	}
	if len(v.env.Evidence) == 0 {
		return event.Allow
	}
	for i := range v.policies {
		matches, err := v.vm.RunBool(v.policies[i].when, &v.env)
		if err != nil {
			v.failures[i]++
		}
		if matches {
			return v.policies[i].decision
		}
	}
	return event.Allow
}
