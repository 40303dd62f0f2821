package evaluate

import (
	"maps"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// values are what a contender has said: by sample, and of each day's riskiest
// users.
type values struct {
	name   string
	values []float64
	days   days
}

// put sets the value of a sample. Samples come in order.
func (v *values) put(sample int32, value float64) {
	for int(sample) >= len(v.values) {
		v.values = append(v.values, 0)
	}
	v.values[sample] = value
}

// precisions are the numbers K of users that somebody may look at in a day.
var precisions = [...]int{1, 5, 10, 20}

// days sums up how good the order of each day's users is. Events come in the
// order of time, but for the few that are late, which count for the day at hand.
type days struct {
	day   event.Time
	users map[int32]userDay
	sums  [len(precisions)]Top
}

// see is told of each event of a user in the test window, with whether the user
// is in an attacker's hands by it; of owners in that time it is not told.
func (d *days) see(at event.Time, user int32, value float64, victim bool) {
	if day := at / event.Day; day > d.day {
		d.end()
		d.day = day
	}
	if d.users == nil {
		d.users = map[int32]userDay{}
	}
	u := d.users[user]
	d.users[user] = userDay{max(u.value, value), u.victim || victim}
}

// end sums up the day.
func (d *days) end() {
	users := slices.Collect(maps.Values(d.users))
	for i, k := range precisions {
		top := topOf([][]userDay{users}, k)
		d.sums[i].Precision += top.Precision
		d.sums[i].Possible += top.Possible
		d.sums[i].Days += top.Days
	}
	clear(d.users)
}

// baseline is a method in the evaluation.
type baseline struct {
	values
	method method
	ledger *ledger
}

func (b *baseline) take(cases []Case) {
	for i := range cases {
		c := &cases[i]
		value := b.method.judge(c)
		if c.note.sample >= 0 {
			b.put(c.note.sample, value)
		}
		if c.note.user >= 0 && b.ledger.windows.test(c.Event.Time) && counts(c) {
			b.days.see(c.Event.Time, c.note.user, value, isVictim(c, b.ledger))
		}
	}
}

// counts reports whether an event tells something of its user's day: owners of
// accounts that are in other hands do not.
func counts(c *Case) bool { return c.note.attack >= 0 || c.Truth.Benign() }

// isVictim reports an attacker's event on an account that is in their hands by
// it.
func isVictim(c *Case, l *ledger) bool {
	if c.note.attack < 0 {
		return false
	}
	compromise := l.attacks[c.note.attack].compromise
	return compromise != 0 && c.Event.Time >= compromise
}
