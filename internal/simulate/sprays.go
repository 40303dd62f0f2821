package simulate

import (
	"slices"

	"github.com/riskstream/riskstream/event"
)

// targets are the accounts that are tried: so many at most, never more than
// three in five, and those among them that will be won.
func (i *intruder) targets(most int) []uint32 {
	n := min(most, len(i.p.people)*3/5)
	targets := slices.Clone(i.c.victims)
	for _, k := range i.draw.Perm(len(i.p.people)) {
		if len(targets) >= n {
			break
		}
		if !slices.Contains(targets, uint32(k)) {
			targets = append(targets, uint32(k))
		}
	}
	i.draw.Shuffle(len(targets), func(a, b int) { targets[a], targets[b] = targets[b], targets[a] })
	return targets
}

// address is one that requests come from.
type address struct {
	from *network
	host uint64
}

// pool is so many addresses, of rented machines and exits or of proxies in
// people's homes all over the company's countries.
func (i *intruder) pool(n int) []address {
	pool := make([]address, n)
	for k := range pool {
		if i.hosting() {
			i.anywhere()
		} else {
			i.proxyIn(i.p.world.towns[i.draw.IntN(len(i.p.world.towns))].nation)
		}
		pool[k] = address{i.from, i.host}
	}
	return pool
}

func (i *intruder) takeFrom(pool []address) {
	a := pool[i.draw.IntN(len(pool))]
	i.from, i.host = a.from, a.host
}

// spray tries one password after the other on all targets. Those of the
// victims fits in the end, in a round that is drawn; then it goes no further
// with them until all is done.
func (i *intruder) spray(targets []uint32, rounds int, pause event.Time, move func(try int)) {
	bad, good := oktaBadPassword, oktaSignIn
	if i.chance(40) {
		bad, good = entraBadPassword, entraSignIn
	}
	won := map[uint32]int{} // victim → the round in which the password fits
	for _, v := range i.c.victims {
		won[v] = i.draw.IntN(rounds)
	}
	try := 0
	for round := range rounds {
		for _, t := range targets {
			fits, victim := won[t]
			if victim && fits < round {
				continue
			}
			move(try)
			try++
			i.become(&i.p.people[t])
			if victim && fits == round {
				i.win(good)
			} else {
				i.do(bad)
			}
			i.wait(pause)
		}
	}
	for _, v := range i.c.victims {
		i.become(&i.p.people[v])
		i.wait(5 * event.Minute)
		i.do(oktaSignIn)
		i.wait(event.Minute)
		i.take()
	}
}
