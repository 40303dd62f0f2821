package detectors

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
)

func verify(outcome event.Outcome, why event.Reason, f event.Factor) change {
	return func(e *event.Event) {
		e.Action, e.Outcome, e.Reason, e.Auth.Factor = event.MFAVerify, outcome, why, f
	}
}

var (
	pushAsked    = func(e *event.Event) { e.Action, e.Auth.Factor = event.MFAChallenge, event.FactorPush }
	pushDenied   = verify(event.Failure, event.MFADenied, event.FactorPush)
	pushIgnored  = verify(event.Failure, event.MFATimeout, event.FactorPush)
	pushApproved = verify(event.Success, "", event.FactorPush)
	wrongNumber  = verify(event.Failure, event.MFAFailed, event.FactorPush)
	wrongCode    = verify(event.Failure, event.MFAFailed, event.FactorOTP)
	rightCode    = verify(event.Success, "", event.FactorOTP)
	enrols       = action(event.MFAEnroll)
	removes      = action(event.MFARemove)
)

// prompted enters n events, evenly over a span that ends at end.
func (d *diary) prompted(n int, end event.Time, span time.Duration, changes ...change) (last []event.Detection) {
	for i := range n {
		at := end.Add(-span * time.Duration(n-1-i) / time.Duration(max(n-1, 1)))
		last = d.entry(signIn(at, changes...))
	}
	return last
}

