package bench

import (
	"math/rand/v2"
	"time"
)

// stories are the ways in which a person's events go together, with their
// shares. With them 7 % of the events are failed attempts; in about 1 of 20
// stories there is something for a detector to see.
var stories = [...]struct {
	share int // of 1000
	steps []step
}{
	{590, []step{{do: signIn}, {do: verify}, {do: open}, {do: open}}},
	{150, []step{{do: open}, {do: open}, {do: open}}},
	{220, []step{{do: badPassword}, {do: signIn}, {do: verify}, {do: open}}},
	{10, []step{{do: signIn, newDevice: true}, {do: verify, newDevice: true}, {do: open, newDevice: true}}},
	{15, []step{{do: signIn, from: guest}, {do: verify, from: guest}, {do: open, from: guest}}},
	{4, []step{{do: signIn}, {do: signIn, from: far, newDevice: true}}}, // nobody travels that fast
	{6, guesses(11)},
	{5, []step{{do: signIn, from: anonymous}, {do: open, from: anonymous}}},
}

// step is one event of a story.
type step struct {
	do        action
	from      where
	newDevice bool
	atOnce    bool // comes right behind the step before it
}

// guesses is an attacker who finds the password after so many wrong ones.
func guesses(wrong int) []step {
	var steps []step
	for range wrong {
		steps = append(steps, step{do: badPassword, from: far, newDevice: true, atOnce: true})
	}
	return append(steps, step{do: signIn, from: far, newDevice: true, atOnce: true})
}

type where uint8

const (
	home where = iota
	guest
	far
	anonymous
)

// markedShare is the share of events that are marked: sign-ins that the identity
// provider rates as a medium risk, for a reason that no detector sees, so that
// idp_risk answers each with a detection and a score. Latency is measured on them.
const markedShare = 0.02

// together is how many stories go on at once: of every 16th subject, but not
// more than this. A person's next event comes after as many of others', and some
// minutes later by the log's own time; see spanOf.
const together = 16 << 10

// rawEvent is one event to write.
type rawEvent struct {
	index  uint64 // in its phase
	person person
	step   step
	at     time.Time
	marked bool
	story  uint64 // stands for the session, and what is new in it
}

// generator makes the events of one phase, the same for the same seed, phase
// and number of subjects.
type generator struct {
	seed     uint64
	phase    uint32
	subjects uint32
	random   *rand.Rand
	networks *networks
	okta     *template
	deck     []uint8 // 1000 stories in their shares
	running  []thread
	held     *thread // whose next step comes at once
	made     uint64
}

// thread is a story under way.
type thread struct {
	subject uint32
	kind    uint8
	next    uint8
	id      uint64
}

func newGenerator(seed uint64, phase uint32, subjects int) (*generator, error) {
	networks, err := readNetworks()
	if err != nil {
		return nil, err
	}
	okta, err := parseTemplate(oktaTemplate)
	if err != nil {
		return nil, err
	}
	g := &generator{
		seed: seed, phase: phase, subjects: uint32(subjects), networks: networks, okta: okta,
		random: rand.New(rand.NewPCG(seed, uint64(phase))),
	}
	for kind, story := range stories {
		for range story.share {
			g.deck = append(g.deck, uint8(kind))
		}
	}
	g.running = make([]thread, min(together, max(subjects/16, 1)))
	for i := range g.running {
		g.running[i] = g.begin()
	}
	return g, nil
}

func (g *generator) begin() thread {
	return thread{
		subject: g.random.Uint32N(g.subjects),
		kind:    g.deck[g.random.IntN(len(g.deck))],
		id:      g.random.Uint64(),
	}
}

// next is the next event, which happens at the given time.
func (g *generator) next(at time.Time) rawEvent {
	r, inBurst := g.held, g.held != nil
	if !inBurst {
		r = &g.running[g.random.IntN(len(g.running))]
	}
	steps := stories[r.kind].steps
	e := rawEvent{index: g.made, person: g.person(r.subject), step: steps[r.next], at: at, story: r.id}
	g.made++
	// The same evidence again in the same millisecond would change no score.
	if !inBurst && g.random.Float64() < markedShare {
		e.step, e.marked = step{do: signIn}, true
		return e
	}
	g.held = nil
	if r.next++; int(r.next) == len(steps) {
		*r = g.begin()
	} else if steps[r.next].atOnce {
		g.held = r
	}
	return e
}

// firsts are how many sign-ins each subject is introduced with: one at home and
// one on the way, so that state holds two places.
const firsts = 2

// first is the n-th event of an introduction: every subject signs in from home,
// then every subject from a mobile network.
func (g *generator) first(at time.Time) rawEvent {
	e := rawEvent{index: g.made, person: g.person(uint32(g.made % uint64(g.subjects))), at: at, step: step{do: signIn}}
	if g.made >= uint64(g.subjects) {
		e.step.from = guest
	}
	g.made++
	return e
}

// network is where the event comes from, and the address in it.
func (g *generator) network(e *rawEvent) (n *network, host uint64) {
	pick := func(list []network, by uint64) (*network, uint64) { return &list[by%uint64(len(list))], by >> 32 }
	switch e.step.from {
	case guest:
		return pick(g.networks.guests, mix(e.person.hash, 1))
	case far:
		return pick(g.networks.homes, mix(e.story, 2))
	case anonymous:
		return pick(g.networks.anonymous, mix(e.story, 3))
	default:
		return e.person.home, e.person.host
	}
}
