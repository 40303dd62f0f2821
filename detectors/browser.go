package detectors

const (
	maxBrowsers    = 8
	browsersPerDay = 3 // most new ones learned in a day (UTC)
	forgetfulFrom  = 4 // browsers seen on one day only; ours
)

// browsers are those that the provider has recognised by a cookie of its own,
// and the user is known by. A cookie is no device's key: it goes when the user
// clears it, and whoever steals it is taken for the browser. But nobody has it
// by chance, however well system and program are imitated.
type browsers [maxBrowsers]familiar

func (b *browsers) knows(at *sighting) bool { return find(b[:], uint32(at.browser)) != nil }

// forgetful reports that most of the browsers were seen on one day only: the
// user signs in from private windows, clears the cookies every day, or sits at
// shared computers, and a browser without a known one says nothing.
func (b *browsers) forgetful() bool {
	once := 0
	for i := range b {
		if b[i].days == 1 {
			once++
		}
	}
	return once >= forgetfulFrom && 2*once > count(b[:])
}

// byCookie reports that the provider recognises the user's browsers, where the
// log says which one this is.
func (m *Memory) byCookie(at *sighting) bool {
	return at.browser != 0 && count(m.browsers[:]) > 0 && !m.browsers.forgetful()
}

// strangeBrowser reports that the provider should have recognised the browser,
// were it one of the user's.
func (m *Memory) strangeBrowser(at *sighting) bool { return m.byCookie(at) && !m.browsers.knows(at) }

func (m *Memory) teachBrowser(at *sighting) {
	learnSlowly(m.browsers[:], uint32(at.browser), at.at.day(), browsersPerDay)
}
