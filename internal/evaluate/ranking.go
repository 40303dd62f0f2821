package evaluate

import (
	"cmp"
	"slices"
)

// averagePrecision is the area under the curve of precision over recall when a
// share `prevalence` of all sign-ins is an attacker's. Attacks are far more
// common in a labelled log than in life, and precision is nothing without
// saying how common they are: both kinds are weighed so that the share is met.
// Sums of steps, without interpolation; equal values are one step.
func averagePrecision(attacks, benign []float64, prevalence float64) float64 {
	if len(attacks) == 0 || len(benign) == 0 {
		return 0
	}
	down := func(values []float64) []float64 {
		values = slices.Clone(values)
		slices.SortFunc(values, func(a, b float64) int { return cmp.Compare(b, a) })
		return values
	}
	attacks, benign = down(attacks), down(benign)
	area, recall, i, j := 0.0, 0.0, 0, 0
	for i < len(attacks) {
		at := attacks[i]
		for i < len(attacks) && attacks[i] == at {
			i++
		}
		for j < len(benign) && benign[j] >= at {
			j++
		}
		found := float64(i) / float64(len(attacks))
		right := prevalence * found
		wrong := (1 - prevalence) * float64(j) / float64(len(benign))
		area += (found - recall) * right / (right + wrong)
		recall = found
	}
	return area
}

// Top is how many of the K riskiest users of a day were in an attacker's hands.
type Top struct {
	K         int     `json:"k"`
	Precision float64 `json:"precision"` // mean over days with an attack
	// Possible is the precision of a perfect order: days have fewer victims
	// than K.
	Possible float64 `json:"possible"`
	Days     int     `json:"days"`
}

// userDay is a user's highest value on a day.
type userDay struct {
	value  float64
	victim bool
}

// topOf is the precision at k over days. Where equals straddle the k-th place
// each of them counts by the chance of being drawn.
func topOf(days [][]userDay, k int) Top {
	t := Top{K: k}
	for _, day := range days {
		victims := 0
		for i := range day {
			if day[i].victim {
				victims++
			}
		}
		if victims == 0 {
			continue
		}
		t.Days++
		t.Possible += float64(min(k, victims)) / float64(k)
		t.Precision += precisionAt(day, k)
	}
	if t.Days > 0 {
		t.Precision /= float64(t.Days)
		t.Possible /= float64(t.Days)
	}
	return t
}

func precisionAt(day []userDay, k int) float64 {
	slices.SortFunc(day, func(a, b userDay) int { return cmp.Compare(b.value, a.value) })
	right, place := 0.0, 0
	for place < min(k, len(day)) {
		end, victims := place, 0
		for end < len(day) && day[end].value == day[place].value {
			if day[end].victim {
				victims++
			}
			end++
		}
		taken := min(end, k) - place
		right += float64(victims) * float64(taken) / float64(end-place)
		place = end
	}
	return right / float64(k)
}
