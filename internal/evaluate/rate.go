package evaluate

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Rate is a share of something, with its 95 % interval over users.
type Rate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Of    int     `json:"of"`    // how many things it is a share of; 0 says nothing
	Users int     `json:"users"` // how many users these belong to
}

// share is what one user contributes to a rate: so many hits of so many. Hits
// need not be whole, since a budget may fall between two values.
type share struct{ hits, of float64 }

const (
	// resamples of a bootstrap. The ends of a 95 % interval are its 25th
	// smallest and largest values, which a thousand settle well enough.
	resamples = 1000
	// blocks is the most that a bootstrap draws from; users beyond it share a
	// block, which changes no expectation as users are independent.
	blocks = 5000
	// beyond is the share of resamples beyond either end of the interval.
	beyond = 0.025
)

// rateOf is the rate over all users' shares. Users are drawn with replacement
// and bring all that is theirs (a cluster bootstrap, percentile interval); lots
// among equals are drawn anew each time. Where every draw is 0 or 1 resampling
// says nothing; then the end that is open is the exact one-sided bound for as
// many users: 1 − 0.025^(1/n), the rule of three.
func rateOf(shares []share, seed uint64) Rate {
	shares = slices.DeleteFunc(slices.Clone(shares), func(s share) bool { return s.of == 0 })
	of := 0.0
	for _, s := range shares {
		of += s.of
	}
	r := Rate{Value: ratio(shares), Of: int(of), Users: len(shares)}
	if of == 0 {
		return r
	}
	draw := rand.New(rand.NewPCG(seed, uint64(len(shares))))
	r.Low, r.High = bootstrap(inBlocks(shares, draw), draw)
	bound := 1 - math.Pow(beyond, 1/float64(len(shares)))
	if r.High == 0 {
		r.High = bound
	}
	if r.Low == 1 {
		r.Low = 1 - bound
	}
	r.Low, r.High = min(r.Low, r.Value), max(r.High, r.Value)
	return r
}

// ratio is a rate's value alone; 0 of nothing.
func ratio(shares []share) float64 {
	var all share
	for _, s := range shares {
		all.hits += s.hits
		all.of += s.of
	}
	if all.of == 0 {
		return 0
	}
	return all.hits / all.of
}

func inBlocks(shares []share, draw *rand.Rand) []share {
	if len(shares) <= blocks {
		return shares
	}
	sums := make([]share, blocks)
	for i, to := range draw.Perm(len(shares)) {
		sums[to%blocks].hits += shares[i].hits
		sums[to%blocks].of += shares[i].of
	}
	return sums
}

func bootstrap(shares []share, draw *rand.Rand) (low, high float64) {
	rates := make([]float64, resamples)
	for i := range rates {
		var sum share
		for range shares {
			s := shares[draw.IntN(len(shares))]
			sure := math.Floor(s.hits)
			if lot := s.hits - sure; lot > 0 && draw.Float64() < lot {
				sure++
			}
			sum.hits += sure
			sum.of += s.of
		}
		rates[i] = sum.hits / sum.of
	}
	slices.Sort(rates)
	cut := int(resamples * beyond)
	return rates[cut], rates[resamples-1-cut]
}
