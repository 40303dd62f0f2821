package detectors

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

const massAccess = "mass_access"

// MassAccessConfig holds the thresholds of mass_access.
type MassAccessConfig struct {
	Enabled    bool          `yaml:"enabled"`
	Resources  int           `yaml:"resources"`   // different ones read within the window, weighted by classification
	Downloads  int           `yaml:"downloads"`   // in a third of the window
	Changes    int           `yaml:"changes"`     // different resources written or deleted within the window
	Window     time.Duration `yaml:"window"`      //
	Apps       int           `yaml:"apps"`        // new to the user within …
	AppsWindow time.Duration `yaml:"apps_window"` // … this time
}

const (
	// The window has so many parts; one is as fine as counting is.
	bulkParts = 3

	// A burst so many times as large as the threshold has few everyday stories.
	hugeBurst = 2

	// habitDays is on how many days bursts went by until they are a habit.
	habitDays = 3
)

// Strengths of mass_access by where the user is; on a new device in a new
// network it is 1.
const (
	ownBulkStrength       = 0.5  // at home a client synchronises, or makes a report
	travellingStrength    = 0.75 // as it does on the user's device in a café
	sensitiveBulkStrength = 0.75 // at home, with what is confidential
)

// bulk is what was read, written and deleted in the parts of the window, each
// part in the place of its number modulo bulkParts, and whether bursts are
// ordinary for the subject.
type bulk struct {
	parts [bulkParts]bulkPart
	habit [1]familiar // the days with a burst that was not challenged
}

// bulkPart counts within one part of the window. A resource counts in the part
// where it is first seen.
type bulkPart struct {
	number    uint32 // of the part since event.MinTime
	seen      resourceSet
	plain     uint16 // resources read that are not sensitive
	sensitive uint16 // those that are
	weight    uint16 // of those
	downloads uint16
	changes   uint16
}

// resourceSet is a Bloom filter with 256 bits and two of them for each member.
// With 25 members it takes 1 of 30 others for one, so that a count is a little
// low.
type resourceSet [8]uint32

// add reports that the key was not in the set.
func (r *resourceSet) add(key uint32) bool {
	added := false
	for _, bit := range [...]uint32{key & 255, key >> 8 & 255} {
		word, mask := bit/32, uint32(1)<<(bit%32)
		added = added || r[word]&mask == 0
		r[word] |= mask
	}
	return added
}

func (r *resourceSet) has(key uint32) bool {
	a, b := key&255, key>>8&255
	return r[a/32]>>(a%32)&1 != 0 && r[b/32]>>(b%32)&1 != 0
}

// sensitivity is how often a resource counts by its classification, the words
// of most schemes; 1 is not sensitive. The numbers are ours.
func sensitivity(classification string) uint16 {
	switch {
	case strings.EqualFold(classification, "restricted"):
		return 3
	case strings.EqualFold(classification, "confidential"):
		return 2
	}
	return 1
}

// touch is what an event does to resources.
type touch struct {
	part     uint32
	key      uint32 // of the resource; 0 when the log names none
	weight   uint16
	download bool
	change   bool
}

// touchOf reads an event; ok is false when it touches no resource.
func (s *Set) touchOf(e *event.Event, at *sighting) (t touch, ok bool) {
	switch e.Action {
	case event.Access, event.Download:
	case event.Write, event.Delete:
		t.change = true
	default:
		return t, false
	}
	t.download = e.Action == event.Download
	t.key = fold(event.Hash(e.Resource.ID))
	if t.key == 0 {
		t.key = fold(event.Hash(e.Resource.Name))
	}
	if t.key == 0 && !t.download {
		return t, false
	}
	t.part = uint32(at.at) / s.bulkPartLength()
	t.weight = sensitivity(e.Resource.Classification)
	return t, true
}

func (s *Set) bulkPartLength() uint32 {
	return max(uint32(s.cfg.MassAccess.Window/time.Second)/bulkParts, 1)
}

// note counts a touch and reports whether that raised a count. What is older
// than the window is left out.
func (b *bulk) note(t touch) bool {
	p := &b.parts[t.part%bulkParts]
	switch {
	case p.number > t.part:
		return false
	case p.number < t.part:
		*p = bulkPart{number: t.part}
	}
	raised := t.download
	if t.download {
		increase(&p.downloads, 1)
	}
	if t.key == 0 {
		return raised
	}
	key := t.key
	if t.change {
		key = fold(mix(uint64(key))) // what is written counts beside what is read
	}
	for i := range b.parts {
		if q := &b.parts[i]; q != p && q.within(t.part) && q.seen.has(key) {
			return raised
		}
	}
	if !p.seen.add(key) {
		return raised
	}
	switch {
	case t.change:
		increase(&p.changes, 1)
	case t.weight > 1:
		increase(&p.sensitive, 1)
		increase(&p.weight, t.weight)
	default:
		increase(&p.plain, 1)
	}
	return true
}

// within reports that the part is in the window that ends with a part.
func (p *bulkPart) within(last uint32) bool {
	return p.number != 0 && p.number <= last && p.number+bulkParts > last
}

