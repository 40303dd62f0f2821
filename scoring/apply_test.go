package scoring

import (
	"slices"
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestRefreshNeverAdds(t *testing.T) {
	s := newStory(t)
	first := s.happens(signIn(monday), saw("new_device"))
	again := s.happens(signIn(monday+event.Minute), saw("new_device"))
	if again.Score != first.Score {
		t.Errorf("score %.2f, then %.2f; want the same", first.Score, again.Score)
	}
	later := s.happens(signIn(monday + 72*event.Hour))
	refreshed := s.happens(signIn(monday+72*event.Hour), saw("new_device"))
	if later.Score >= first.Score || refreshed.Score != first.Score {
		t.Errorf("score %.2f, after three days %.2f, seen again %.2f; want it to fall and be as at first", first.Score, later.Score, refreshed.Score)
	}
}

// A weaker sighting of the same must not lower the score, or an attacker would
// cause one.
func TestWeakerSightingLeavesTheStronger(t *testing.T) {
	s := newStory(t)
	strong := s.happens(signIn(monday), saw("impossible_travel"))
	d := saw("impossible_travel")
	d.Strength = 0.25
	weak := s.happens(signIn(monday), d)
	if weak.Score != strong.Score {
		t.Errorf("score %.2f, then %.2f; want no change", strong.Score, weak.Score)
	}
}

func TestDetectionsGetWeightAndPoints(t *testing.T) {
	s := newStory(t)
	travel, device := saw("impossible_travel"), saw("new_device")
	travel.Strength = 0.5
	rule := event.Detection{Name: "rule:night", Strength: 1, Group: event.GroupBehaviour, LLR: 1.23456, HalfLife: 3600, Rule: &event.RuleInfo{ID: "night"}}
	unknown := event.Detection{Name: "not_in_the_weights", Strength: 1}
	seen := []event.Detection{travel, device, rule, unknown}
	r := s.happens(signIn(monday), seen...)

	for i, want := range []struct {
		group    event.Group
		llr      float64
		halfLife int64
	}{
		{event.GroupVelocity, 3, 86400},
		{event.GroupDevice, 2, 259200},
		{event.GroupBehaviour, 1.235, 3600},
		{event.GroupBehaviour, 0, 0},
	} {
		if d := seen[i]; d.Group != want.group || d.LLR != want.llr || d.HalfLife != want.halfLife {
			t.Errorf("%s: %s, %v nats, %d s; want %+v", d.Name, d.Group, d.LLR, d.HalfLife, want)
		}
	}
	var sum float64
	for _, d := range seen {
		sum += d.Points
	}
	if got, want := centiOf(sum), centiOf(r.Score-s.v.Prior()); got != want {
		t.Errorf("points sum to %d hundredths; want %d", got, want)
	}
	if seen[3].Points != 0 || len(s.open) != 3 {
		t.Errorf("what has no weight has %v points, and %d contributions are open", seen[3].Points, len(s.open))
	}
}

func TestOverlapsCountOnce(t *testing.T) {
	place := []string{"new_country", "new_network"}
	tests := []struct {
		name     string
		strength float64
		counts   string
		covered  []string
	}{
		{"travel weighs more", 1, "impossible_travel", place},
		{"the place weighs more than doubtful travel", 0.5, "new_country", []string{"impossible_travel"}},
	}
	tests = append(tests, tests...)
	for i := range tests[:2] { // with the model, which sees the same place
		tests[i].name += ", unlike the user"
		tests[i].covered = append(slices.Clone(tests[i].covered), "unfamiliar_sign_in")
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			travel := saw("impossible_travel")
			travel.Strength = test.strength
			seen := append(sawAll(place...), travel)
			if slices.Contains(test.covered, "unfamiliar_sign_in") {
				seen = append(seen, saw("unfamiliar_sign_in"))
			}
			r := s.happens(signIn(monday, from(tokyo)), seen...)
			for _, reason := range s.record(r).Reasons {
				covered := slices.Contains(test.covered, reason.Detection)
				if covered && (reason.CoveredBy != test.counts || reason.Points != 0) || !covered && (reason.CoveredBy != "" || reason.Points == 0) {
					t.Errorf("%s: %v points, covered by %q", reason.Detection, reason.Points, reason.CoveredBy)
				}
			}
		})
	}
}

