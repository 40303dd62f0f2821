package ingest

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

// resolveSubject sets user.subject, unless the format has: the lower-cased
// e-mail or UPN, so that one person's accounts meet; else provider:id; else
// provider:name. It stays empty where the log names nobody or the provider's
// own machinery. What was typed for a user whom the provider does not know may
// be a password: it is erased from the event and names no subject.
func resolveSubject(e *event.Event) {
	u := &e.User
	if e.Reason == event.UnknownUser {
		eraseUser(u)
		return
	}
	if u.Subject != "" || machinery(u.Name) || machinery(u.Email) {
		return
	}
	switch {
	case isEmail(u.Email):
		u.Subject = strings.ToLower(u.Email)
	case isEmail(u.Name):
		u.Subject = strings.ToLower(u.Name)
	case !nobody(u.ID):
		u.Subject = e.Provider + ":" + u.ID
	case !nobody(u.Name):
		u.Subject = e.Provider + ":" + strings.ToLower(u.Name)
	}
}

// eraseUser removes who the event says acted; what kind of user it was stays.
func eraseUser(u *event.User) {
	*u = event.User{Kind: u.Kind}
}

// isEmail reports whether s looks like an e-mail address or UPN: one @ with
// something before it and a dotted domain behind it.
func isEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	if at < 1 || len(s) > 254 {
		return false
	}
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '"', ',', ';', '<', '>', '(', ')':
			return false
		}
	}
	domain := s[at+1:]
	dot := strings.LastIndexByte(domain, '.')
	return dot > 0 && dot < len(domain)-1 && domain[0] != '.' && !strings.Contains(domain, "@")
}

// nobody knows the ids and names that stand for "no user".
func nobody(s string) bool {
	switch len(s) { // most ids have another length than those words
	case 0:
		return true
	case len("null"), len("unknown"), len("anonymous"):
		switch strings.ToLower(s) {
		case "unknown", "anonymous", "null", "none":
			return true
		}
	case len(zeroID):
		return s == zeroID
	}
	return false
}

const zeroID = "00000000-0000-0000-0000-000000000000"

// machinery knows the names under which providers log what they do themselves.
func machinery(name string) bool {
	return strings.EqualFold(name, oktaMachinery)
}

const oktaMachinery = "system@okta.com"
