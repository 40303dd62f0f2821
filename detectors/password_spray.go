package detectors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/riskstream/riskstream/event"
)

const passwordSpray = event.PasswordSpray

// PasswordSprayConfig holds the thresholds of password_spray. The defaults of
// all but Window are those of Elastic's rules.
type PasswordSprayConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Users    int           `yaml:"users"`     // wrong passwords on at least so many users
	Attempts int           `yaml:"attempts"`  // at least so many of them
	MaxTries int           `yaml:"max_tries"` // a user with more is left out: that is a stale password, or guessing of another kind
	Share    float64       `yaml:"share"`     // at least this share of the users has 2 to 6
	Span     time.Duration `yaml:"span"`      // first to last at least this long
	Window   time.Duration `yaml:"window"`    // users whose last wrong password is older no longer count
}

// Tries on one user that are typical of a spray: more than one password, and
// few enough to stay below a lock-out.
const (
	fewestSprayTries = 2
	mostSprayTries   = 6
)

// usersPerGuest is on how many users passwords must have been tried for each
// one who has come in within the day. Behind the address of an office, a hotel
// or a carrier most people know their password, and who mistypes it is one of
// them; from an attacker's machine hardly anybody comes in. Our own threshold.
const usersPerGuest = 2

// untouchedStrength is for those who came in before the spray began and on
// whom no password was tried: they share the address, and may be its owner.
const untouchedStrength = 0.5

// spray is a spray that was recognised.
type spray struct {
	start    seconds // its first wrong password; 0: there is none
	last     seconds // when it was last recognised
	users    uint16
	attempts uint16
}

// reaches reports that who came in then is to be told.
func (p *spray) reaches(at seconds) bool {
	return p.start != 0 && at.plus(sourceReach) >= p.start && at <= p.last.plus(sourceReach)
}

// sprayFailure sees a wrong password. When it makes a spray, or goes on with
// one, who came in before is told.
func (s *Set) sprayFailure(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	if !m.addFailure(e, uint32(s.cfg.PasswordSpray.Window/time.Second)) || !s.recogniseSpray(m) {
		return out
	}
	for i := range m.named {
		n := &m.named[i]
		if n.len == 0 || !m.spray.reaches(n.at) {
			continue
		}
		name := n.subject()
		user := fold(event.Hash(name))
		if g := m.guest(user); g != nil && !g.told {
			g.told = true
			out = append(out, m.signal(e, name, user, n.at))
		}
	}
	return out
}

// spraySuccess sees a user come in, who is told once of the spray that was
// before.
func (s *Set) spraySuccess(e *event.Event, m *SourceMemory, out []event.Event) []event.Event {
	at, user := secondsOf(e.Time), userOf(e)
	g := m.addGuest(user, e.User.Subject, at)
	if !s.cfg.PasswordSpray.Enabled || !m.spray.reaches(at) || g != nil && g.told {
		return out
	}
	if g != nil {
		g.told = true
	}
	return append(out, m.signal(e, e.User.Subject, user, at))
}

// recogniseSpray reports that the wrong passwords of the window are a spray,
// and keeps it: the one that is still felt, or a new one. Who came in within
// the day is not counted: people who mistype their password come in after all,
// and of those who are sprayed next to nobody does.
func (s *Set) recogniseSpray(m *SourceMemory) bool {
	cfg := &s.cfg.PasswordSpray
	if !cfg.Enabled {
		return false
	}
	window := uint32(cfg.Window / time.Second)
	users, attempts, typical, guests := 0, 0, 0, 0
	first, last := m.newest, seconds(0)
	for i := range m.guests {
		if g := &m.guests[i]; g.user != 0 && g.at.plus(sourceReach) >= m.newest {
			guests++
		}
	}
	for i := range m.tried[:m.nTried] {
		t := &m.tried[i]
		g := m.guest(t.user)
		if t.last.plus(window) < m.newest || int(t.tries) > cfg.MaxTries || g != nil && g.at.plus(sourceReach) >= m.newest {
			continue
		}
		users++
		attempts += int(t.tries)
		if fewestSprayTries <= t.tries && t.tries <= mostSprayTries {
			typical++
		}
		first, last = min(first, t.first), max(last, t.last)
	}
	if users < cfg.Users || users < usersPerGuest*guests || attempts < cfg.Attempts ||
		float64(typical) < cfg.Share*float64(users) || last.since(first) < uint32(cfg.Span/time.Second) {
		return false
	}
	if p := &m.spray; p.start == 0 || p.last.plus(sourceReach) < m.newest {
		*p = spray{start: first}
		for i := range m.guests {
			m.guests[i].told = false
		}
	}
	m.spray.last = m.newest
	m.spray.users = max(m.spray.users, uint16(users))
	m.spray.attempts = max(m.spray.attempts, uint16(attempts))
	return true
}

// signal tells a subject that came in at the given time. Its id follows from
// network, subject and spray, so that telling it again is a repeat.
func (m *SourceMemory) signal(cause *event.Event, subject string, user uint32, signedIn seconds) event.Event {
	p := &m.spray
	id := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d",
		passwordSpray, cause.Tenant, event.Network(cause.Source.IP), subject, p.start))
	var tries uint32
	if i, known := m.find(user); known {
		tries = uint32(m.tried[i].tries)
	}
	return event.Event{
		Time:     cause.Time,
		ID:       hex.EncodeToString(id[:16]),
		Kind:     event.KindSignal,
		Action:   event.IDPSignal,
		Code:     passwordSpray,
		Provider: "riskstream",
		User:     event.User{Subject: subject},
		Source:   event.Source{IP: cause.Source.IP, Anonymizer: cause.Source.Anonymizer, AS: cause.Source.AS},
		Tenant:   cause.Tenant,
		Signal: event.Signal{
			Users: uint32(p.users), Attempts: uint32(p.attempts), Tries: tries,
			Since: p.start.time(), SignedIn: signedIn.time(),
		},
	}
}

// DetectSignal appends the evidence that a signal of the source lane gives.
// The signal goes only to who has come in from the network, so it is more than
// attempts that failed.
func (s *Set) DetectSignal(e *event.Event, out []event.Detection) []event.Detection {
	if e.Kind != event.KindSignal || e.Action != event.IDPSignal || e.Code != passwordSpray || !s.cfg.PasswordSpray.Enabled {
		return out
	}
	from := &e.Signal
	d := event.Detection{
		Name:     passwordSpray,
		Strength: 1,
		Key:      e.Source.NetworkHash(),
		Summary: fmt.Sprintf("Sign-in from %s, where %s were tried on %s",
			networkName(&e.Source), plural(from.Attempts, "wrong password"), plural(from.Users, "user")),
		Evidence: []event.Fact{
			event.Number("users", float64(from.Users)),
			event.Number("attempts", float64(from.Attempts)),
			event.Number("on_this_user", float64(from.Tries)),
			event.Text("network", networkName(&e.Source)),
			event.Text("since", from.Since.String()),
			event.Text("signed_in", from.SignedIn.String()),
		},
	}
	if from.Tries == 0 && from.SignedIn < from.Since {
		d.Strength = untouchedStrength
	}
	return append(out, d)
}
