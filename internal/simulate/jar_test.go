package simulate

import (
	"regexp"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// browsersOf are as many devices as it takes to count their habits.
const browsersOf = 4000

func TestCookies(t *testing.T) {
	const at = 20_000 * event.Day
	forgetful, cleared := 0, 0
	for mark := range uint64(browsersOf) {
		d := device{mark: mark}
		first := d.cookie(at, 1)
		if d.cookie(at, 2) != first {
			forgetful++
			if d.cookie(at, 1) != first {
				t.Fatalf("browser %d has two cookies in a session", mark)
			}
			continue
		}
		if d.cookie(at+30*event.Day, 1) != first {
			cleared++
		}
		if d.cookie(at+longestClearing, 1) == first {
			t.Fatalf("browser %d keeps a cookie for longer than %d days", mark, longestClearing/event.Day)
		}
	}
	if percent := 100 * float64(forgetful) / browsersOf; percent < percentForgetful-1 || percent > percentForgetful+1 {
		t.Errorf("%.1f %% are forgetful, want %d", percent, percentForgetful)
	}
	if percent := 100 * float64(cleared) / float64(browsersOf-forgetful); percent < 28 || percent > 32 {
		t.Errorf("%.1f %% are cleared in a month, want 30", percent)
	}
}

func TestCookiesOfASharedComputer(t *testing.T) {
	const noon = 20_000*event.Day + 12*event.Hour
	kiosk := device{mark: 1, clearing: event.Day}
	if kiosk.cookie(noon, 1) != kiosk.cookie(noon+event.Hour, 2) {
		t.Error("cleared within the day")
	}
	if kiosk.cookie(noon, 1) == kiosk.cookie(noon+event.Day, 1) {
		t.Error("not cleared from one day to the next")
	}
}

// Some applications open in a browser of their own: it is another one than the
// session's, and always the same.
func TestCookiesOfApplications(t *testing.T) {
	const at = 20_000 * event.Day
	own, n := 0, 0
	for mark := range uint64(200) {
		d := device{mark: mark}
		for app := range uint8(20) {
			signIn := step{at: at, device: &d, session: 1, do: oktaSignIn, app: app}
			open := step{at: at, device: &d, session: 1, do: oktaOpen, app: app}
			if cookieOf(&signIn) != d.cookie(at, 1) {
				t.Fatal("a sign-in in the browser of an application")
			}
			n++
			if cookieOf(&open) != d.cookie(at, 1) {
				own++
				if again := open; cookieOf(&again) != cookieOf(&open) {
					t.Fatal("an application has another cookie each time")
				}
			}
		}
	}
	if own < n/oneInOwnJar*7/10 || own > n/oneInOwnJar*13/10 {
		t.Errorf("%d of %d applications open in a browser of their own, want one in %d", own, n, oneInOwnJar)
	}
}

var dtHash = regexp.MustCompile(`"dtHash":"([0-9a-f]{64})"`)

// No attacker has a cookie of the owner's but one who has stolen it with the
// session.
func TestAttackersHaveTheirOwnCookies(t *testing.T) {
	type jar struct{ user, cookie string }
	owners, taken := map[jar]bool{}, map[string][2]int{} // of an attack: with the owner's cookie, and not
	p := NewPopulation(PopulationConfig{Seed: 3, Users: 150, Days: 70})
	for {
		r, ok := p.Next()
		if !ok {
			break
		}
		m := dtHash.FindSubmatch(r.Value)
		switch {
		case m == nil:
		case r.Truth.Attack == "":
			owners[jar{r.Truth.User, string(m[1])}] = true
		case r.Truth.Compromise:
			n := taken[r.Truth.Attack]
			if owners[jar{r.Truth.User, string(m[1])}] {
				n[0]++
			} else {
				n[1]++
			}
			taken[r.Truth.Attack] = n
		}
	}
	for attack, n := range taken {
		switch {
		case attack == SessionReplay && (n[0] == 0 || n[1] == 0):
			t.Errorf("%s: %d have the owner's cookie, %d have not; want some of both", attack, n[0], n[1])
		case attack == InsiderDownload: // is the owner
		case attack != SessionReplay && n[0] > 0:
			t.Errorf("%s: %d have the owner's cookie", attack, n[0])
		}
	}
	if len(taken) < len(Attacks)/2 {
		t.Errorf("only %v came in through Okta", taken)
	}
}
