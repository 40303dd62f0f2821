package evaluate

import (
	"slices"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/simulate"
)

// people are the shares of every user of every study.
func (s *summary) people(of func(st *Study, user int) share) []share {
	shares := make([]share, 0, s.users)
	for _, study := range s.studies {
		for u := range study.ledger.signIns {
			shares = append(shares, of(study, u))
		}
	}
	return shares
}

// victims are the shares of users in attacks whose compromise lies in the test
// window.
func (s *summary) victims(has func(*attack) bool, hit func(st *Study, attack int) bool) []share {
	shares := make([]share, s.users)
	for i, study := range s.studies {
		for j := range study.ledger.attacks {
			a := &study.ledger.attacks[j]
			if study.ledger.tested(a) && has(a) {
				u := &shares[s.offset[i]+int(a.user)]
				u.of++
				u.hits += float64(count(hit(study, j)))
			}
		}
	}
	return shares
}

// per1000 scales a rate per user and day.
func per1000(r Rate) Rate {
	r.Value, r.Low, r.High = 1000*r.Value, 1000*r.Low, 1000*r.High
	return r
}

// daily is of what users with benign events have in a day.
func (s *summary) daily(lane int, of func(*felt) int32) []share {
	return s.people(func(st *Study, u int) share {
		if !st.ledger.benign[u] {
			return share{}
		}
		return share{float64(of(&st.lanes[lane].people[u])), st.length()}
	})
}

// signIns are shares of benign sign-ins.
func (s *summary) signIns(lane int, of func(*felt) int32) []share {
	return s.people(func(st *Study, u int) share {
		f := &st.lanes[lane].people[u]
		return share{float64(of(f)), float64(f.signIns)}
	})
}

func (s *summary) recall(lane int, k kind) []share {
	return s.victims(k.has, func(st *Study, j int) bool { return st.lanes[lane].outcomes[j].inTime })
}

func (s *summary) defaults() Defaults {
	d := Defaults{
		Challenged: rateOf(s.signIns(0, func(f *felt) int32 { return f.challenged }), 1),
		AtMedium:   rateOf(s.signIns(0, func(f *felt) int32 { return f.medium }), 1),
		Challenges: per1000(rateOf(s.daily(0, func(f *felt) int32 { return f.challenges }), 1)),
		Alerts:     per1000(rateOf(s.daily(0, func(f *felt) int32 { return f.alerts }), 1)),
	}
	for _, m := range slices.Concat([]string{""}, s.models()) {
		if r := rateOf(s.recall(0, kind{model: m}), 1); r.Of > 0 {
			d.Recall = append(d.Recall, Recall{m, r})
		}
	}
	for _, study := range s.studies {
		for i := range study.lanes[0].people {
			f := &study.lanes[0].people[i]
			d.Revokes += int(f.revokes)
			d.Revoked += int(count(f.revokes > 0))
		}
	}
	ends := func(a *attack) bool { return a.model == simulate.SessionReplay || a.model == simulate.MFAFatigue }
	d.Ended = rateOf(s.victims(ends, func(st *Study, j int) bool { return st.lanes[0].outcomes[j].revoked }), 1)
	d.EndedAtOnce = rateOf(s.victims(ends, func(st *Study, j int) bool { return st.lanes[0].outcomes[j].atOnce }), 1)
	main := s.each(func(st *Study) *values { return &st.lanes[0].values })
	medium := slices.Repeat([]threshold{{at: s.studies[0].medium, share: 1}}, len(s.studies))
	d.Reauths = s.reauths(main, medium)
	return d
}

func (s *summary) detection() []Detection {
	var all []Detection
	for _, m := range slices.Concat([]string{""}, s.models()) {
		d := Detection{Attack: m}
		var seconds, events []float64
		for _, study := range s.studies {
			for j := range study.ledger.attacks {
				a, o := &study.ledger.attacks[j], &study.lanes[0].outcomes[j]
				if !study.ledger.tested(a) || !(kind{model: m}).has(a) {
					continue
				}
				d.Attacks++
				d.InTime += int(count(o.inTime))
				if o.detected == 0 {
					continue
				}
				d.Detected++
				seconds = append(seconds, float64(max(0, o.detected-a.compromise))/float64(event.Second))
				events = append(events, float64(o.events))
			}
		}
		if d.Attacks == 0 {
			continue
		}
		d.Seconds, d.Seconds9 = quantile(seconds, 0.5), quantile(seconds, 0.9)
		d.Events, d.Events9 = quantile(events, 0.5), quantile(events, 0.9)
		all = append(all, d)
	}
	return all
}

// manyTargets is from whose turn on a campaign is found late.
const manyTargets = 30

func (s *summary) campaigns() []Campaign {
	var all []Campaign
	for _, m := range []string{simulate.SprayFast, simulate.SprayDistributed, simulate.SpraySlow, simulate.Stuffing} {
		c := Campaign{Attack: m}
		var found, before, atOnce []share
		var targets, came []float64
		for _, study := range s.studies {
			for id, run := range study.ledger.runs {
				if run.model != m || !study.ledger.windows.test(run.first) {
					continue
				}
				at, is := study.lanes[0].found[id]
				found = append(found, share{float64(count(is)), 1})
				before = append(before, share{float64(count(is && at < manyTargets)), 1})
				atOnce = append(atOnce, share{float64(count(is && run.came > 0 && at <= run.came)), 1})
				if run.came > 0 {
					came = append(came, float64(run.came))
				}
				if is {
					targets = append(targets, float64(at))
				}
			}
		}
		if len(found) > 0 {
			c.Found, c.Before, c.AtOnce = rateOf(found, 1), rateOf(before, 1), rateOf(atOnce, 1)
			c.Target, c.Came = quantile(targets, 0.5), quantile(came, 0.5)
			all = append(all, c)
		}
	}
	return all
}

// stories are what honest users felt, the ordinary days first, then as the
// simulation lists them.
func (s *summary) stories() []Story {
	var all []Story
	for _, name := range slices.Concat([]string{""}, simulate.Negatives[:]) {
		sum := Story{Name: name}
		for _, study := range s.studies {
			if of := study.lanes[0].stories[name]; of != nil {
				sum.SignIns += of.SignIns
				sum.Challenged += of.Challenged
				sum.AtMedium += of.AtMedium
				sum.Alerts += of.Alerts
				sum.Highest = max(sum.Highest, of.Highest)
			}
		}
		if sum.SignIns > 0 {
			all = append(all, sum)
		}
	}
	return all
}

// examples are some of each kind, from whichever study has them first.
func (s *summary) examples(seeds []uint64, of func(*lane) []Example) []Example {
	all := []Example{}
	for i, study := range s.studies {
		for _, e := range of(study.lanes[0]) {
			if enough(all, e.What) {
				continue
			}
			if i < len(seeds) {
				e.Seed = seeds[i]
			}
			all = append(all, e)
		}
	}
	return all
}
