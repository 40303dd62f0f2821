package detectors

import (
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"pgregory.net/rapid"
)

// guess enters n wrong passwords, evenly over a span that ends at end.
func (d *diary) guess(n int, end event.Time, span time.Duration, changes ...change) (last []event.Detection) {
	for i := range n {
		at := end.Add(-span * time.Duration(n-1-i) / time.Duration(max(n-1, 1)))
		last = d.entry(signIn(at, append([]change{wrongPassword}, changes...)...))
	}
	return last
}

func TestFailedLoginBurst(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		span   time.Duration
		change []change
		want   string
	}{
		{"10 in 10 minutes", 10, 10 * time.Minute, []change{tokyo, kali}, "failed_login_burst"},
		{"9 in 10 minutes", 9, 10 * time.Minute, []change{tokyo, kali}, ""},
		{"10 in 11 minutes", 10, 11 * time.Minute, []change{tokyo, kali}, ""},
		{"at once", 10, 0, []change{tokyo, kali}, "failed_login_burst"},
		{"far more than is remembered", 500, 5 * time.Minute, []change{tokyo, kali}, "failed_login_burst"},
		{"through Tor", 10, time.Minute, []change{tokyo, kali, through("tor")}, "failed_login_burst"},
		{"at home, own device", 10, time.Minute, []change{berlin, laptop}, "failed_login_burst×0.3"},
		{"at home, another device", 10, time.Minute, []change{berlin, kali}, "failed_login_burst"},
		{"elsewhere, own device", 10, time.Minute, []change{tokyo, laptop}, "failed_login_burst"},
		{"no address", 10, time.Minute, []change{noAddress}, "failed_login_burst"},
		{"second factor failed", 10, time.Minute, []change{tokyo, func(e *event.Event) { e.Reason = event.MFAFailed }}, "mfa_brute_force"},
		{"unknown user", 10, time.Minute, []change{tokyo, func(e *event.Event) { e.Reason = event.UnknownUser }}, ""},
		{"locked", 10, time.Minute, []change{tokyo, func(e *event.Event) { e.Reason = event.Locked }}, ""},
		{"stale secret of a workload", 10, time.Minute, []change{tokyo, asService}, ""},
		{"token refresh", 10, time.Minute, []change{tokyo, action(event.TokenRefresh)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(settled(t).guess(c.n, on(20, "09:00"), c.span, c.change...)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestFailedLoginBurstTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.guess(5, on(20, "08:58"), time.Minute, tokyo, kali)
	one := get(t, d.guess(5, on(20, "09:00"), time.Minute, paris, kali), failedLoginBurst)
	if want := "10 wrong passwords in 3 minutes from 2 networks"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "failures=10.00; networks=2.00; minutes=3.00; known_network_and_device=no; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	again := get(t, d.guess(40, on(20, "09:04"), 2*time.Minute, paris, kali), failedLoginBurst)
	if again.Key != one.Key {
		t.Error("a burst that goes on from the same network is other evidence")
	}
	if !strings.HasPrefix(again.Summary, "13 or more wrong passwords") {
		t.Errorf("summary %q does not say that more were not counted", again.Summary)
	}
}

func TestFailedLoginBurstAtHomeOnlyWhenAllOfItIs(t *testing.T) {
	d := settled(t)
	d.guess(1, on(20, "08:59"), 0, tokyo, kali)
	if got := names(d.guess(9, on(20, "09:00"), time.Minute, berlin, laptop)); got != "failed_login_burst" {
		t.Errorf("fired %q", got)
	}

	d = settled(t)
	d.guess(maxFailures, on(19, "09:00"), time.Minute, berlin, laptop)
	d.guess(9, on(20, "08:59"), time.Minute, tokyo, kali)
	if got := names(d.guess(1, on(20, "09:00"), 0, berlin, laptop)); got != "failed_login_burst" {
		t.Errorf("after a forgotten password on the day before, fired %q", got)
	}
}

func TestTheNewestFailuresAreRemembered(t *testing.T) {
	d := settled(t)
	d.guess(maxFailures, on(20, "09:00"), time.Minute, tokyo, kali)
	d.guess(maxFailures, on(20, "08:00"), time.Minute, paris, kali)
	if n := d.knows(signIn(on(20, "09:00"))).RecentFailures; n != maxFailures {
		t.Errorf("late failures left %d of %d newer ones", n, maxFailures)
	}
}

// However failures arrive, the burst is seen by the time the last one is
// there, and what is remembered is the same.
func TestFailuresDoNotDependOnTheOrderOfArrival(t *testing.T) {
	window := event.Time(Defaults().FailedLoginBurst.Window.Milliseconds())
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, maxFailures).Draw(t, "failures")
		times := rapid.SliceOfNDistinct(rapid.IntRange(0, 1800), n, n, rapid.ID[int]).Draw(t, "seconds")
		shuffled := rapid.Permutation(times).Draw(t, "shuffled")

		burst := false
		for _, from := range times {
			in := 0
			for _, at := range times {
				if at >= from && event.Time(at-from)*event.Second <= window {
					in++
				}
			}
			burst = burst || in >= 10
		}

		set, m, fired := New(Defaults()), Memory{}, false
		for _, at := range shuffled {
			e := signIn(on(0, "08:00")+event.Time(at)*event.Second, tokyo, kali, wrongPassword)
			fired = strengthOf(set.Detect(&e, &m, Standing{AsOf: e.Time}, nil), failedLoginBurst) > 0 || fired
			set.Learn(&e, &m, Verdict{})
		}
		if fired != burst {
			t.Fatalf("fired %t, a burst of 10 in 10 minutes is there: %t", fired, burst)
		}
		for _, at := range times {
			if m.failures.within(secondsOf(on(0, "08:00"))+seconds(at), secondsOf(on(0, "08:00"))+seconds(at)).count != 1 {
				t.Fatalf("the failure at second %d is forgotten", at)
			}
		}
	})
}

