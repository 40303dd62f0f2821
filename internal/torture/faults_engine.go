//go:build unix

package torture

import "time"

// killAndRestart is kill -9, and a supervisor that starts the process again.
func killAndRestart(r *Run) {
	e := r.anyEngine()
	f := &fault{what: "kill -9 of " + e.Name + ", started again", hit: r.owned(e), at: time.Now(), within: sameIdentity}
	r.must(e.Kill())
	f.healed = time.Now()
	r.must(e.Start())
	r.waitReady(e)
	r.done(f)
}

// killAndTakeOver is kill -9 of a machine that does not come back, and a new
// one that comes in its place.
func killAndTakeOver(r *Run) {
	e := r.anyEngine()
	f := &fault{what: "kill -9 of " + e.Name + ", taken over", hit: r.owned(e), at: time.Now(), within: takeover}
	r.must(e.Kill())
	f.healed = f.at // nobody heals it; others are to take over
	r.must(r.newEngine().Start())
	r.waitResumed(f)
	r.done(f)
}

// waitResumed waits until all partitions that a fault has hit have gone on.
func (r *Run) waitResumed(f *fault) {
	r.t.Helper()
	r.wait("partitions to go on", 2*time.Minute, func() (bool, error) {
		for _, id := range f.hit {
			if _, on := resumed(r.lanes.seen(), id, f.healed); !on {
				return false, nil
			}
		}
		return true, nil
	})
}

// pause stops a process for longer than its session lasts, so that others take
// over, and lets it wake up in the belief that nothing has happened.
func pause(r *Run) {
	d := 20 * time.Second
	if r.Full {
		d = 60 * time.Second
	}
	e := r.anyEngine()
	f := &fault{what: "SIGSTOP of " + e.Name, hit: r.owned(e), at: time.Now(), within: takeover}
	r.must(e.Pause())
	f.healed = f.at // the others are to take over
	r.sleep(d)
	r.must(e.Resume())
	r.waitReady(e)
	r.done(f)
}

// joinAndLeave is a storm of rebalances: two more engines come and go, with
// and without a goodbye, before the group has come to rest.
func joinAndLeave(r *Run) {
	d := 15 * time.Second
	if r.Full {
		d = 60 * time.Second
	}
	guests := []*Engine{r.newEngine(), r.newEngine()}
	f := &fault{what: "engines that join and leave", at: time.Now(), within: takeover}
	for time.Since(f.at) < d {
		guest := guests[r.draw.IntN(len(guests))]
		switch {
		case !guest.Running():
			r.must(guest.Start())
		case r.draw.IntN(2) == 0:
			r.noteEvictions(guest)
			r.must(guest.Kill())
		default:
			r.noteEvictions(guest)
			r.must(guest.Stop())
		}
		r.sleep(r.between(time.Second, 2*time.Second))
	}
	for _, guest := range guests {
		if guest.Running() {
			r.must(guest.Stop())
		}
	}
	r.done(f)
}

// cutConnection cuts one engine off from the broker. What it had underway
// arrives when the connection is back, however late.
func cutConnection(r *Run) {
	d := r.between(5*time.Second, 8*time.Second)
	if r.Full {
		d = r.between(5*time.Second, 20*time.Second)
	}
	e := r.anyEngine()
	f := &fault{what: e.Name + " cut off", hit: r.owned(e), at: time.Now(), within: takeover}
	e.proxy.Cut()
	r.sleep(d)
	e.proxy.Heal()
	r.done(f)
}
