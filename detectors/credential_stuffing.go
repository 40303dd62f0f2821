package detectors

import (
	"fmt"

	"github.com/riskstream/riskstream/event"
)

const credentialStuffing = event.CredentialStuffing

// CredentialStuffingConfig holds the thresholds of credential_stuffing, which
// are those of Elastic's rules.
//
// A log does not say which password was tried. Who has a list of stolen
// passwords tries the one or two that belong to each user; who sprays tries the
// same few on everybody, round after round. So one or two on nearly all of many
// users are stuffing, and more are a spray. The first round of a spray on many
// users looks like stuffing and is called so until the third.
type CredentialStuffingConfig struct {
	Enabled  bool    `yaml:"enabled"`
	Users    int     `yaml:"users"`     // wrong passwords on at least so many users
	Attempts int     `yaml:"attempts"`  // at least so many of them
	MaxTries int     `yaml:"max_tries"` // on a user at most so many …
	Share    float64 `yaml:"share"`     // … for at least this share of them
}

// is reports that the wrong passwords of a network are of a list of stolen ones.
func (c *CredentialStuffingConfig) is(n *tries) bool {
	return c.Enabled && n.users >= c.Users && n.attempts >= c.Attempts && float64(n.few) >= c.Share*float64(n.users)
}

func stuffingEvidence(e *event.Event) event.Detection {
	d, from := attackEvidence(e, credentialStuffing), &e.Signal
	d.Summary = fmt.Sprintf("%s from %s, where %s were tried on %s, few on each",
		attempted(e), networkName(&e.Source), attempts(from), plural(from.Users, "user"))
	return d
}