// Going on from the same place raises its novelty again, without the travel:
// it is still the same fact.
func TestOverlapOutlivesARefresh(t *testing.T) {
	s := newStory(t)
	const place = 9.86 // a new country and network by themselves
	first := s.happens(signIn(monday, from(tokyo)), sawAll("impossible_travel", "new_country", "new_network")...)
	again := s.happens(signIn(monday+event.Minute, from(tokyo)), sawAll("new_country", "new_network")...)
	if again.Score > first.Score || again.EventRisk != place {
		t.Errorf("score %.2f, then %.2f; want no more, and the risk of the event itself %.2f, not %.2f", first.Score, again.Score, place, again.EventRisk)
	}
	later := s.happens(signIn(monday+4*event.Day, from(tokyo)), sawAll("new_country", "new_network")...)
	if later.Score != place || later.EventRisk != place {
		t.Errorf("when the travel has faded: %.2f, event risk %.2f; want %.2f", later.Score, later.EventRisk, place)
	}
}

// So it is with the model: without the travel, the place and the model are one
// fact still.
func TestOverlapsOutliveARefresh(t *testing.T) {
	s := newStory(t)
	const place = 9.86
	first := s.happens(signIn(monday, from(tokyo)), sawAll("impossible_travel", "new_country", "new_network", "unfamiliar_sign_in")...)
	again := s.happens(signIn(monday+event.Minute, from(tokyo)), sawAll("new_country", "new_network", "unfamiliar_sign_in")...)
	if again.Score > first.Score || again.EventRisk != place {
		t.Errorf("score %.2f, then %.2f; want no more, and the risk of the event itself %.2f, not %.2f", first.Score, again.Score, place, again.EventRisk)
	}
}

// The side counts that adds more, caps and all: a model of 4 nats in the group
// of habits adds nothing to 4 of these, and the new things beside it count.
func TestOverlapsHeedTheCaps(t *testing.T) {
	for _, c := range []struct {
		seen   []string
		counts string
	}{
		{[]string{"new_device", "new_network", "unfamiliar_sign_in"}, "unfamiliar_sign_in"},
		{[]string{"new_device", "new_network", "unfamiliar_sign_in", "dormant_account", "new_app"}, "new_device"},
		{[]string{"new_device", "new_network", "new_country", "unfamiliar_sign_in"}, "new_device"},
		{[]string{"new_network", "unfamiliar_sign_in"}, "unfamiliar_sign_in"},
		{[]string{"new_country", "new_network", "anonymous_ip", "unfamiliar_sign_in"}, "new_country"},
		{[]string{"atypical_travel", "new_network", "new_device", "unfamiliar_sign_in"}, "atypical_travel"},
	} {
		s := newStory(t)
		r := s.happens(signIn(monday, from(tokyo)), sawAll(c.seen...)...)
		for _, reason := range s.record(r).Reasons {
			if reason.Detection == c.counts && reason.CoveredBy != "" {
				t.Errorf("%v: %s is covered by %s", c.seen, reason.Detection, reason.CoveredBy)
			}
		}
	}
}

// A place and the model's evidence of it, and the travel from it that is seen
// back home, are one fact; the device stands by itself.
func TestTravelBackCoversTheModel(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, from(tokyo)), sawAll("new_network", "new_device", "unfamiliar_sign_in")...)
	travel := saw("impossible_travel")
	there := signIn(monday, from(tokyo))
	travel.Elsewhere = event.ShortHash(there.Source.NetworkHash())
	r := s.happens(signIn(monday+event.Hour, from(home)), travel)
	for _, reason := range s.record(r).Reasons {
		if covered := reason.CoveredBy != ""; covered != (reason.Detection == "new_network" || reason.Detection == "unfamiliar_sign_in") {
			t.Errorf("%s: covered by %q", reason.Detection, reason.CoveredBy)
		}
	}
}

// What was new by itself and is then raised together with travel is of the
// travel's fact from then on.
func TestOverlapTakesInWhatWasOpen(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, from(tokyo)), saw("new_country"))
	r := s.happens(signIn(monday+event.Day, from(tokyo)), sawAll("impossible_travel", "new_country", "new_network")...)
	if r.Score != 44.7 {
		t.Errorf("score %.2f; want 44.70, that of the travel", r.Score)
	}
}

// The travel fades faster than the country that it covers. That must not bring
// the country back: nothing has happened there.
func TestTimeDoesNotUncover(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, from(tokyo)), sawAll("impossible_travel", "new_country", "new_network")...)
	r := s.happens(signIn(monday+3*event.Day), saw("new_device"))
	if want := s.v.logistic(natsOf(6.0/8 + 2)).float(); r.Score != want {
		t.Errorf("score %.2f; want %.2f, of the device and what is left of the travel", r.Score, want)
	}
	if s.happens(signIn(monday + 8*event.Day)); !slices.Equal(s.names(), []string{"new_device"}) {
		t.Errorf("open %v; want what was covered to go with the travel", s.names())
	}
}

