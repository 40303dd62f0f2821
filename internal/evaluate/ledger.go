package evaluate

import (
	"slices"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/simulate"
)

// Case is an event with the truth about it.
type Case struct {
	Event  event.Event
	Truth  simulate.Truth
	Client Client

	note note
}

// Client is what a log says of the client in more detail than an event has it;
// the zero Client says nothing.
type Client struct{ Browser, System, Kind string }

// note is what the ledger knows of a case: indexes into its lists, -1 for none.
type note struct {
	user, sample, attack int32
	since                int32 // attacker's events on the user since the compromise, without it
	targets              int32 // users whom the campaign has gone for, up to this case
}

// sample is a moment at which every contender is asked for its value: a benign
// sign-in that succeeded, or the event with which an attacker is in.
type sample struct {
	at     event.Time
	user   int32
	nth    int32 // sign-ins of the user before it
	attack int32 // -1: benign
}

// attack is one attacker's work on one user.
type attack struct {
	model, variant string
	campaign       uint32
	user           int32
	nth            int32      // sign-ins of the user before the compromise
	first, last    event.Time // of the attacker's events
	compromise     event.Time // 0: the attacker never came in
	since          int32
	unknown        bool // on a user of whom nothing was known, and left out for it
}

// inHands is how long after the attacker's last event an account counts as
// somebody else's: three days, as simulate.Truth has it.
const inHands = 3 * event.Day

// campaign is an attack on one user, or on all users of a spray.
type campaign struct {
	model   string
	first   event.Time
	targets map[int32]struct{}
	came    int32 // targets when the attacker first came in, at any user; 0: never
}

// ledger numbers users, attacks and samples, once for all contenders. Lanes
// read it while it is not written.
type ledger struct {
	windows Windows
	users   map[uint64]int32
	signIns []int32 // by user
	benign  []bool  // by user: has a benign event in the test window
	samples []sample
	attacks []attack
	struck  map[int32][]int32 // attacks by user
	byUser  map[struck]int32
	runs    map[uint32]*campaign

	// fromSecond leaves out the first sign-in of each user, benign or not, as
	// the literature on the RBA dataset does: nothing is known to judge it by.
	fromSecond bool
	first      event.Time
	last       event.Time
	events     int
}

type struck struct {
	campaign uint32
	user     int32
}

func newLedger(w Windows, fromSecond bool) *ledger {
	return &ledger{
		windows: w, fromSecond: fromSecond,
		users: map[uint64]int32{}, struck: map[int32][]int32{}, byUser: map[struck]int32{}, runs: map[uint32]*campaign{},
	}
}

// user is a user's number, given at the first call.
func (l *ledger) user(tenant, subject string) int32 {
	key := event.Hash(event.Key(tenant, subject))
	n, known := l.users[key]
	if !known {
		n = int32(len(l.signIns))
		l.users[key] = n
		l.signIns = append(l.signIns, 0)
		l.benign = append(l.benign, false)
	}
	return n
}

// known is a user's number; false for one of no case.
func (l *ledger) known(tenant, subject string) (int32, bool) {
	n, ok := l.users[event.Hash(event.Key(tenant, subject))]
	return n, ok
}

// enter notes a case. Cases come in the order in which they are judged.
func (l *ledger) enter(c *Case) {
	e := &c.Event
	c.note = note{user: -1, sample: -1, attack: -1}
	l.events++
	if l.first == 0 {
		l.first = e.Time
	}
	l.last = max(l.last, e.Time)
	if !ofPerson(e) {
		return
	}
	u := l.user(e.Tenant, e.User.Subject)
	c.note.user = u
	nth := l.signIns[u]
	asked := signedIn(e) && c.Truth.Benign()
	if c.Truth.Benign() && l.windows.test(e.Time) {
		l.benign[u] = true
	}
	if c.Truth.Attack != "" {
		asked = l.strike(c, u, nth)
	}
	if signedIn(e) {
		l.signIns[u]++
	}
	if asked && l.fromSecond && nth == 0 {
		if c.note.attack >= 0 {
			l.attacks[c.note.attack].unknown = true
		}
		return
	}
	if asked {
		c.note.sample = int32(len(l.samples))
		l.samples = append(l.samples, sample{at: e.Time, user: u, nth: nth, attack: c.note.attack})
	}
}

// strike notes an attacker's event and reports whether it is the compromise.
func (l *ledger) strike(c *Case, u, nth int32) bool {
	t := &c.Truth
	run := l.runs[t.Campaign]
	if run == nil {
		run = &campaign{model: t.Attack, first: c.Event.Time, targets: map[int32]struct{}{}}
		l.runs[t.Campaign] = run
	}
	run.targets[u] = struct{}{}
	c.note.targets = int32(len(run.targets))

	key := struck{t.Campaign, u}
	i, known := l.byUser[key]
	if !known {
		i = int32(len(l.attacks))
		l.byUser[key] = i
		l.struck[u] = append(l.struck[u], i)
		l.attacks = append(l.attacks, attack{model: t.Attack, variant: t.Variant, campaign: t.Campaign, user: u, first: c.Event.Time})
	}
	a := &l.attacks[i]
	a.last = max(a.last, c.Event.Time)
	c.note.attack = i
	first := t.Compromise && a.compromise == 0
	switch {
	case first:
		a.compromise, a.nth = c.Event.Time, nth
		if run.came == 0 {
			run.came = c.note.targets
		}
	case a.compromise != 0:
		a.since++
	}
	c.note.since = a.since
	return first
}

// tested reports an attack of the test window in which the attacker came in.
func (l *ledger) tested(a *attack) bool {
	return a.compromise != 0 && !a.unknown && l.windows.test(a.compromise)
}

// open is the attack that is under way against a user, or whose account is in
// somebody's hands, at a time; -1 for none.
func (l *ledger) open(user int32, at event.Time) int32 {
	for _, i := range slices.Backward(l.struck[user]) {
		if a := &l.attacks[i]; a.first <= at && at <= a.last+inHands {
			return i
		}
	}
	return -1
}
