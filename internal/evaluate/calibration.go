package evaluate

// Calibration says how far a score may be read as a probability. It is not made
// to be one; see docs/scoring.md.
type Calibration struct {
	// Prevalence is the share of sign-ins that is taken to be an attacker's.
	// Both kinds are weighed so that it is met.
	Prevalence float64 `json:"prevalence"`
	// Brier is the mean squared difference of score/100 and truth, and Reference
	// that of the prevalence said of every sign-in: less is better.
	Brier     float64 `json:"brier"`
	Reference float64 `json:"brier_of_prevalence"`
	Bins      []Bin   `json:"bins"`
}

// Bin is the sign-ins whose score lies in [From, To); the last has 100 too.
type Bin struct {
	From    float64 `json:"from"`
	To      float64 `json:"to"`
	Benign  int     `json:"benign"`
	Attacks int     `json:"attacks"`
	Score   float64 `json:"score"`         // mean, weighed, as a probability: 0–1
	Attack  float64 `json:"attacks_share"` // of the weight, at the prevalence
}

// edges of bins: those of the shipped levels, and some between.
var edges = [...]float64{0, 1, 5, 10, 20, 40, 60, 75, 90, 100}

// calibrationOf compares scores (0–100) with the truth.
func calibrationOf(attacks, benign []float64, prevalence float64) Calibration {
	c := Calibration{Prevalence: prevalence, Reference: prevalence * (1 - prevalence), Bins: make([]Bin, len(edges)-1)}
	if len(attacks) == 0 || len(benign) == 0 {
		return c
	}
	weights := make([]float64, len(c.Bins))
	add := func(score, truth, weight float64, count func(*Bin) *int) {
		p := score / 100
		c.Brier += weight * (p - truth) * (p - truth)
		i := binOf(score)
		b := &c.Bins[i]
		*count(b)++
		b.Score += weight * p
		b.Attack += weight * truth
		weights[i] += weight
	}
	for _, score := range attacks {
		add(score, 1, prevalence/float64(len(attacks)), func(b *Bin) *int { return &b.Attacks })
	}
	for _, score := range benign {
		add(score, 0, (1-prevalence)/float64(len(benign)), func(b *Bin) *int { return &b.Benign })
	}
	for i := range c.Bins {
		b := &c.Bins[i]
		b.From, b.To = edges[i], edges[i+1]
		if weights[i] > 0 {
			b.Score /= weights[i]
			b.Attack /= weights[i]
		}
	}
	return c
}

func binOf(score float64) int {
	for i := len(edges) - 2; i > 0; i-- {
		if score >= edges[i] {
			return i
		}
	}
	return 0
}