func TestOverlapsAreOfOneEvent(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday, from("198.51.100.1")), saw("new_country"))
	d := saw("impossible_travel")
	r := s.happens(signIn(monday+event.Hour, from(tokyo)), d)
	if r.Level != event.High {
		t.Errorf("travel after an unrelated new country: %.2f; want high", r.Score)
	}
}

// Abroad first and then back home too fast is the same as the other way round:
// the place abroad and the travel from it are one fact.
func TestTravelFromANewPlaceIsOneFactWithIt(t *testing.T) {
	elsewhere := func(ip string) uint32 {
		e := signIn(monday, from(ip))
		return event.ShortHash(e.Source.NetworkHash())
	}
	abroad := signIn(monday, from(tokyo))
	back := signIn(monday+30*event.Minute, session("a"))
	travel := saw("impossible_travel")

	s := newStory(t)
	s.happens(abroad, sawAll("new_country", "new_network")...)
	travel.Elsewhere = elsewhere(tokyo)
	r := s.happens(back, travel)
	if want := s.v.logistic(natsOf(6)).float(); r.Score != want || r.Level != event.Medium {
		t.Errorf("score %.2f, %v; want %.2f, medium", r.Score, r.Level, want)
	}
	for _, reason := range s.record(r).Reasons {
		if covered := reason.CoveredBy != ""; covered != (reason.Detection != "impossible_travel") {
			t.Errorf("%s is covered by %q", reason.Detection, reason.CoveredBy)
		}
	}

	s = newStory(t)
	s.happens(abroad, sawAll("new_country", "new_network", "new_device")...)
	if r := s.happens(back, travel); r.Level != event.High {
		t.Errorf("on a new device: %v; want high", r.Level)
	}

	s = newStory(t)
	s.happens(abroad, sawAll("new_country", "new_network")...)
	travel.Elsewhere = elsewhere("198.51.100.7")
	if r := s.happens(back, travel); r.Level != event.High {
		t.Errorf("travel from a third place: %v; want high, they are two facts", r.Level)
	}
}

func TestFailuresWeighFullyAfterASuccess(t *testing.T) {
	attacker := from("198.51.100.7")
	phone := func(e *event.Event) { e.Device.ID = "phone-1" }
	tests := []struct {
		name     string
		attempt  []func(*event.Event)
		after    event.Event
		confirms bool
	}{
		{"success from the same network", []func(*event.Event){attacker}, signIn(monday+event.Hour, attacker), true},
		{"success on the same device", []func(*event.Event){attacker, phone}, signIn(monday+event.Hour, phone), true},
		{"success in the same session", []func(*event.Event){attacker, session("s")}, signIn(monday+event.Hour, session("s")), true},
		{"success from elsewhere", []func(*event.Event){attacker, phone, session("s")}, signIn(monday + event.Hour), false},
		{"another failure", []func(*event.Event){attacker}, signIn(monday+event.Hour, attacker, failed), false},
		{"a lock that the failures caused", []func(*event.Event){attacker}, signIn(monday+event.Hour, attacker, func(e *event.Event) { e.Action = event.AccountLock }), false},
		{"a challenge sent", []func(*event.Event){attacker}, signIn(monday+event.Hour, attacker, func(e *event.Event) { e.Action = event.MFAChallenge }), false},
		{"a success before them that comes late", []func(*event.Event){attacker}, signIn(monday-event.Hour, attacker), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			burst, travel := saw("failed_login_burst"), saw("impossible_travel")
			s.happens(signIn(monday, append(test.attempt, failed)...), burst, travel)
			r := s.happens(test.after)
			if confirmed := r.Level > event.Low; confirmed != test.confirms {
				t.Errorf("%.2f, %v; want confirmed: %v", r.Score, r.Level, test.confirms)
			}
			if test.confirms && (!r.Changed || s.record(r).ReauthAfter != test.after.Time) {
				t.Errorf("changed %v, reauth after %v; want the time at which they were confirmed", r.Changed, s.record(r).ReauthAfter)
			}
		})
	}
}