func TestBruteForceSuccess(t *testing.T) {
	for _, c := range []struct {
		name    string
		n       int
		before  time.Duration // between the last wrong password and the success
		guess   []change
		success []change
		want    float64
	}{
		{"5 guesses, then in", 5, time.Minute, []change{tokyo, kali}, []change{tokyo, kali}, 1},
		{"4 guesses, then in", 4, time.Minute, []change{tokyo, kali}, []change{tokyo, kali}, 0},
		{"in at last, half an hour later", 5, 30 * time.Minute, []change{tokyo, kali}, []change{tokyo, kali}, 1},
		{"in later than that", 5, 31 * time.Minute, []change{tokyo, kali}, []change{tokyo, kali}, 0},
		{"forgotten password at home", 5, time.Minute, []change{berlin, laptop}, []change{berlin, laptop}, 0.25},
		{"at home, the log names no device", 5, time.Minute, []change{berlin}, []change{berlin}, 0.25},
		{"elsewhere, the log names no device", 5, time.Minute, []change{tokyo}, []change{tokyo}, 1},
		{"at home, another device", 5, time.Minute, []change{berlin, laptop}, []change{berlin, kali}, 1},
		{"own device, elsewhere", 5, time.Minute, []change{tokyo, laptop}, []change{tokyo, laptop}, 1},
		{"somebody else guesses, the user signs in", 12, time.Minute, []change{tokyo, kali}, []change{berlin, laptop}, 0},
		{"another address of the same AS", 5, time.Minute, []change{tokyo, kali}, []change{tokyo, kali, ip("203.0.113.6")}, 0},
		{"the same /64", 5, time.Minute, []change{tokyo, ip("2001:db8::1")}, []change{tokyo, ip("2001:db8::2")}, 1},
		{"another address, same bound device", 5, time.Minute, []change{tokyo, kali, bound("x")}, []change{paris, kali, bound("x")}, 1},
		{"another address and bound device", 5, time.Minute, []change{tokyo, kali, bound("x")}, []change{paris, kali, bound("y")}, 0},
		{"another address, same session", 5, time.Minute, []change{tokyo, kali, session("x")}, []change{paris, kali, session("x")}, 1},
		{"no address anywhere", 5, time.Minute, []change{noAddress}, []change{noAddress}, 0},
		{"other failures", 5, time.Minute, []change{tokyo, func(e *event.Event) { e.Reason = event.MFADenied }}, []change{tokyo}, 0},
		{"second factor after guesses", 5, time.Minute, []change{tokyo, kali}, []change{tokyo, kali, action(event.MFAVerify)}, 0},
		{"workload", 5, time.Minute, []change{tokyo, asService}, []change{tokyo, asService}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.guess(c.n, on(20, "09:00"), 0, c.guess...)
			found := d.entry(signIn(on(20, "09:00").Add(c.before), c.success...))
			if got := strengthOf(found, bruteForceSuccess); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

// Wrong passwords lead to one success of the user's own, and to none after the
// user has set another password. What may be the guesser's doing settles nothing.
func TestBruteForceSuccessIsToldOfOneSuccess(t *testing.T) {
	reset := action(event.PasswordReset)
	before := func(e *event.Event) { e.Time = on(20, "08:30") }
	for _, c := range []struct {
		name    string
		guess   []change
		between []change
		success []change
		want    float64
	}{
		{"own sign-in", []change{berlin, laptop}, []change{berlin, laptop}, []change{berlin, laptop}, 0},
		{"own sign-in from elsewhere", []change{berlin, laptop}, []change{paris, laptop}, []change{berlin, laptop}, 0.25},
		{"own sign-in in the session", []change{tokyo, session("x")}, []change{berlin, laptop, session("x")}, []change{tokyo, session("x")}, 0},
		{"challenged sign-in", []change{tokyo, kali}, []change{tokyo, kali}, []change{tokyo, kali}, 1},
		{"challenged sign-in, proven", []change{tokyo, kali}, []change{tokyo, kali, factor(event.FactorStrong)}, []change{tokyo, kali}, 0},
		{"reset at home", []change{berlin, laptop}, []change{berlin, laptop, reset}, []change{berlin, laptop}, 0},
		{"reset at home, on another device", []change{berlin, kali}, []change{berlin, kali, reset}, []change{berlin, kali}, 0},
		{"reset at home, guesses elsewhere", []change{tokyo, kali}, []change{berlin, laptop, reset}, []change{tokyo, kali}, 0},
		{"reset from where nobody knows the user", []change{tokyo, kali}, []change{tokyo, kali, reset}, []change{tokyo, kali}, 1},
		{"reset from nowhere", []change{tokyo, kali}, []change{noAddress, reset}, []change{tokyo, kali}, 1},
		{"reset that failed", []change{berlin, laptop}, []change{berlin, laptop, reset, unsuccessful}, []change{berlin, laptop}, 0.25},
		{"reset before the guesses", []change{berlin, laptop}, []change{berlin, laptop, reset, before}, []change{berlin, laptop}, 0.25},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			d.guess(5, on(20, "09:00"), 56*time.Second, c.guess...)
			d.entry(signIn(on(20, "09:01"), c.between...))
			if got := strengthOf(d.entry(signIn(on(20, "09:17"), c.success...)), bruteForceSuccess); got != c.want {
				t.Errorf("strength %g, want %g", got, c.want)
			}
		})
	}
}

func TestBruteForceSuccessOfANewcomer(t *testing.T) {
	d := newDiary(t)
	for day := range 3 {
		d.entry(signIn(on(day, "08:00"), berlin, laptop))
	}
	d.guess(5, on(3, "09:00"), 0, tokyo, kali)
	if got := strengthOf(d.entry(signIn(on(3, "09:01"), tokyo, kali)), bruteForceSuccess); got != 0.5 {
		t.Errorf("strength %g, want 0.5", got)
	}
}

func TestBruteForceSuccessIsNotExplainedByLaterFailures(t *testing.T) {
	d := settled(t)
	d.guess(5, on(20, "09:00"), 0, tokyo, kali)
	if got := strengthOf(d.entry(signIn(on(20, "08:59"), tokyo, kali)), bruteForceSuccess); got != 0 {
		t.Errorf("a sign-in before the failures fired with strength %g", got)
	}
}

func TestBruteForceSuccessTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.guess(6, on(20, "09:00"), 5*time.Minute, tokyo, kali)
	got := get(t, d.entry(signIn(on(20, "09:02"), tokyo, kali, session("s"))), bruteForceSuccess)
	if want := "Sign-in from Tokyo (JP) after 6 wrong passwords within 5 minutes"; got.Summary != want {
		t.Errorf("summary %q, want %q", got.Summary, want)
	}
	if want := "failures=6.00; minutes=5.00; network=Kanto Net (AS64620); known_network_and_device=no; "; evidence(got) != want {
		t.Errorf("evidence %s, want %s", evidence(got), want)
	}
	if !got.Session {
		t.Error("the evidence does not belong to the session that was won")
	}

	d.guess(6, on(21, "09:00"), 0, tokyo, nowhereNamed)
	unnamed := get(t, d.entry(signIn(on(21, "09:00"), tokyo, nowhereNamed)), bruteForceSuccess)
	if want := "Sign-in from Kanto Net (AS64620) after 6 wrong passwords within 0 seconds"; unnamed.Summary != want {
		t.Errorf("summary %q, want %q", unnamed.Summary, want)
	}
}
