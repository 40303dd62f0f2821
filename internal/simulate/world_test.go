package simulate

import (
	"testing"
)

// Each address has one owner: only a home network holds another, the one that
// residential proxies rent out, and nobody of the company lives there.
func TestNetworksDoNotOverlap(t *testing.T) {
	w := newWorld()
	for i, a := range w.rows {
		for _, b := range w.rows[:i] {
			if a.prefix.Overlaps(b.prefix) && b.proxies != a.network {
				t.Errorf("%v (%s) and %v (%s) overlap", a.prefix, a.org, b.prefix, b.org)
			}
		}
		if a.proxies == nil {
			continue
		}
		for host := range uint64(1000) {
			ip := a.address(clean(a.network, host), 0)
			if !a.prefix.Contains(ip) || a.proxies.prefix.Contains(ip) {
				t.Fatalf("somebody at home in %v has %v", a.prefix, ip)
			}
			if ip := a.proxies.address(host, 0); !a.proxies.prefix.Contains(ip) {
				t.Fatalf("a proxy of %v has %v", a.prefix, ip)
			}
		}
	}
}

func TestEveryTownHasItsNetworks(t *testing.T) {
	w := newWorld()
	for _, towns := range [][]*town{w.towns, w.abroad, w.lairs} {
		for _, town := range towns {
			if len(town.homes) != len(homeShares) || len(town.homes6) != len(homeShares) || len(town.mobile) != len(mobileShares) || len(town.public) == 0 {
				t.Errorf("%s lacks networks", town.city)
			}
			if n := town.nation; len(n.exits) != 4 || len(n.rented) != 2 || len(n.unlisted) != 2 {
				t.Errorf("%s lacks machines", n.land)
			}
		}
	}
}

// Nobody is in two places on one date, and trips end.
func TestTrips(t *testing.T) {
	p := NewPopulation(PopulationConfig{Users: 200, Days: 60})
	trips, abroad := 0, 0
	for i := range p.people {
		r := &p.people[i]
		for date := p.Start(); date < p.End(); date += 24 * 3600 * 1000 {
			trip, away := p.tripOn(r, date)
			if !away {
				continue
			}
			if trip.to == r.town || trip.days > 6 || date < trip.first {
				t.Fatalf("%s at %v: %+v", r.email, date, trip)
			}
			if date == trip.first {
				trips++
				if trip.to.nation != r.town.nation {
					abroad++
				}
			}
		}
	}
	// 2.7 trips a year for 200 people in 60 days are 89, less those within the
	// own town; a third and more of them abroad.
	if trips < 50 || trips > 120 || abroad*5 < trips || abroad*5 > trips*4 {
		t.Errorf("%d trips, %d of them abroad", trips, abroad)
	}
}