// Once confirmed, evidence is not kept alive by more failures.
func TestFailuresDoNotProlongConfirmedEvidence(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), saw("impossible_travel"))
	before := s.happens(signIn(monday + 12*event.Hour))
	after := s.happens(signIn(monday+12*event.Hour, failed), saw("impossible_travel"))
	if after.Score != before.Score {
		t.Errorf("score %.2f, after a failure %.2f; want no change", before.Score, after.Score)
	}
}

// The owner's key at home must not vouch for what an attacker does later.
// An attacker who enrols a key of their own has proven nothing by it.
// Nor by using it: while a factor of the account may be somebody else's, none
// that is proven speaks against anything, and none mitigates what comes after.
// The approval covers the burst of requests that it ends, wherever the next
// one was asked.
func TestAnApprovalCoversItsBurst(t *testing.T) {
	s := newStory(t)
	attacker := from(tokyo)
	s.happens(signIn(monday, failed, attacker), saw("mfa_fatigue"))
	approved := saw("mfa_fatigue_approved")
	asked := signIn(monday, attacker)
	approved.Elsewhere = event.ShortHash(asked.Source.NetworkHash())
	r := s.happens(signIn(monday+event.Minute, attacker, factor(event.FactorPush)), approved)
	if r.Level != event.High || r.Decision != event.Revoke {
		t.Errorf("%.2f, %v, %v; want high, revoke", r.Score, r.Level, r.Decision)
	}
	reasons := s.record(r).Reasons
	if len(reasons) != 2 || reasons[1].Detection != "mfa_fatigue" || reasons[1].CoveredBy != "mfa_fatigue_approved" || reasons[1].Points != 0 {
		t.Errorf("reasons %+v", reasons)
	}
	later := s.happens(signIn(monday+event.Minute+72*event.Hour, from(home)))
	if want := s.v.logistic(natsOf(3.75)).float(); later.Score != want {
		t.Errorf("after a half-life %.2f; want %.2f, of the approval alone", later.Score, want)
	}
}

// Some providers log the proof just before the sign-in that it is for.
// In a session's own record, evidence counts that is covered by something
// outside the session.
func TestVerdicts(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), sawAll("impossible_travel", "new_device")...)

	r := s.happens(verdict(monday+event.Hour, "confirm_safe"))
	if r.Score != s.v.Prior() || r.Decision != event.Allow || !r.Changed || len(s.open) != 0 {
		t.Errorf("confirm_safe: %+v; want the prior", r)
	}
	r = s.happens(verdict(monday+2*event.Hour, "confirm_compromised"))
	if r.Score != 100 || r.Decision != event.Revoke || !r.Changed {
		t.Errorf("confirm_compromised: %+v; want 100 and revoke", r)
	}
	r = s.happens(signIn(monday+100*event.Day, factor(event.FactorStrong)))
	if r.Score != 100 || r.Decision != event.Revoke || r.Changed || r.EventRisk != s.v.Prior() {
		t.Errorf("long after it, with a strong factor: %+v; want it pinned, the event itself without risk", r)
	}
	if rec := s.record(r); len(rec.Lapses) != 0 || rec.ReauthAfter != monday+2*event.Hour || rec.Reasons[0].ClearsAt != 0 {
		t.Errorf("pinned: lapses %v, reauth after %v, clears at %v", rec.Lapses, rec.ReauthAfter, rec.Reasons[0].ClearsAt)
	}
	if r = s.happens(verdict(monday+101*event.Day, "confirm_safe")); r.Score != 100 {
		t.Errorf("confirm_safe while pinned: %+v; want only a release to end it", r)
	}
	r = s.happens(verdict(monday+102*event.Day, "release"))
	if r.Score != s.v.Prior() || r.Decision != event.Allow || !r.Changed {
		t.Errorf("release: %+v; want the prior", r)
	}
}

// Verdicts are signals; a log's own event cannot give one.
func TestOnlySignalsAreVerdicts(t *testing.T) {
	s := newStory(t)
	before := s.happens(signIn(monday), saw("impossible_travel"))
	e := verdict(monday, "confirm_safe")
	e.Kind = event.KindEvent
	if r := s.happens(e); r.Score != before.Score {
		t.Errorf("score %.2f; want %.2f", r.Score, before.Score)
	}
}

