package enrich

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// LeakedConfig is a file of accounts whose passwords have leaked.
type LeakedConfig struct {
	Path string `yaml:"path"`
	Name string `yaml:"name"` // of the list, as evidence tells it
}

// leakedList is what a file says of accounts.
type leakedList struct {
	name     string
	accounts map[accountKey]leak
}

// accountKey stands for a user name: half of the SHA-256 of its lower-case form.
// Names are not kept, and a file need not tell them either.
type accountKey [sha256.Size / 2]byte

// leak is one line: when the password got out, 0 if that is not said, and when
// the line is no longer to count.
type leak struct{ at, until event.Time }

func keyOf(name string) accountKey {
	var buf [128]byte
	sum := sha256.Sum256(event.AppendLower(buf[:0], name))
	return accountKey(sum[:len(accountKey{})])
}

// parseLeaked reads one account per line: a user name or e-mail address, or the
// SHA-256 of its lower-case form in hexadecimal digits; behind it the time of
// the leak ("-" where that is not known) and when the line expires, if they are
// given. Of two lines of one account the later leak counts.
func parseLeaked(path string, data []byte) (map[accountKey]leak, error) {
	accounts := map[accountKey]leak{}
	err := eachEntry(path, data, "accounts", func(fields []string) error {
		if len(fields) > 3 {
			return fmt.Errorf("%.60q is more than an account, the time of the leak and an expiry", strings.Join(fields, " "))
		}
		l := leak{until: never}
		for i, into := range [...]*event.Time{&l.at, &l.until} {
			if len(fields) <= i+1 || i == 0 && fields[1] == "-" {
				continue
			}
			var err error
			if *into, err = parseMoment(fields[i+1]); err != nil {
				return err
			}
		}
		key := keyOf(fields[0])
		if sum, err := hex.DecodeString(fields[0]); err == nil && len(sum) == sha256.Size {
			key = accountKey(sum[:len(key)])
		}
		if before, twice := accounts[key]; !twice || l.at > before.at || l.at == before.at && l.until > before.until {
			accounts[key] = l
		}
		return nil
	})
	return accounts, err
}

// enrichLeaked says whether a user is on a list at the event's time, by
// whichever name the log or the directory has. Of several leaks the newest
// counts; one that is yet to come does not.
func enrichLeaked(lists []leakedList, u *event.User, at event.Time) {
	if len(lists) == 0 {
		return
	}
	u.Leaked = event.Leak{}
	names := [...]string{u.Subject, u.Email, u.Name}
	for i, name := range names {
		if name == "" || i > 0 && strings.EqualFold(name, names[0]) || i > 1 && strings.EqualFold(name, names[1]) {
			continue
		}
		key := keyOf(name)
		for j := range lists {
			l, found := lists[j].accounts[key]
			if found && l.at <= at && at < l.until && (u.Leaked.List == "" || l.at > u.Leaked.At) {
				u.Leaked = event.Leak{List: lists[j].name, At: l.at}
			}
		}
	}
}
