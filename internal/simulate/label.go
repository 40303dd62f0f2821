package simulate

// label is a Truth in few bytes: attack, variant and negative count from 1 in
// their lists; 0 is none.
type label struct {
	campaign   uint32
	attack     uint8
	variant    uint8
	negative   uint8
	compromise bool
}

var variants = [...]string{Hosting, Residential}

func indexOf(list []string, word string) uint8 {
	for i, w := range list {
		if w == word {
			return uint8(i + 1)
		}
	}
	panic("simulate: no word " + word)
}

func wordOf(list []string, index uint8) string {
	if index == 0 {
		return ""
	}
	return list[index-1]
}

// negative labels a benign step.
func negative(word string) label { return label{negative: indexOf(Negatives[:], word)} }

// truth is the label in words.
func (l *label) truth() Truth {
	return Truth{
		Attack: wordOf(Attacks[:], l.attack), Variant: wordOf(variants[:], l.variant), Campaign: l.campaign,
		Story: wordOf(Negatives[:], l.negative), Compromise: l.compromise,
	}
}