func TestReauthAfterIsTheTimeOfTheNewestNewEvidence(t *testing.T) {
	s := newStory(t)
	reauth := func(r Result) event.Time { return s.record(r).ReauthAfter }

	if r := s.happens(signIn(monday), saw("new_device")); reauth(r) != 0 {
		t.Errorf("allowed: %v; want none", reauth(r))
	}
	travel := monday + event.Hour
	if r := s.happens(signIn(travel), saw("impossible_travel")); reauth(r) != travel {
		t.Errorf("new evidence: %v; want %v", reauth(r), travel)
	}
	if r := s.happens(signIn(monday+2*event.Hour), saw("impossible_travel")); reauth(r) != travel {
		t.Errorf("refreshed: %v; want still %v", reauth(r), travel)
	}
	if r := s.happens(signIn(monday+2*event.Hour, failed, from(tokyo)), saw("failed_login_burst")); reauth(r) != travel {
		t.Errorf("after a stranger's failed attempts: %v; want still %v", reauth(r), travel)
	}
	if r := s.happens(signIn(monday+3*event.Hour), saw("new_country")); reauth(r) != monday+3*event.Hour {
		t.Errorf("more new evidence: %v", reauth(r))
	}
}

// What the owner has proven away is asked about again when somebody raises it
// again elsewhere: the owner's proof must not satisfy that decision.
func TestReauthAfterMovesWhenProvenEvidenceReturns(t *testing.T) {
	s := newStory(t)
	evidence := []string{"new_country", "new_network", "new_device"}
	s.happens(signIn(monday, from(tokyo), session("a")), sawAll(evidence...)...)
	if r := s.happens(signIn(monday+event.Hour, session("b"), factor(event.FactorStrong))); r.Decision != event.Allow {
		t.Fatalf("after the owner's proof: %v; want allow", r.Decision)
	}
	again := monday + 2*event.Hour
	r := s.happens(signIn(again, from(tokyo), session("c")), sawAll(evidence...)...)
	if got := s.record(r).ReauthAfter; r.Decision != event.StepUp || got != again {
		t.Errorf("raised again: %v after %v; want step_up after %v", r.Decision, got, again)
	}
}

// What a late event shows became known now, and decays from now.
func TestLateEvents(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday + 10*event.Hour))
	r := s.happens(signIn(monday), saw("impossible_travel"))
	rec := s.record(r)
	if s.st.AsOf != monday+10*event.Hour || rec.AsOf != s.st.AsOf || rec.Reasons[0].At != s.st.AsOf {
		t.Errorf("as of %v, evidence from %v; want neither to go back", rec.AsOf, rec.Reasons[0].At)
	}
	if r.EventRisk != 44.7 || rec.Event.Time != monday || rec.ReauthAfter != monday {
		t.Errorf("event risk %.2f at %v, reauth after %v; want 44.70 at the event's own time", r.EventRisk, rec.Event.Time, rec.ReauthAfter)
	}
}

func TestWeakestGivesWay(t *testing.T) {
	s := newStory(t)
	s.happens(signIn(monday), saw("new_network"), saw("impossible_travel"))
	for i := range uint64(40) {
		d := saw("failed_login_burst")
		d.Key = i + 1
		s.happens(signIn(monday+event.Minute, failed, from(tokyo)), d)
	}
	names := s.names()
	if len(names) != MaxOpen || names[0] != "new_network" || names[1] != "impossible_travel" {
		t.Errorf("open: %v; want what failed attempts raise to give way first", names)
	}
	for i := range uint64(40) {
		d := saw("new_country")
		d.Key = i + 1
		s.happens(signIn(monday+event.Minute), d)
	}
	names = s.names()
	if len(names) != MaxOpen || slices.Contains(names, "new_network") || !slices.Contains(names, "impossible_travel") || slices.Contains(names, "failed_login_burst") {
		t.Errorf("open: %v; want the weakest to give way", names)
	}
}

func TestQuietEventsChangeNothing(t *testing.T) {
	s := newStory(t)
	r := s.happens(signIn(monday))
	if r.Changed || r.Score != 0.2 || r.EventRisk != 0.2 || s.st.Version != 0 {
		t.Errorf("%+v, version %d; want the prior and no record", r, s.st.Version)
	}
	s.happens(signIn(monday), saw("impossible_travel"))
	if r := s.happens(signIn(monday + event.Minute)); r.Changed || s.st.Version != 1 {
		t.Errorf("a quiet event: changed %v, version %d; want no record", r.Changed, s.st.Version)
	}
	r = s.happens(signIn(monday + 2*event.Hour))
	if !r.Changed || r.Level != event.Low || r.Previous != event.Low {
		t.Errorf("the first event after a fall: %+v; want a record of the level that decay has left", r)
	}
}

// A factor that an event proves while it raises the distrust proves nothing
// either: the same event again must not find more risk than the first time.
