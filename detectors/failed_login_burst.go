package detectors

import (
	"fmt"
	"strconv"
	"time"

	"github.com/riskstream/riskstream/event"
)

const failedLoginBurst = "failed_login_burst"

// FailedLoginBurstConfig holds the thresholds of failed_login_burst: so many
// wrong passwords within the window.
type FailedLoginBurstConfig struct {
	Enabled  bool          `yaml:"enabled"`
	Failures int           `yaml:"failures"`
	Window   time.Duration `yaml:"window"`
}

// maxFailures is how many wrong passwords are remembered. More would only
// sharpen a number that is large already.
const maxFailures = 12

// failuresKept is how long wrong passwords are remembered: for the longest window
// that can be set, a day, and for events that come six days late. Ours; what is
// older no window reaches, and it was a seventh of what is kept of a user.
const failuresKept = 7 * 24 * time.Hour

// ownBurstStrength: from where the subject is at home, with a device that it
// is known by, a burst is mostly a forgotten password or a stale app.
const ownBurstStrength = 0.3

// failures are the last wrong passwords by event time, unsorted, that no sign-in
// or reset of the user's own has settled.
type failures struct {
	list [maxFailures]failure
	own  uint16 // bit i: list[i] came from a known network and a known device
}

// failure is one wrong password. The hashes of device and session are short:
// they only have to tell a dozen apart.
type failure struct {
	at      seconds // 0: an empty entry
	source  uint32
	bound   uint16
	session uint16
}

// detectFailedLoginBurst sees many wrong passwords of one subject in a short
// time, from wherever they come. The window may lie anywhere around the
// failure, so that late and shuffled failures count as those in order do.
func (s *Set) detectFailedLoginBurst(at *sighting, m *Memory, out []event.Detection) []event.Detection {
	cfg := s.cfg.FailedLoginBurst
	if !cfg.Enabled {
		return out
	}
	window := uint32(cfg.Window / time.Second)
	b := m.failures.busiest(at.at, window)
	b.add(at.at, at.source, m.atHome(at))
	if b.count < cfg.Failures {
		return out
	}
	return append(out, b.detection(failedLoginBurst, "passwords", at, ownBurstStrength))
}

// atHome reports that both the network and the device are known.
func (m *Memory) atHome(at *sighting) bool { return m.knowsNetwork(at) && m.knowsDevice(at) }

func (f *failures) add(at *sighting, own bool) {
	oldest := 0
	for i := range f.list {
		if f.list[i].at < f.list[oldest].at {
			oldest = i
		}
	}
	if at.at < f.list[oldest].at {
		return
	}
	f.list[oldest] = failure{at: at.at, source: at.source, bound: fold16(at.bound), session: fold16(at.session)}
	f.own &^= 1 << oldest
	if own {
		f.own |= 1 << oldest
	}
}

// forgetBefore drops the failures before a moment.
func (f *failures) forgetBefore(t seconds) {
	for i := range f.list {
		if at := f.list[i].at; at != 0 && at < t {
			f.drop(i)
		}
	}
}

func (f *failures) drop(i int) {
	f.list[i] = failure{}
	f.own &^= 1 << i
}

// burst is the failures of one window.
type burst struct {
	first, last seconds
	count, own  int
	from        [maxFailures + 1]uint32 // source networks, one per failure
}

func (b *burst) add(at seconds, source uint32, own bool) {
	if b.count == 0 || at < b.first {
		b.first = at
	}
	b.last = max(b.last, at)
	b.from[b.count] = source
	b.count++
	if own {
		b.own++
	}
}

// detection is what a burst of wrong passwords or codes says. own is its
// strength when all of it came from the user's own place.
func (b *burst) detection(name, wrong string, at *sighting, own float64) event.Detection {
	d := event.Detection{
		Name:     name,
		Strength: 1,
		Key:      uint64(at.source),
		Summary: fmt.Sprintf("%s wrong %s in %s from %s",
			b.number(), wrong, spoken(b.last.since(b.first)), plural(uint32(b.sources()), "network")),
		Evidence: []event.Fact{
			event.Number("failures", float64(b.count)),
			event.Number("networks", float64(b.sources())),
			event.Number("minutes", float64(b.last.since(b.first))/60),
			event.Text("known_network_and_device", yesNo(b.own == b.count)),
		},
	}
	if b.own == b.count {
		d.Strength = own
	}
	return d
}

// number is the count in words: beyond what is remembered, at least so many.
func (b *burst) number() string {
	if b.count > maxFailures {
		return fmt.Sprintf("%d or more", b.count)
	}
	return strconv.Itoa(b.count)
}

// sources is the number of distinct source networks.
func (b *burst) sources() int {
	n := 0
	for i, source := range b.from[:b.count] {
		seen := false
		for _, earlier := range b.from[:i] {
			seen = seen || earlier == source
		}
		if !seen {
			n++
		}
	}
	return n
}

// busiest returns the failures of the window around t that holds most of them;
// of equals, the one that begins first.
func (f *failures) busiest(t seconds, window uint32) burst {
	best := f.within(t, t.plus(window))
	for i := range f.list {
		if start := f.list[i].at; start != 0 && start <= t && t.since(start) <= window {
			if b := f.within(start, start.plus(window)); b.count > best.count || b.count == best.count && b.first < best.first {
				best = b
			}
		}
	}
	return best
}

func (f *failures) within(from, to seconds) burst {
	var b burst
	for i := range f.list {
		if at := f.list[i].at; at != 0 && from <= at && at <= to {
			b.add(at, f.list[i].source, f.own&(1<<i) != 0)
		}
	}
	return b
}

// before counts the failures of the window that ends at t.
func (f *failures) before(t seconds, window uint32) int {
	b := f.within(t-min(t, seconds(window)), t)
	return b.count
}
