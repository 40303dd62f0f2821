package detectors

import (
	"math"

	"github.com/riskstream/riskstream/event"
)

// Memory is all that the detectors remember of one subject. It has a fixed
// size and holds no pointers, so that millions of them cost the garbage
// collector nothing; the zero value is a subject never seen. Each part is
// described in the file of the detector that uses it.
type Memory struct {
	progress  progress
	anchors   anchors
	countries [maxCountries]familiar
	networks  [maxNetworks]familiar
	devices   [maxDevices]familiar
	browsers  browsers
	vintages  [maxDevices]vintage // of devices known by their kind, in the same places
	failures  failures
	pending   pending
	prompts   prompts
	codes     failures // wrong one-time codes
	arrivals  arrivals
	protocols [maxProtocols]familiar // legacy protocols and the device code, by protocol
	consents  [maxConsents]familiar  // apps let in
	password  password
	sessions  sessions
	bulk      bulk
	opened    opened               // apps
	sources   [maxSources]familiar // source networks, for unfamiliar_sign_in
	apps      [maxApps]familiar
	hours     hours
	absence   absence
}

// seconds is event time in state: seconds since event.MinTime, 1 at the
// earliest, so that 0 says "never". It ends in 2126; what lies outside is
// moved to the nearer end.
type seconds uint32

func secondsOf(t event.Time) seconds {
	return seconds(min(max((t-event.MinTime)/event.Second+1, 1), math.MaxUint32))
}

// time is the moment again, to the second.
func (s seconds) time() event.Time {
	if s == 0 {
		return 0
	}
	return event.MinTime + event.Time(s-1)*event.Second
}

// day numbers the UTC days; 0 is "never".
func (s seconds) day() uint16 { return uint16(s/86400) + 1 }

// since is the time from an earlier moment to s, in seconds; 0 if it is later.
func (s seconds) since(earlier seconds) uint32 { return uint32(s - min(s, earlier)) }

// plus is n seconds after s.
func (s seconds) plus(n uint32) seconds { return s + min(seconds(n), math.MaxUint32-s) }

// minus is n seconds before s, or the first moment.
func (s seconds) minus(n uint32) seconds { return s - min(seconds(n), s-min(s, 1)) }

// apart is the time between two moments, in seconds, whichever is first.
func apart(a, b seconds) uint32 { return uint32(max(a, b) - min(a, b)) }

// familiar is one device, network, country, app, … that a subject is known by.
type familiar struct {
	key     uint32 // 0: an empty place
	lastDay uint16
	days    uint8 // on how many days it was seen, up to 255
	kinds   kinds // of networks: the anonymisers that the user came through; of devices: the mark of the OS
}

// atHome is on how many different days something must have been seen to be
// kept before what is newer. Days cannot be hurried, so a burst of sign-ins
// from new places never pushes out what the subject uses every day.
const atHome = 5

// find returns the entry of a key, or nil. Key 0 is in no list.
func find(known []familiar, key uint32) *familiar {
	if i := indexOf(known, key); i >= 0 {
		return &known[i]
	}
	return nil
}

// indexOf is where the entry of a key is, or -1. Key 0 is in no list.
func indexOf(known []familiar, key uint32) int {
	if key != 0 {
		for i := range known {
			if known[i].key == key {
				return i
			}
		}
	}
	return -1
}

// count is the number of entries in use.
func count(known []familiar) int {
	n := 0
	for i := range known {
		if known[i].key != 0 {
			n++
		}
	}
	return n
}

// daysOf is the sum of the days on which the entries were seen.
func daysOf(known []familiar) int {
	n := 0
	for i := range known {
		n += int(known[i].days)
	}
	return n
}

// refresh notes that the entry was seen on a day. Days that were passed
// already, which late events bring, do not count again.
func (f *familiar) refresh(day uint16) {
	if day > f.lastDay {
		f.lastDay = day
		f.days = min(f.days, 254) + 1
	}
}

// admit makes an entry for a key that find did not find. A full list gives up
// what was not seen for longest among those that are not yet at home; when all
// are at home, among all.
func admit(known []familiar, key uint32, day uint16) *familiar {
	victim := &known[0]
	for i := range known {
		if f := &known[i]; f.key == 0 {
			victim = f
			break
		} else if f.givesWayTo(victim) {
			victim = f
		}
	}
	*victim = familiar{key: key}
	victim.refresh(day)
	return victim
}

// givesWayTo reports that f is to be forgotten before other.
func (f *familiar) givesWayTo(other *familiar) bool {
	if (f.days >= atHome) != (other.days >= atHome) {
		return f.days < atHome
	}
	if f.lastDay != other.lastDay {
		return f.lastDay < other.lastDay
	}
	return f.days < other.days
}
