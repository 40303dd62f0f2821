package detectors

import (
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const passwordSpray = event.PasswordSpray

// PasswordSprayConfig holds the thresholds of password_spray. The defaults of
// all but Window and Slow are those of Elastic's rules.
type PasswordSprayConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Users    int           `yaml:"users"`     // wrong passwords on at least so many users
	Attempts int           `yaml:"attempts"`  // at least so many of them
	MaxTries int           `yaml:"max_tries"` // a user with more is left out: that is a stale password, or guessing of another kind
	Share    float64       `yaml:"share"`     // at least this share of the users has 2 to 6
	Span     time.Duration `yaml:"span"`      // first to last at least this long
	Window   time.Duration `yaml:"window"`    // users whose last wrong password is older no longer count

	Distributed DistributedSprayConfig `yaml:"distributed"` // from many networks at a time
	Slow        SlowSprayConfig        `yaml:"slow"`        // over days, from one network or many
}

// DistributedSprayConfig holds the thresholds of a spray from many networks.
type DistributedSprayConfig struct {
	Networks int           `yaml:"networks"` // from at least so many networks
	Users    int           `yaml:"users"`    // on at least so many users
	Attempts int           `yaml:"attempts"` // at least so many wrong passwords
	Window   time.Duration `yaml:"window"`   // within this time
}

// SlowSprayConfig holds the thresholds of a spray over days. They are ours.
type SlowSprayConfig struct {
	Users int `yaml:"users"` // on so many users more than the organisation is used to
	Tries int `yaml:"tries"` // with at most so many on each
}

// Tries on one user that are typical of a spray: more than one password, and
// few enough to stay below a lock-out.
const (
	fewestSprayTries = 2
	mostSprayTries   = 6
)

// Strengths below 1.
const (
	// untouchedStrength is for those who came in before the attack began and
	// on whom no password was tried: they share the address, and may be its
	// owner.
	untouchedStrength = 0.5
	// campaignStrength is for those who came in from a network of a campaign
	// without a wrong password. At that network there may have been one
	// attempt only, and somebody's slip may stand among the campaign's.
	campaignStrength = 0.75
)

// is reports that the wrong passwords of a network are a spray.
func (c *PasswordSprayConfig) is(n *tries) bool {
	return c.Enabled && n.users >= c.Users && n.attempts >= c.Attempts &&
		float64(n.typical) >= c.Share*float64(n.users) && n.last.since(n.first) >= uint32(c.Span/time.Second)
}

func sprayEvidence(e *event.Event) event.Detection {
	d, from := attackEvidence(e, passwordSpray), &e.Signal
	if from.Networks == 0 {
		d.Summary = fmt.Sprintf("%s from %s, where %s were tried on %s",
			attempted(e), networkName(&e.Source), attempts(from), plural(from.Users, "user"))
		return d
	}
	d.Summary = fmt.Sprintf("%s from %s, part of a campaign: %s on %s from %s",
		attempted(e), networkName(&e.Source), attempts(from), plural(from.Users, "user"), plural(from.Networks, "network"))
	d.Evidence = append(d.Evidence, event.Number("networks", float64(from.Networks)))
	if from.Tries == 0 {
		d.Strength = min(d.Strength, campaignStrength)
	}
	return d
}