func TestMFAFatigue(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		span   time.Duration
		change []change
		want   string
	}{
		{"5 denied in 10 minutes", 5, 10 * time.Minute, []change{tokyo, kali, pushDenied}, "mfa_fatigue"},
		{"4 denied", 4, 10 * time.Minute, []change{tokyo, kali, pushDenied}, ""},
		{"5 in 11 minutes", 5, 11 * time.Minute, []change{tokyo, kali, pushDenied}, ""},
		{"5 timed out", 5, 8 * time.Minute, []change{tokyo, kali, pushIgnored}, "mfa_fatigue"},
		{"5 unanswered and a sixth asked", 6, 8 * time.Minute, []change{tokyo, kali, pushAsked}, "mfa_fatigue"},
		{"a fifth asked", 5, 8 * time.Minute, []change{tokyo, kali, pushAsked}, ""},
		{"far more than is remembered", 100, 30 * time.Minute, []change{tokyo, kali, pushDenied}, "mfa_fatigue"},
		{"as Entra logs them", 5, 8 * time.Minute, []change{tokyo, kali, pushDenied, action(event.SignIn)}, "mfa_fatigue"},
		{"phone calls declined", 5, 8 * time.Minute, []change{tokyo, kali, pushDenied, factor(event.FactorSMS)}, "mfa_fatigue"},
		{"no address", 5, 8 * time.Minute, []change{noAddress, pushDenied}, "mfa_fatigue"},
		{"told by several events at once", 20, 9 * time.Second, []change{tokyo, kali, pushDenied}, ""},
		{"forgotten phone", 3, 5 * time.Minute, []change{berlin, laptop, pushIgnored}, ""},
		{"at home, own device, in silence", 5, 8 * time.Minute, []change{berlin, laptop, pushIgnored}, "mfa_fatigue×0.3"},
		{"at home, own device, denied", 5, 8 * time.Minute, []change{berlin, laptop, pushDenied}, "mfa_fatigue"},
		{"wrong numbers of number matching", 6, 8 * time.Minute, []change{tokyo, kali, wrongNumber}, ""},
		{"codes run out", 6, 8 * time.Minute, []change{tokyo, kali, verify(event.Failure, event.MFATimeout, event.FactorOTP)}, ""},
		{"text messages asked for", 8, 8 * time.Minute, []change{tokyo, kali, pushAsked, factor(event.FactorSMS)}, ""},
		{"pushes that could not be sent", 8, 8 * time.Minute, []change{tokyo, kali, pushAsked, unsuccessful}, ""},
		{"a workload", 5, 8 * time.Minute, []change{tokyo, kali, pushDenied, asService}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(settled(t).prompted(c.n, on(20, "09:00"), c.span, c.change...)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestMFAFatigueTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.prompted(2, on(20, "08:54"), time.Minute, tokyo, kali, pushDenied)
	d.prompted(3, on(20, "08:58"), 2*time.Minute, sydney, kali, pushAsked)
	// The answer to the last one comes from the phone, which is at home.
	one := get(t, d.prompted(1, on(20, "08:59"), 0, berlin, phone, pushIgnored), mfaFatigue)
	if want := "5 push requests in 6 minutes not approved: 2 denied, 1 timed out, 2 unanswered"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	want := "prompts=5.00; denied=2.00; timed_out=1.00; unanswered=2.00; minutes=6.00; networks=2.00; known_network_and_device=no; "
	if evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	again := get(t, d.prompted(12, on(20, "09:08"), 8*time.Minute, paris, kali, pushDenied), mfaFatigue)
	if again.Key != one.Key {
		t.Error("requests that go on from elsewhere are other evidence")
	}
	if want := "12 or more push requests in 8 minutes not approved: 12 denied"; again.Summary != want {
		t.Errorf("summary %q, want %q", again.Summary, want)
	}
}

// What the user does at home is not made suspicious by what others ask for
// elsewhere.
func TestMFAFatigueIsNotTheOwners(t *testing.T) {
	d := settled(t)
	d.prompted(6, on(20, "08:58"), 5*time.Minute, tokyo, kali, pushDenied)
	for _, step := range []change{pushAsked, pushIgnored} {
		if got := names(d.prompted(1, on(20, "08:59"), 0, berlin, laptop, step)); got != "" {
			t.Errorf("fired %q at home", got)
		}
	}
	if got := names(d.prompted(1, on(20, "09:00"), 0, sydney, kali, pushAsked)); got != "mfa_fatigue" {
		t.Errorf("fired %q where they go on", got)
	}
}

// The same prompts in whatever order their events come.
func TestMFAFatigueOutOfOrder(t *testing.T) {
	d := settled(t)
	var last []event.Detection
	for _, minute := range []int{8, 2, 6, 0, 4} {
		last = d.entry(signIn(on(20, "09:00").Add(time.Duration(minute)*time.Minute), tokyo, kali, pushDenied))
	}
	if got := names(last); got != "mfa_fatigue" {
		t.Errorf("fired %q", got)
	}
}

func TestMFAFatigueApproved(t *testing.T) {
	settledIn := func(changes ...change) func(*testing.T) *diary {
		return func(t *testing.T) *diary {
			d := settled(t)
			d.entry(signIn(on(14, "08:00"), append([]change{berlin, laptop}, changes...)...))
			return d
		}
	}
	for _, c := range []struct {
		name string
		of   func(*testing.T) *diary
		then func(d *diary)
		end  []change
		want string
	}{
		{"3 denied", nil, func(d *diary) {
			d.prompted(3, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied)
		}, []change{tokyo, kali}, "mfa_fatigue_approved"},
		{"2 denied", nil, func(d *diary) {
			d.prompted(2, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied)
		}, []change{tokyo, kali}, ""},
		{"3 denied too long ago", nil, func(d *diary) {
			d.prompted(3, on(20, "08:51"), 2*time.Minute, tokyo, kali, pushDenied)
		}, []change{tokyo, kali}, ""},
		{"5 unanswered, the sixth approved", nil, func(d *diary) {
			d.prompted(6, on(20, "08:59:30"), 5*time.Minute, tokyo, kali, pushAsked)
		}, []change{tokyo, kali}, "mfa_fatigue_approved"},
		{"4 unanswered, the fifth approved", nil, func(d *diary) {
			d.prompted(5, on(20, "08:59:30"), 5*time.Minute, tokyo, kali, pushAsked)
		}, []change{tokyo, kali}, ""},
		{"as Entra logs it", nil, func(d *diary) {
			d.prompted(3, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied, action(event.SignIn))
		}, []change{tokyo, kali, action(event.SignIn)}, "new_country new_network new_device mfa_fatigue_approved"},
		{"from another address than asked", nil, func(d *diary) {
			d.prompted(3, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied)
		}, []change{sydney, kali}, "mfa_fatigue_approved×0.75"},
		{"the owner's own, at home", nil, func(d *diary) {
			d.prompted(9, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied)
		}, []change{berlin, laptop}, ""},
		{"the owner's own, on a registered laptop in a hotel", settledIn(bound("mac-1")), func(d *diary) {
			d.prompted(9, on(20, "08:59"), 5*time.Minute, tokyo, kali, pushDenied)
		}, []change{paris, bound("mac-1")}, ""},
		{"own prompts denied by mistake", nil, func(d *diary) {
			d.prompted(3, on(20, "08:59"), 5*time.Minute, berlin, laptop, pushDenied)
		}, []change{berlin, laptop}, "mfa_fatigue_approved×0.3"},
		{"phone without signal at home", nil, func(d *diary) {
			d.prompted(8, on(20, "08:59:30"), 8*time.Minute, berlin, laptop, pushAsked)
		}, []change{berlin, laptop}, ""},
		{"phone without signal in a hotel", nil, func(d *diary) {
			d.prompted(1, on(20, "08:58"), 0, paris, laptop, pushIgnored)
		}, []change{paris, laptop}, ""},
		{"two phones rang at a time", nil, func(d *diary) {
			for range 3 {
				d.prompted(6, on(20, "08:59"), 5*time.Second, paris, laptop, pushAsked)
			}
			d.prompted(6, on(20, "08:59:20"), 5*time.Second, paris, laptop, pushDenied)
		}, []change{paris, laptop}, ""},
		{"somebody new without signal", func(t *testing.T) *diary { return newDiary(t) }, func(d *diary) {
			d.prompted(8, on(20, "08:59"), 8*time.Minute, berlin, laptop, pushIgnored)
		}, []change{berlin, laptop}, ""},
		{"somebody new who denies", func(t *testing.T) *diary { return newDiary(t) }, func(d *diary) {
			d.prompted(3, on(20, "08:59"), 8*time.Minute, tokyo, kali, pushDenied)
		}, []change{tokyo, kali}, "mfa_fatigue_approved"},
		{"wrong numbers, then the right one", nil, func(d *diary) {
			d.prompted(6, on(20, "08:59"), 8*time.Minute, paris, laptop, wrongNumber)
		}, []change{paris, laptop}, ""},
		{"asked, wrong numbers, then the right one", nil, func(d *diary) {
			for i := range 6 {
				at := on(20, "08:50").Add(time.Duration(i) * time.Minute)
				d.entry(signIn(at, paris, laptop, pushAsked))
				d.entry(signIn(at.Add(20*time.Second), paris, laptop, wrongNumber))
			}
		}, []change{paris, laptop}, ""},
		{"denied, then a code", nil, func(d *diary) {
			d.prompted(5, on(20, "08:59"), 8*time.Minute, tokyo, kali, pushDenied)
		}, []change{tokyo, kali, rightCode}, ""},
		{"a second approval", nil, func(d *diary) {
			d.prompted(5, on(20, "08:58"), 5*time.Minute, tokyo, kali, pushDenied)
			d.entry(signIn(on(20, "08:59"), tokyo, kali, pushApproved))
		}, []change{tokyo, kali}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			if c.of != nil {
				d = c.of(t)
			}
			c.then(d)
			got := things(d.entry(signIn(on(20, "09:00"), append([]change{pushApproved}, c.end...)...)))
			if got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestMFAFatigueApprovedTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.prompted(3, on(20, "08:57"), 4*time.Minute, tokyo, kali, pushDenied)
	d.prompted(2, on(20, "08:59:40"), time.Minute, tokyo, kali, pushAsked)
	one := get(t, d.entry(signIn(on(20, "09:00"), tokyo, kali, session("s1"), pushApproved)), mfaFatigueApproved)
	if want := "Push request from Tokyo (JP) approved after 3 denied, 1 unanswered within 7 minutes"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	want := "prompts=4.00; denied=3.00; timed_out=0.00; unanswered=1.00; minutes=5.67; network=Kanto Net (AS64620); same_network=yes; known_network_and_device=no; "
	if evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	e := signIn(on(20, "09:00"), tokyo)
	if !one.Session || one.Elsewhere != event.ShortHash(e.Source.NetworkHash()) {
		t.Errorf("session %t, elsewhere %x", one.Session, one.Elsewhere)
	}
}

func TestMFABruteForce(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		span   time.Duration
		change []change
		want   string
	}{
		{"10 in 10 minutes", 10, 10 * time.Minute, []change{tokyo, kali, wrongCode}, "mfa_brute_force"},
		{"9 in 10 minutes", 9, 10 * time.Minute, []change{tokyo, kali, wrongCode}, ""},
		{"10 in 11 minutes", 10, 11 * time.Minute, []change{tokyo, kali, wrongCode}, ""},
		{"codes by text message", 10, time.Minute, []change{tokyo, kali, wrongCode, factor(event.FactorSMS)}, "mfa_brute_force"},
		{"a factor that is not named", 10, time.Minute, []change{tokyo, kali, wrongCode, factor("")}, "mfa_brute_force"},
		{"as Keycloak logs them", 10, time.Minute, []change{tokyo, kali, wrongCode, action(event.SignIn)}, "mfa_brute_force"},
		{"at home, own device", 10, time.Minute, []change{berlin, laptop, wrongCode}, "mfa_brute_force×0.3"},
		{"at home, another device", 10, time.Minute, []change{berlin, kali, wrongCode}, "mfa_brute_force"},
		{"somebody mistypes", 4, time.Minute, []change{berlin, kali, wrongCode}, ""},
		{"wrong numbers of number matching", 12, time.Minute, []change{tokyo, kali, wrongNumber}, ""},
		{"keys that fail", 12, time.Minute, []change{tokyo, kali, wrongCode, factor(event.FactorStrong)}, ""},
		{"a workload", 12, time.Minute, []change{tokyo, kali, wrongCode, asService}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := names(settled(t).prompted(c.n, on(20, "09:00"), c.span, c.change...)); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

// Wrong codes are no wrong passwords, and the other way round.
func TestWrongCodesAndPasswordsCountApart(t *testing.T) {
	d := settled(t)
	d.guess(9, on(20, "08:59"), time.Minute, tokyo, kali)
	if got := names(d.prompted(9, on(20, "09:00"), time.Minute, tokyo, kali, wrongCode)); got != "" {
		t.Errorf("fired %q", got)
	}
	d = settled(t)
	d.prompted(9, on(20, "08:59"), time.Minute, tokyo, kali, wrongCode)
	if got := names(d.entry(signIn(on(20, "09:00"), berlin, laptop))); got != "" {
		t.Errorf("fired %q after wrong codes", got)
	}
}

func TestMFAChangeAfterRisk(t *testing.T) {
	arrives := func(changes ...change) func(*diary) {
		return func(d *diary) { d.entry(signIn(on(20, "09:00"), changes...)) }
	}
	quietly := func(*diary) {}
	password := func(code string) change {
		return func(e *event.Event) { e.Action, e.Code = event.CredentialChange, code }
	}
	const full, half = "mfa_change_after_risk", "mfa_change_after_risk×0.5"
	for _, c := range []struct {
		name  string
		first func(*diary)
		level event.Level
		end   []change
		want  string
	}{
		{"new network and device", arrives(paris, kali), event.None, []change{paris, kali, enrols}, full},
		{"new network, known browser", arrives(paris, laptop), event.None, []change{paris, laptop, enrols}, half},
		{"a factor is removed", arrives(paris, kali), event.None, []change{paris, kali, removes}, full},
		{"a credential is changed", arrives(paris, kali), event.None, []change{paris, kali, password("user changed default security info")}, full},
		{"from the same session elsewhere", arrives(paris, kali, session("s1")), event.None, []change{sydney, kali, session("s1"), enrols}, full},
		{"new phone at home", arrives(berlin, phone), event.None, []change{berlin, phone, enrols}, ""},
		{"in the office", arrives(paris, kali, onCorporate), event.None, []change{paris, kali, onCorporate, enrols}, ""},
		{"at home, after a new network", arrives(paris, kali), event.None, []change{berlin, laptop, enrols}, ""},
		{"registered laptop in a hotel", func(d *diary) {
			d.entry(signIn(on(14, "08:00"), berlin, laptop, bound("mac-1")))
			d.entry(signIn(on(20, "09:00"), paris, laptop, bound("mac-1")))
		}, event.None, []change{paris, laptop, bound("mac-1"), enrols}, ""},
		{"after a proof by a key", arrives(paris, kali, factor(event.FactorStrong)), event.None, []change{paris, kali, enrols}, ""},
		{"after a proof that followed", func(d *diary) {
			d.entry(signIn(on(20, "09:00"), paris, kali))
			d.entry(signIn(on(20, "09:01"), paris, kali, verify(event.Success, "", event.FactorStrong)))
		}, event.None, []change{paris, kali, enrols}, ""},
		{"after a confirm-safe", func(d *diary) {
			d.entry(signIn(on(20, "09:00"), paris, kali))
			d.set.ConfirmSafe(&d.m)
		}, event.None, []change{paris, kali, enrols}, ""},
		{"a failed sign-in", arrives(paris, kali, wrongPassword), event.None, []change{paris, kali, enrols}, ""},
		{"the change fails", arrives(paris, kali), event.High, []change{paris, kali, enrols, unsuccessful}, ""},
		{"at risk", quietly, event.Medium, []change{tokyo, kali, enrols}, full},
		{"at low", quietly, event.Low, []change{tokyo, kali, enrols}, ""},
		{"at risk, new network, known browser", arrives(paris, laptop), event.High, []change{paris, laptop, enrols}, full},
		{"at risk, from home", quietly, event.High, []change{berlin, laptop, removes}, half},
		{"at risk, by a help desk", quietly, event.High, []change{noAddress, noUserAgent, removes}, half},
		{"by a help desk", arrives(paris, kali), event.None, []change{noAddress, noUserAgent, removes}, ""},
		{"at risk, a new password as asked", arrives(paris, laptop), event.High, []change{paris, laptop, password("user.account.update_password")}, ""},
		{"a new password, new network and device", arrives(paris, kali), event.None, []change{paris, kali, password("Change Password (self-service)")}, half},
		{"a password is reset", arrives(paris, kali), event.High, []change{paris, kali, action(event.PasswordReset)}, ""},
		{"a workload", quietly, event.High, []change{tokyo, kali, enrols, asService}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			c.first(d)
			d.level = c.level
			if got := names(d.entry(signIn(on(20, "09:30"), c.end...))); got != c.want {
				t.Errorf("fired %q, want %q", got, c.want)
			}
		})
	}
}

func TestMFAChangeAfterRiskWithinAnHour(t *testing.T) {
	for _, c := range []struct {
		at   string
		want string
	}{{"10:00", "mfa_change_after_risk"}, {"10:01", ""}, {"08:59", ""}} {
		d := settled(t)
		d.entry(signIn(on(20, "09:00"), paris, kali))
		if got := names(d.entry(signIn(on(20, c.at), paris, kali, enrols))); got != c.want {
			t.Errorf("%s: fired %q, want %q", c.at, got, c.want)
		}
	}
}

func TestNewUsersEnrolFactors(t *testing.T) {
	d := newDiary(t)
	d.entry(signIn(on(0, "09:00"), berlin, laptop))
	d.entry(signIn(on(0, "09:10"), paris, kali))
	if got := names(d.entry(signIn(on(0, "09:20"), paris, kali, enrols))); got != "" {
		t.Errorf("fired %q", got)
	}
}

func TestMFAChangeAfterRiskTellsWhatItSaw(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "09:00"), paris, kali))
	one := get(t, d.entry(signIn(on(20, "09:20"), paris, kali, enrols)), mfaChangeAfterRisk)
	if want := "Second factor enrolled 20 minutes after a sign-in from a new network: Paris (FR)"; one.Summary != want {
		t.Errorf("summary %q, want %q", one.Summary, want)
	}
	if want := "change=mfa_enroll; level=none; minutes=20.00; network=Hotel Net (AS64610); new_device=yes; "; evidence(one) != want {
		t.Errorf("evidence %s, want %s", evidence(one), want)
	}
	d.level = event.High
	risk := get(t, d.entry(signIn(on(21, "09:20"), tokyo, kali, removes)), mfaChangeAfterRisk)
	if want := "Second factor removed while the user is at risk (high)"; risk.Summary != want {
		t.Errorf("summary %q, want %q", risk.Summary, want)
	}
	if one.Key == risk.Key {
		t.Error("enrolling and removing are one piece of evidence")
	}
}

// A factor that may be somebody else's confirms no place, whether or not it is
// phishing-resistant.
func TestADistrustedFactorConfirmsNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		proof change
	}{
		{"sign-in", factor(event.FactorStrong)},
		{"second factor", verify(event.Success, "", event.FactorStrong)},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := settled(t)
			challenged := signIn(on(14, "09:00"), tokyo, kali)
			proof := signIn(on(14, "09:05"), tokyo, kali, c.proof)
			d.set.Learn(&challenged, &d.m, Verdict{EventLevel: event.Medium})
			d.set.Learn(&proof, &d.m, Verdict{EventLevel: event.Medium, Distrusted: true})
			if k := d.knows(challenged); k.KnownDevice || k.KnownNetwork || k.KnownCountry {
				t.Errorf("learned: %+v", k)
			}
			d.set.Learn(&proof, &d.m, Verdict{})
			if k := d.knows(challenged); !k.KnownDevice || !k.KnownNetwork || !k.KnownCountry {
				t.Errorf("a trusted one taught too little: %+v", k)
			}
		})
	}
}

// Attempts at second factors, and arrivals, leave nothing behind after a day.
func TestSecondFactorsAreForgotten(t *testing.T) {
	d := settled(t)
	d.entry(signIn(on(20, "08:00"), berlin, laptop))
	before := d.m
	d.prompted(5, on(20, "09:00"), time.Minute, tokyo, kali, pushDenied)
	d.prompted(5, on(20, "09:00"), time.Minute, tokyo, kali, wrongCode)
	d.entry(signIn(on(20, "09:30"), paris, laptop))
	if d.m.prompts == before.prompts || d.m.codes == before.codes || d.m.arrivals == before.arrivals {
		t.Fatal("nothing is remembered")
	}
	d.entry(signIn(on(21, "09:29"), berlin, laptop))
	if d.m.arrivals == before.arrivals || d.m.prompts != before.prompts {
		t.Error("what is a day old is to go, and nothing else")
	}
	d.entry(signIn(on(21, "09:31"), berlin, laptop))
	if d.m.prompts != before.prompts || d.m.codes != before.codes || d.m.arrivals != before.arrivals {
		t.Error("something is left after a day")
	}
}
