package ingest

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// sign is a text by which something is recognised in a log's words, in lower
// case, and what it means.
type sign[T any] struct {
	text  string
	means T
}

// meaning is what the first of the signs that stand in the words means, else
// the zero T. The case of the words does not matter.
func meaning[T any](words string, signs []sign[T]) T {
	var buf [64]byte
	words = borrow(event.AppendLower(buf[:0], words))
	for i := range signs {
		if strings.Contains(words, signs[i].text) {
			return signs[i].means
		}
	}
	var none T
	return none
}

// factorOf is the strength of an authentication method, from the words in
// which logs name methods. The order matters: a passkey may live in the
// Authenticator app, and a one-time code may come by text message. A method
// that is not recognised has no strength rather than a guessed one, since
// strength lowers risk.
func factorOf(method string) event.Factor { return meaning(method, factorSigns) }

var factorSigns = []sign[event.Factor]{
	{"satisfied", event.FactorClaim}, // "Previously satisfied", "… satisfied by claim in the token"
	{"by claim", event.FactorClaim},
	{"fido", event.FactorStrong},
	{"webauthn", event.FactorStrong},
	{"u2f", event.FactorStrong},
	{"passkey", event.FactorStrong},
	{"hello", event.FactorStrong}, // Windows Hello for Business
	{"certificate", event.FactorStrong},
	{"smart card", event.FactorStrong},
	{"platform credential", event.FactorStrong}, // macOS, bound to the secure enclave
	{"notification", event.FactorPush},
	{"phone sign-in", event.FactorPush}, // passwordless, approved in the app
	{"phonesignin", event.FactorPush},
	{"temporary", event.FactorPassword}, // temporary access pass: whoever issued it knows it
	{"text message", event.FactorSMS},
	{"sms", event.FactorSMS},
	{"call", event.FactorSMS},
	{"voice", event.FactorSMS},
	{"email", event.FactorSMS},
	{"oath", event.FactorOTP},
	{"otp", event.FactorOTP},
	{"verification code", event.FactorOTP}, // of the app
	{"one-time", event.FactorOTP},
	{"onetime", event.FactorOTP},
	{"hardware token", event.FactorOTP},
	{"authenticator", event.FactorPush},
	{"push", event.FactorPush},
	{"password", event.FactorPassword},
	{"security question", event.FactorPassword},
}

// factorRank orders factors by strength; none is 0.
func factorRank(f event.Factor) int { return slices.Index(event.Factors[:], f) + 1 }

// reasonOf reads why something failed out of a log's own words: one of the
// contract's reasons, a code such as USER_DOES_NOT_EXIST, or a sentence. It is
// "" where the log says nothing and "other" where it says what is not known
// here.
func reasonOf(words string) event.Reason {
	if words == "" {
		return ""
	}
	if slices.Contains(event.Reasons[:], event.Reason(words)) {
		return event.Reason(words)
	}
	if reason := meaning(separators.Replace(words), reasonSigns); reason != "" {
		return reason
	}
	return event.OtherReason
}

// separators of codes become those of sentences.
var separators = strings.NewReplacer("_", " ", "-", " ", ".", " ")

var reasonSigns = []sign[event.Reason]{
	{"blocked", event.BlockedByPolicy}, // before locked, which it contains
	{"expired", event.ExpiredCredentials},
	{"locked", event.Locked},
	{"lockout", event.Locked},
	{"lock out", event.Locked},
	{"disabled", event.Disabled},
	{"inactive", event.Disabled},
	{"suspended", event.Disabled},
	{"password", event.BadCredentials}, // "user name or password" says nothing of the name
	{"credential", event.BadCredentials},
	{"not exist", event.UnknownUser},
	{"not found", event.UnknownUser},
	{"unknown user", event.UnknownUser},
	{"invalid user", event.UnknownUser},
	{"no such user", event.UnknownUser},
	{"declined", event.MFADenied},
	{"rejected", event.MFADenied},
	{"fraud", event.MFADenied},
	{"mfa denied", event.MFADenied},
	{"respon", event.MFATimeout}, // no response, did not respond
	{"timeout", event.MFATimeout},
	{"timed out", event.MFATimeout},
	{"mfa", event.MFAFailed},
	{"factor", event.MFAFailed},
	{"otp", event.MFAFailed},
	{"passcode", event.MFAFailed},
	{"policy", event.BlockedByPolicy},
	{"not allowed", event.BlockedByPolicy},
}

// ofTarget reports whether an action changes somebody's credentials, factors
// or privileges. Such an event is about the account that was changed, whoever
// changed it; see docs/sources/README.md.
func ofTarget(a event.Action) bool {
	switch a {
	case event.CredentialChange, event.PasswordReset, event.MFAEnroll, event.MFARemove,
		event.PrivilegeGrant, event.AccountLock, event.AccountDisable, event.SessionRevoke:
		return true
	}
	return false
}

// sameAccount is the initiator if both name one account, else the target: an
// initiator is mostly named more fully.
func sameAccount(initiator, target event.User) event.User {
	if (target.ID != "" && target.ID == initiator.ID) ||
		(target.Name != "" && strings.EqualFold(target.Name, initiator.Name)) {
		return initiator
	}
	return target
}

// object reads a member that is an object, or one that stands in a string as
// JSON, as some exports leave it. It is nil when there is none.
func object(v *fastjson.Value, name string) *fastjson.Value {
	if m := embedded(v, name); m != nil && m.Type() == fastjson.TypeObject {
		return m
	}
	return nil
}

// embedded reads a member, parsing it if it is JSON inside a string.
func embedded(v *fastjson.Value, name string) *fastjson.Value {
	m := v.Get(name)
	if m == nil || m.Type() != fastjson.TypeString {
		return m
	}
	b := m.GetStringBytes()
	if len(b) == 0 || (b[0] != '{' && b[0] != '[') {
		return nil
	}
	parsed, err := fastjson.ParseBytes(b)
	if err != nil {
		return nil
	}
	return parsed
}

// known is id, unless it is one of those that stand for nothing.
func known(id string) string {
	if nobody(id) {
		return ""
	}
	return id
}

// containsFold reports whether s contains the lower-case ASCII text lower,
// whatever the case of s.
func containsFold(s, lower string) bool {
	for i := 0; i+len(lower) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}
