package scoring

import (
	"cmp"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// Record makes the user's record after Apply. config is the configuration's
// hash.
func (v *Evaluator) Record(e *event.Event, st *State, r Result, open []Contribution, config string) event.Score {
	return v.record(e, st, open, v.evidenceOf(open, everything), event.Score{
		Entity:        "user:" + event.Key(e.Tenant, e.User.Subject),
		PreviousLevel: r.Previous,
		Config:        config,
	})
}

// SessionRecord makes the record of a session that Apply has named. It is of
// the session's own evidence. When that is below low, the record is to be
// removed: exists is false, and the record says only which.
func (v *Evaluator) SessionRecord(e *event.Event, st *State, s SessionChange, open []Contribution, config string) (rec event.Score, exists bool) {
	rec = v.record(e, st, open, v.evidenceOf(open, ofSession(s.hash)), event.Score{
		Entity:        "session:" + event.Key(e.Tenant, s.ID),
		Session:       s.ID,
		PreviousLevel: s.Previous,
		Config:        config,
	})
	if rec.Level == event.None {
		rec.Lapses = rec.Lapses[:0] // nothing is left to fall
		return rec, false
	}
	return rec, true
}

// record fills in all that follows from the evidence. Records are kept for
// days, until their levels fall; their texts are clones, since an event's would
// keep those of its neighbours in memory too (see event.Arena).
func (v *Evaluator) record(e *event.Event, st *State, open []Contribution, list []evidence, rec event.Score) event.Score {
	v.setContext(e, st)
	score := v.scoreAt(list, st.AsOf)
	rec.Tenant, rec.Subject = strings.Clone(e.Tenant), strings.Clone(e.User.Subject)
	rec.Score, rec.Level = score.float(), v.level(score)
	rec.Decision = v.decide(list, st.AsOf, score, rec.Level)
	if rec.Decision != event.Allow {
		rec.ReauthAfter = st.Evidence
	}
	rec.AsOf = st.AsOf
	rec.Version = st.Version
	rec.Prior, rec.Weights = v.priorScore.float(), v.version
	rec.Event = event.Cause{ID: strings.Clone(e.ID), Time: e.Time, Action: e.Action}
	rec.Reasons = v.reasons(open, list, st.AsOf)
	rec.Lapses = v.lapses(list, st.AsOf, rec.Level, rec.Decision)
	return rec
}

// reasons explains the score by its evidence, what counts most first.
func (v *Evaluator) reasons(open []Contribution, list []evidence, asOf event.Time) []event.Contribution {
	v.shares = v.share(list, asOf, v.shares[:0])
	reasons := make([]event.Contribution, len(list))
	for i := range list {
		x := &list[i]
		c := &open[x.of]
		reasons[i] = event.Contribution{
			Detection:   x.name,
			Group:       event.Groups[x.group],
			LLR:         x.llr,
			HalfLife:    c.HalfLife,
			Points:      v.shares[i].float(),
			Summary:     c.Summary.String(),
			At:          x.since,
			EventID:     string(text(c.EventID[:])),
			Unconfirmed: x.unconfirmed,
		}
		if x.clears != forever {
			reasons[i].ClearsAt = x.clears
		}
		if x.covered {
			reasons[i].CoveredBy = v.name(&open[v.coverOf(open, x.of)])
		}
	}
	sortReasons(reasons)
	return reasons
}

// sortReasons puts reasons in their one order.
func sortReasons(reasons []event.Contribution) {
	slices.SortStableFunc(reasons, func(a, b event.Contribution) int {
		return cmp.Or(
			cmp.Compare(b.Points, a.Points),
			cmp.Compare(a.Detection, b.Detection),
			cmp.Compare(a.At, b.At),
			cmp.Compare(a.EventID, b.EventID),
		)
	})
}

// Fall makes the record of rec's first lapse, which must exist, from rec
// alone: what the entity's record is from then on if nothing else happens. Its
// version is rec's, since no event caused it. When exists is false, the record
// is to be removed: a session's own evidence has fallen below low.
func (s *Scorer) Fall(rec *event.Score) (fallen event.Score, exists bool) {
	lapse := rec.Lapses[0]
	fallen = *rec
	fallen.AsOf = lapse.At
	fallen.PreviousLevel, fallen.Level, fallen.Decision = rec.Level, lapse.Level, lapse.Decision
	if fallen.Decision == event.Allow {
		fallen.ReauthAfter = 0
	}
	fallen.Lapses = rec.Lapses[1:]
	fallen.Event = event.Cause{}

	fallen.Reasons = make([]event.Contribution, 0, len(rec.Reasons))
	list := make([]evidence, 0, len(rec.Reasons))
	for i := range rec.Reasons {
		if x := evidenceOfReason(&rec.Reasons[i]); lapse.At < x.clears {
			list = append(list, x)
			fallen.Reasons = append(fallen.Reasons, rec.Reasons[i])
		}
	}
	fallen.Score = s.scoreAt(list, lapse.At).float()
	for i, points := range s.share(list, lapse.At, nil) {
		fallen.Reasons[i].Points = points.float()
	}
	sortReasons(fallen.Reasons)
	return fallen, fallen.Session == "" || fallen.Level > event.None
}

// evidenceOfReason reads from a record what Contribution.evidence reads from
// state.
func evidenceOfReason(r *event.Contribution) evidence {
	x := evidence{
		name:        r.Detection,
		group:       groupIndex(r.Group),
		llr:         r.LLR,
		since:       r.At,
		halfLife:    float64(r.HalfLife) * 1000,
		clears:      r.ClearsAt,
		unconfirmed: r.Unconfirmed,
		covered:     r.CoveredBy != "",
	}
	if x.pins() {
		x.clears = forever
	}
	return x
}
