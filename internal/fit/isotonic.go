package fit

import (
	"cmp"
	"slices"
)

// Scored is an example of which only the score is looked at.
type Scored struct {
	Score       float64 // 0–100
	Compromised bool
	Weight      float64
}

// Block is a range of scores that mean the same probability.
type Block struct {
	From        float64 `json:"from_score"`
	To          float64 `json:"to_score"`
	Probability float64 `json:"probability"`
	Compromised float64 `json:"compromised_days"`
	Benign      float64 `json:"benign_days"`

	positive, total float64 // as weighed for the share
}

// Isotonic maps scores to probabilities of compromise that never fall as the
// score grows, with the least squared error: pool adjacent violators (Ayer et
// al. 1955). The two kinds are weighed so that the share of compromise is what the caller says.
func Isotonic(examples []Scored, share float64) []Block {
	compromised, benign := weightsOf(examples)
	sorted := slices.Clone(examples)
	slices.SortStableFunc(sorted, func(a, b Scored) int { return cmp.Compare(a.Score, b.Score) })
	var scores []Block // one for each score
	for _, x := range sorted {
		b := Block{From: x.Score, To: x.Score}
		if x.Compromised {
			b.Compromised = x.Weight
			b.positive = x.Weight / compromised * share
			b.total = b.positive
		} else {
			b.Benign = x.Weight
			b.total = x.Weight / benign * (1 - share)
		}
		if last := len(scores) - 1; last >= 0 && scores[last].To == x.Score {
			scores[last].join(b)
		} else {
			scores = append(scores, b)
		}
	}
	var blocks []Block
	for _, b := range scores {
		b.Probability = b.positive / b.total
		for last := len(blocks) - 1; last >= 0 && blocks[last].Probability >= b.Probability; last-- {
			blocks[last].join(b)
			b, blocks = blocks[last], blocks[:last]
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// join takes another block in.
func (b *Block) join(o Block) {
	b.To = o.To
	b.Compromised += o.Compromised
	b.Benign += o.Benign
	b.positive += o.positive
	b.total += o.total
	b.Probability = b.positive / b.total
}

// Calibrated is the probability that a score means: that of its block, or of
// the next lower one between two.
func Calibrated(blocks []Block, score float64) float64 {
	i, found := slices.BinarySearchFunc(blocks, score, func(b Block, score float64) int { return cmp.Compare(b.From, score) })
	if !found {
		i = max(i-1, 0)
	}
	return blocks[i].Probability
}
