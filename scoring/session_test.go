package scoring

import (
	"testing"

	"github.com/riskstream/riskstream/event"
)

func TestSessionEventsRefreshItsEvidence(t *testing.T) {
	travel := saw("impossible_travel")
	travel.Session = true
	s := newStory(t)
	first := s.happens(signIn(monday, session("a")), travel)
	access := func(at event.Time, id string) event.Event {
		return signIn(at, session(id), func(e *event.Event) { e.Action = event.Access })
	}
	inside := s.happens(access(monday+20*event.Hour, "a"))
	if inside.EventRisk != first.EventRisk || inside.Score != first.Score {
		t.Errorf("in the session: event risk %.2f, score %.2f; want %.2f again", inside.EventRisk, inside.Score, first.Score)
	}
	outside := s.happens(access(monday+21*event.Hour, "b"))
	if outside.EventRisk != s.v.Prior() || outside.Score >= first.Score {
		t.Errorf("in another session: event risk %.2f, score %.2f; want the prior, and less than %.2f", outside.EventRisk, outside.Score, first.Score)
	}
	late := s.happens(access(monday+25*event.Hour, "a"))
	if late.EventRisk != s.v.Prior() {
		t.Errorf("more than 24 h after the evidence: event risk %.2f; want the prior", late.EventRisk)
	}
}

func TestSessionRecords(t *testing.T) {
	travel := saw("impossible_travel")
	travel.Session = true
	s := newStory(t)
	r := s.happens(signIn(monday, session("a")), travel, saw("new_device"))
	if len(r.Sessions) != 1 || r.Sessions[0].ID != "a" {
		t.Fatalf("sessions %+v; want a", r.Sessions)
	}
	rec, exists := s.sessionRecord(r.Sessions[0])
	if !exists || rec.Entity != "session:default/a" || rec.Level != event.Medium || len(rec.Reasons) != 1 || rec.Reasons[0].Detection != "impossible_travel" {
		t.Errorf("exists %v: %+v; want the session's own evidence", exists, rec)
	}
	if r := s.happens(signIn(monday+event.Minute, session("b"))); len(r.Sessions) != 0 {
		t.Errorf("an event of another session changes %+v", r.Sessions)
	}
	r = s.happens(verdict(monday+event.Hour, "confirm_safe"))
	if len(r.Sessions) != 1 {
		t.Fatalf("after confirm_safe: sessions %+v; want a", r.Sessions)
	}
	if rec, exists := s.sessionRecord(r.Sessions[0]); exists || rec.Entity != "session:default/a" {
		t.Errorf("after confirm_safe: exists %v, %s; want its end", exists, rec.Entity)
	}
}

func TestSessionRecordCountsWhatOnlyTheUserHasCovered(t *testing.T) {
	country := saw("new_country")
	country.Session, country.Key = true, 7
	network, anonymous := saw("new_network"), saw("anonymous_ip")
	network.Session, anonymous.Session = true, true
	cfg := Defaults()
	cfg.Caps[event.GroupNetwork] = 6
	s := storyWith(t, cfg, nil)
	r := s.happens(signIn(monday, session("a")), saw("impossible_travel"), country, network, anonymous)
	if len(r.Sessions) != 1 {
		t.Fatalf("sessions %+v; want a", r.Sessions)
	}
	rec, _ := s.sessionRecord(r.Sessions[0])
	if want := s.v.logistic(natsOf(6)).float(); rec.Score != want {
		t.Errorf("score %.2f; want %.2f", rec.Score, want)
	}
	for _, reason := range rec.Reasons {
		if reason.CoveredBy != "" || reason.Points == 0 {
			t.Errorf("%s: %v points, covered by %q", reason.Detection, reason.Points, reason.CoveredBy)
		}
	}
}

func TestSessionWithoutIDOwnsNothing(t *testing.T) {
	travel := saw("impossible_travel")
	travel.Session = true
	s := newStory(t)
	if r := s.happens(signIn(monday), travel); len(r.Sessions) != 0 || s.open[0].OfSession {
		t.Errorf("sessions %+v; want none", r.Sessions)
	}
}
