package scoring

import (
	"encoding/binary"
	"slices"
)

// phrases are what the names and summaries of contributions are made of. Each is
// kept as one byte: as they read, names and summaries were most of what was kept
// of a user with open evidence. What is no phrase is kept as it is, so a list
// that lags behind the detectors costs some bytes and nothing else.
//
// A phrase stays at its place for ever, since states refer to it. More may be
// added at the end, up to itemPhrases, which raises contributionsVersion.
var phrases = [...]string{
	// Names.
	"impossible_travel", "atypical_travel", "new_country", "new_network", "new_device", "unfamiliar_sign_in",
	"new_app", "unusual_hours", "dormant_account", "anonymous_ip", "threat_ip", "brute_force_success",
	"failed_login_burst", "leaked_credential", "mfa_fatigue", "mfa_fatigue_approved", "mfa_brute_force",
	"mfa_change_after_risk", "legacy_protocol", "device_code_sign_in", "risky_consent", "session_hijack",
	"mass_access", "service_account_misuse", "outside_access_window", "device_noncompliant",
	"privilege_after_risk", "user_reported", "idp_risk", "password_spray", "credential_stuffing",
	"unsanctioned_app", "confirmed_compromised", "rule:",

	// Summaries: who comes from where.
	"Sign-in", "Session goes on", "Wrong password", " from ", " through ", " on ", " (AS",

	// What is new.
	" from a device new for this user: ", " from a network new for this user: ",
	" from a hosting network new for this user: ", " from a country new for this user: ", "; known: ",
	" through a VPN new for this user: ", " through a public proxy new for this user: ",
	" through a residential proxy new for this user: ", " new for this user", "First sign-in to an app: ",
	" from a browser of a kind that this user has, but none of theirs: ", "Chrome", "Edge", "Safari", "Firefox",
	" on Windows", " on macOS", " on Linux", " on Android", " on iOS",

	// Habits.
	"Unlike this user: ", "a new network in a new country, ", "a new network in a known country, ",
	"a new address in a known network, ", "a known address, ", "a known device; ", "a new browser of a known kind; ", "a new device of a new system; ",
	"a new device of a known system; ", "more than ", " times likelier to be somebody else",
	" at about ", ":00 on a weekday where this user was last located; they hardly ever sign in then",
	":00 on a weekend where this user was last located; they hardly ever sign in then", "First sign of life for ",

	// Travel.
	" minutes after ", " hours after ", "a sign-in in ", " km/h", " km at ", " on a new device ",
	" km from anywhere this user was seen lately",

	// Passwords and second factors.
	" wrong passwords", " wrong codes", " after ", " within ", " minutes", " were tried on ", " users", " networks",
	", few on each", ", part of a campaign: ", ", where ", "Push request from ", " approved after ", " push requests in ",
	" not approved: ", " denied, ", " unanswered", " after a sign-in from a new network: ",
	" while the user is at risk (",

	// What is done with an account.
	" resources read within ", " of them confidential or restricted", " apps new for this user opened within ",
	"; it began in another network on another device", ", not known as this user's before today: ", " from a registered device new for this user: ", "Workload used from ",
	"Let in an app that is not sanctioned: ", ", for the whole tenant",
	", which is not sanctioned and was first seen on ", ", which nobody has sanctioned and was first seen on ", " so far",
	"Device that is not compliant used on what is ", "Temporary access to ", " used outside its approved window",

	// Verdicts, lists and protocols.
	"The identity provider rates this as ", "The user reports activity that was somebody else's",
	"Confirmed as compromised; the score stays at 100 until it is released",
	" with a password that has leaked, by the list ", " from an address on the threat list ",
	"Signed in over a protocol that cannot ask for a second factor, new for this user: ",
	"First device-code sign-in of this user", "Device-code sign-in", ", from a network that is new: ",
	", on a device that is not compliant",
}

