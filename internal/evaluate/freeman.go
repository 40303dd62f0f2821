package evaluate

import "math"

// freeman is the model of Freeman et al., "Who Are You? A Statistical Approach
// to Measuring User Authenticity" (NDSS 2016), without attack data, as Wiefling
// et al. coded it for the RBA dataset (das-group/rba-algorithm): the edge cases
// and weights are theirs.
//
//	S = Π_k p(x_k)/p(x_k|u) · (1/|U|)/(n_u/N)
//
// over the address and the user agent, each a weighed sum over a hierarchy of
// coarser values. Only sign-ins that succeed are judged and learned, from the
// user's second on.
type freeman struct {
	global [levels]map[uint64]uint32 // by value
	own    map[uint64]uint32         // by user, level and value
	signed map[uint64]uint32         // sign-ins by user
	total  uint32
}

// Levels of both hierarchies, finest first, and what each weighs.
const levels = 7

var (
	hierarchies = [...][]int{{0, 1, 2}, {3, 4, 5, 6}}
	weights     = [levels]float64{
		0.6, 0.3, 0.1, // address, AS, country
		0.538665, 0.268045, 0.188183, 0.005107, // agent, browser and version, system, kind of device
	}
)

func newFreeman() *freeman {
	m := &freeman{own: map[uint64]uint32{}, signed: map[uint64]uint32{}}
	for i := range m.global {
		m.global[i] = map[uint64]uint32{}
	}
	return m
}

func (m *freeman) judge(c *Case) float64 {
	if !signedIn(&c.Event) {
		return 0
	}
	t := traitsOf(c)
	values := [levels]uint64{t.ip, t.as, t.country, t.agent, t.browser, t.system, t.kind}
	score := 0.0
	if n := m.signed[t.user]; n > 0 {
		score = m.score(t.user, float64(n), &values)
	}
	m.learn(t.user, &values)
	return score
}

func (m *freeman) score(user uint64, signed float64, values *[levels]uint64) float64 {
	total := float64(m.total)
	score := total / signed / float64(len(m.signed))
	for _, hierarchy := range hierarchies {
		all, own, smoothing := 0.0, 0.0, 1.0
		for _, level := range hierarchy[1:] {
			smoothing += float64(len(m.global[level]))
		}
		for i, level := range hierarchy {
			seen := float64(m.global[level][values[level]])
			switch {
			case i > 0:
				all += weights[level] * seen / total
			case seen > 0:
				all += weights[level] * seen / (total + smoothing)
			default:
				all += weights[level] / (total + smoothing)
			}
			own += weights[level] * float64(m.own[ownKey(user, level, values[level])]) / signed
		}
		if own == 0 {
			own = all / 4 // smoothing both would make what nobody has seen look harmless
		}
		score *= all / own
	}
	return math.Log1p(score) // keeps the order, and the numbers small
}

func (m *freeman) learn(user uint64, values *[levels]uint64) {
	m.total++
	m.signed[user]++
	for level, value := range values {
		m.global[level][value]++
		m.own[ownKey(user, level, value)]++
	}
}

func ownKey(user uint64, level int, value uint64) uint64 { return mixed(user, uint64(level), value) }
