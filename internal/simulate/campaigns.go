package simulate

import (
	"cmp"
	"slices"

	"github.com/riskstream/riskstream/event"
)

// campaign is one attack: on one person, or a spray or stuffing on many.
type campaign struct {
	number  uint32
	attack  uint8 // counted from 1 in Attacks
	variant uint8 // counted from 1 in variants
	at      event.Time
	victims []uint32 // who is taken over, as numbers of people
}

// handsAfter is how long an account counts as the attacker's after their last
// event: until somebody has noticed and reset it.
const handsAfter = 3 * event.Day

// spraySuccesses is how many of its targets a spray or stuffing wins. Published
// rates are about one account in a hundred for sprays (Microsoft) and one pair
// in a few hundred for stuffing; here it is more, so that there is something to
// count.
const spraySuccesses = 3

// planCampaigns decides who is attacked, how and when. Everybody is taken over
// at most once.
func (p *Population) planCampaigns() {
	if p.config.Attacks < 0 {
		return
	}
	p.reseed(saltCampaign)
	each := max(1, len(p.people)*p.config.Attacks/100/len(Attacks))
	order := p.draw.Perm(len(p.people))
	taken := make([]bool, len(p.people))
	take := func(kind string, variant uint8) (uint32, bool) {
		for _, i := range order {
			if !taken[i] && p.suits(&p.people[i], kind, variant) {
				taken[i] = true
				return uint32(i), true
			}
		}
		return 0, false
	}
	for n := 0; n < each; n++ {
		for k, kind := range Attacks {
			variant := uint8(1 + (n+k)%len(variants))
			wanted := 1
			if onMany(kind) {
				if n%spraySuccesses != 0 {
					continue
				}
				variant = uint8(1 + (n/spraySuccesses+k)%len(variants))
				wanted = min(spraySuccesses, each-n)
			}
			c := campaign{attack: uint8(k + 1), variant: variant}
			for range wanted {
				if v, ok := take(kind, variant); ok {
					c.victims = append(c.victims, v)
				}
			}
			if len(c.victims) == 0 {
				continue
			}
			c.at = p.momentFor(kind, &p.people[c.victims[0]])
			p.campaigns = append(p.campaigns, c)
		}
	}
	slices.SortStableFunc(p.campaigns, func(a, b campaign) int { return cmp.Compare(a.at, b.at) })
	for i := range p.campaigns {
		p.campaigns[i].number = uint32(i + 1)
	}
}

// onMany reports whether an attack tries many accounts.
func onMany(kind string) bool {
	switch kind {
	case SprayFast, SprayDistributed, SpraySlow, Stuffing:
		return true
	}
	return false
}

// suits reports whether somebody can be taken over in that way.
func (p *Population) suits(r *resident, kind string, variant uint8) bool {
	stays := r.from <= p.config.Start && r.until >= p.End() && r.away[1] == 0 && !r.kiosk
	hosting := variants[variant-1] == Hosting
	switch kind {
	case DormantRevival:
		return r.until < p.End()
	case MFAFatigue:
		return stays && r.mfa && r.factor == push
	case SessionReplay:
		return stays && r.mfa && r.factor != fastPass // which a phishing proxy cannot relay
	case InsiderDownload:
		return stays && r.files && (!hosting || r.private != neverVPN)
	case VeryTargeted:
		return stays && !r.mfa && (!hosting || r.private != neverVPN)
	}
	return stays && !r.mfa
}

// dormancy is after how long an account is dormant: 45 days, as peers have it.
const dormancy = 46 * event.Day

// momentFor is when an attack begins: after the quiet days, with time left for
// what follows.
func (p *Population) momentFor(kind string, r *resident) event.Time {
	from, to := p.AttacksFrom(), p.End()-4*event.Day
	switch kind {
	case SpraySlow:
		to -= 6 * event.Day
	case DormantRevival:
		from = max(from, min(r.until+dormancy, p.End()-6*event.Day))
	}
	if to <= from {
		to = from + event.Day
	}
	at := from + event.Time(p.draw.Int64N(int64(to-from)))
	switch kind {
	case Targeted, VeryTargeted, InsiderDownload, MFAFatigue, SessionReplay:
		at = p.atWork(r, at)
	}
	return at
}

// atWork is a moment of somebody's working hours on the next working day.
func (p *Population) atWork(r *resident, at event.Time) event.Time {
	date := midnight(at)
	for weekend(date) {
		date += event.Day
	}
	return date + r.hour + event.Time(p.draw.Int64N(int64(8*event.Hour))) - event.Time(r.town.utcOffset)*event.Hour
}

// launch plans all that a campaign does.
func (p *Population) launch(c *campaign) {
	p.reseed(saltCampaign, uint64(c.number))
	i := &intruder{p: p, c: c, draw: p.draw, at: c.at, open: oktaOpen, label: label{attack: c.attack, variant: c.variant, campaign: c.number}}
	i.become(&p.people[c.victims[0]])
	i.device = &device{software: drawSoftware(p.draw), mark: p.draw.Uint64(), late: event.Time(p.draw.Int64N(int64(90 * event.Day)))}
	attacks[c.attack-1](i)
	for _, v := range c.victims {
		if r := &p.people[v]; r.handsFrom != 0 {
			r.handsUntil = max(r.handsUntil, i.at+handsAfter)
		}
	}
}