// A text in phrases is items, each of one byte and what follows it. It ends with
// itemEnd or where its array ends.
const (
	itemEnd     = 0
	itemMost    = 0x7f // up to it: so many bytes of text follow
	itemPhrase  = 0x80 // from it on: a phrase
	itemPhrases = 0x80 // that many at most
)

// maxSummary is how long a summary may be; past it, it is cut. In phrases it
// takes at most the bytes of two stretches of text more.
const maxSummary = 192

// summary is a text in phrases, in which it is kept from the event that raises
// it to the record that tells it: only these two have to do with phrases.
type summary [maxSummary + 8]byte

// set keeps s, cut at a character's boundary where it does not fit.
func (t *summary) set(s string) {
	var buf [maxSummary]byte
	setText(buf[:], s)
	*t = summary{}
	inPhrases(t[:0], text(buf[:]))
}

// String is what set kept, as it reads.
func (t summary) String() string {
	var buf [maxSummary]byte
	out := buf[:0]
	for items := t[:]; len(items) > 0 && items[0] != itemEnd; {
		item := items[0]
		items = items[1:]
		switch {
		case item <= itemMost:
			n := min(int(item), len(items))
			out = append(out, items[:n]...)
			items = items[n:]
		case int(item-itemPhrase) < len(phrases):
			out = append(out, phrases[item-itemPhrase]...)
		}
	}
	return string(out)
}

// A phrase is looked for by its first phraseStart bytes, in a table with places
// enough that most texts that begin none meet an empty one.
const (
	phraseStart  = 4
	phrasePlaces = 1 << 10
)

// phraseIndex finds phrases by how they begin. Numbers are one higher than
// places in phrases; 0 is none.
var phraseIndex = indexPhrases()

type phraseTable struct {
	first [phrasePlaces]uint8
	next  [len(phrases) + 1]uint8 // shorter, by the one before
}

func indexPhrases() (t phraseTable) {
	numbers := make([]uint8, len(phrases))
	for i := range numbers {
		numbers[i] = uint8(i + 1)
	}
	slices.SortStableFunc(numbers, func(a, b uint8) int { return len(phrases[a-1]) - len(phrases[b-1]) })
	for _, n := range numbers { // the longest last, which comes to be the first
		place := phrasePlace([]byte(phrases[n-1]))
		t.first[place], t.next[n] = n, t.first[place]
	}
	return t
}

func phrasePlace(b []byte) uint32 {
	return binary.LittleEndian.Uint32(b) * 0x9e3779b1 >> 22
}

// phraseAt is the number of the longest phrase that b begins with; 0 for none.
func phraseAt(b []byte) uint8 {
	if len(b) < phraseStart {
		return 0
	}
	n := phraseIndex.first[phrasePlace(b)]
	for ; n != 0; n = phraseIndex.next[n] {
		if p := phrases[n-1]; len(b) >= len(p) && string(b[:len(p)]) == p {
			return n
		}
	}
	return 0
}

// inPhrases appends a text in phrases. It looks for them at its beginning, behind
// another and where a space or a mark is.
func inPhrases(b, text []byte) []byte {
	from := 0 // of what is not yet written
	for i := 0; i < len(text); {
		if n := phraseAt(text[i:]); n != 0 {
			b = append(inPlain(b, text[from:i]), itemPhrase+n-1)
			i += len(phrases[n-1])
			from = i
			continue
		}
		for i++; i < len(text) && !mayBegin(text[i]); i++ {
		}
	}
	return inPlain(b, text[from:])
}

// mayBegin reports that a phrase in the middle of a text begins so.
func mayBegin(c byte) bool { return c == ' ' || c == ',' || c == ';' || c == ':' }

func inPlain(b, text []byte) []byte {
	for len(text) > 0 {
		n := min(len(text), itemMost)
		b = append(append(b, byte(n)), text[:n]...)
		text = text[n:]
	}
	return b
}