func increase(n *uint16, by uint16) { *n += min(by, math.MaxUint16-*n) }

// What is counted.
const (
	resourcesRead = "resources read"
	downloads     = "downloads"
)

// bulkCount is what the window holds.
type bulkCount struct {
	plain, sensitive, weight, downloads, changes int

	name             string // of what reaches its threshold most
	count, threshold int
}

func (b *bulk) count(cfg *MassAccessConfig, last uint32) bulkCount {
	var t bulkCount
	for i := range b.parts {
		p := &b.parts[i]
		if !p.within(last) {
			continue
		}
		t.plain += int(p.plain)
		t.sensitive += int(p.sensitive)
		t.weight += int(p.weight)
		t.changes += int(p.changes)
		if p.number == last {
			t.downloads = int(p.downloads)
		}
	}
	t.reaches(resourcesRead, t.plain+t.weight, cfg.Resources)
	t.reaches(downloads, t.downloads, cfg.Downloads)
	t.reaches("resources written or deleted", t.changes, cfg.Changes)
	return t
}

// reaches keeps the count that is largest beside its threshold.
func (t *bulkCount) reaches(name string, count, threshold int) {
	if count >= threshold && (t.threshold == 0 || count*t.threshold > t.count*threshold) {
		t.name, t.count, t.threshold = name, count, threshold
	}
}

// detectMassAccess sees much more being read, downloaded, written or deleted
// than a person does: Elastic's rule counts 25 different files in 3 minutes,
// Microsoft Defender for Cloud Apps 50 downloads in a minute. Workloads are
// left out: reading much is what backups are for.
func (s *Set) detectMassAccess(e *event.Event, at *sighting, m *Memory, learning bool, out []event.Detection) []event.Detection {
	cfg := &s.cfg.MassAccess
	t, ok := s.touchOf(e, at)
	if !cfg.Enabled || !ok {
		return out
	}
	b := m.bulk
	if !b.note(t) {
		return out
	}
	found := b.count(cfg, t.part)
	if found.threshold == 0 {
		return out
	}
	where := m.standpoint(at)
	if learning {
		where = atTheirs
	}
	strength := found.strength(where, m.bulk.habitual())
	if strength == 0 {
		return out
	}
	return append(out, event.Detection{
		Name:     massAccess,
		Strength: strength,
		Key:      massOfResources,
		Summary:  found.words(cfg.Window),
		Evidence: []event.Fact{
			event.Number("resources", float64(found.plain+found.sensitive)),
			event.Number("sensitive", float64(found.sensitive)),
			event.Number("downloads", float64(found.downloads)),
			event.Number("changes", float64(found.changes)),
			event.Text("known_place", yesNo(where == atTheirs)),
			event.Text("habit", yesNo(m.bulk.habitual())),
		},
	})
}

// words tell the burst: "34 resources read within 3 minutes, 30 of them
// confidential or restricted".
func (t *bulkCount) words(window time.Duration) string {
	minutes := window.Minutes()
	if t.name == downloads {
		minutes /= bulkParts
	}
	n, sensitive := t.count, ""
	if t.name == resourcesRead {
		n = t.plain + t.sensitive
		if t.sensitive > 0 {
			sensitive = fmt.Sprintf(", %d of them confidential or restricted", t.sensitive)
		}
	}
	return fmt.Sprintf("%d %s within %s%s", n, t.name, plural(uint32(minutes), "minute"), sensitive)
}

// Keys of mass_access: all of one kind is one piece of evidence.
const (
	massOfResources = 1
	massOfApps      = 2
)

// strength is that of a burst; 0 is quiet. Elsewhere than at home no habit
// speaks for it.
func (t *bulkCount) strength(where standpoint, habitual bool) float64 {
	huge := t.count >= hugeBurst*t.threshold
	sensitive := t.sensitive > t.plain
	switch {
	case where == nowhereKnown, where == onTheirDevice && (huge || sensitive):
		return 1
	case where == onTheirDevice:
		return travellingStrength
	case habitual && !huge:
		return 0
	case sensitive && huge && !habitual:
		return 1
	case sensitive, huge && !habitual:
		return sensitiveBulkStrength
	}
	return ownBulkStrength
}

func (b *bulk) habitual() bool { return b.habit[0].days >= habitDays }

// learnBulk counts what the event touches. A burst at home that was not
// challenged makes a habit.
func (s *Set) learnBulk(e *event.Event, at *sighting, m *Memory, v Verdict) {
	t, ok := s.touchOf(e, at)
	if !ok || !m.bulk.note(t) || v.challenged() || m.standpoint(at) != atTheirs {
		return
	}
	if found := m.bulk.count(&s.cfg.MassAccess, t.part); found.threshold != 0 {
		m.bulk.habit[0].refresh(at.at.day())
	}
}

// forgetBulk drops what no window reaches any more.
func (s *Set) forgetBulk(b *bulk, now seconds) {
	last := uint32(now) / s.bulkPartLength()
	for i := range b.parts {
		if p := &b.parts[i]; p.number+bulkParts <= last {
			*p = bulkPart{}
		}
	}
}
