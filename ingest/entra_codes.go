package ingest

import (
	"github.com/riskstream/riskstream/event"
)

// entraReasons says what Entra's sign-in error codes mean to riskstream. Code 0
// is success. A code that is not listed is a failure with reason "other":
// Microsoft adds codes at will, and guessing a meaning is worse than none.
//
// Interrupts are not failures: Entra records them when it asks for something
// more (a second factor, a consent, a choice of account) and the sign-in goes
// on, often under the same id.
//
// Source: Microsoft's published list of AADSTS error codes.
var entraReasons = map[string]event.Reason{
	// The secret was wrong.
	"50126":   event.BadCredentials, // wrong user name or password
	"50056":   event.BadCredentials, // no password, or none stored
	"50064":   event.BadCredentials, // credential validation failed
	"50012":   event.BadCredentials, // client assertion failed
	"700027":  event.BadCredentials, // client assertion has a wrong signature
	"7000215": event.BadCredentials, // wrong client secret

	// No such user: the typed name may be a password.
	"50034": event.UnknownUser,
	"51004": event.UnknownUser,

	// It was right once.
	"50055":   event.ExpiredCredentials, // password expired
	"50144":   event.ExpiredCredentials, // directory password expired
	"50132":   event.ExpiredCredentials, // session revoked
	"50133":   event.ExpiredCredentials, // session ended by a password change
	"50173":   event.ExpiredCredentials, // grant revoked, fresh sign-in needed
	"70008":   event.ExpiredCredentials, // refresh token expired
	"70043":   event.ExpiredCredentials, // refresh token too old for sign-in frequency
	"70044":   event.ExpiredCredentials, // session too old for sign-in frequency
	"700082":  event.ExpiredCredentials, // refresh token expired from inactivity
	"700084":  event.ExpiredCredentials, // single-page-app refresh token expired
	"7000222": event.ExpiredCredentials, // client secret expired

	// The account.
	"50053": event.Locked, // smart lockout; entraReason tells a malicious address apart
	"50057": event.Disabled,

	// A policy said no.
	"50005":  event.BlockedByPolicy, // device platform not allowed
	"50105":  event.BlockedByPolicy, // user not assigned to the application
	"50131":  event.BlockedByPolicy, // conditional access, device state
	"53000":  event.BlockedByPolicy, // device not compliant
	"53001":  event.BlockedByPolicy, // device not domain-joined
	"53002":  event.BlockedByPolicy, // application not approved
	"53003":  event.BlockedByPolicy, // conditional access
	"53004":  event.BlockedByPolicy, // factor enrolment blocked because of risk
	"53011":  event.BlockedByPolicy, // user blocked because of risk
	"530032": event.BlockedByPolicy, // tenant security policy
	"530034": event.BlockedByPolicy, // delegated administrator blocked

	// Entra asks for something more.
	"16000": event.Interrupted, // several accounts, a choice is needed
	"16001": event.Interrupted, // account selection
	"50058": event.Interrupted, // silent sign-in without a session
	"50072": event.Interrupted, // second factor must be enrolled
	"50074": event.Interrupted, // strong authentication required
	"50076": event.Interrupted, // second factor required
	"50079": event.Interrupted, // second factor must be enrolled
	"50097": event.Interrupted, // device authentication required
	"50125": event.Interrupted, // password reset or registration asked
	"50127": event.Interrupted, // broker application needed
	"50129": event.Interrupted, // device registration needed
	"50140": event.Interrupted, // "keep me signed in?"
	"50158": event.Interrupted, // external challenge
	"50199": event.Interrupted, // confirmation page
	"50203": event.Interrupted, // authenticator registration asked
	"65001": event.Interrupted, // consent needed

	// The second factor failed; entraMFAReason says how.
	"500121": event.MFAFailed,
	"50088":  event.MFAFailed, // limit of telephone factors reached
}

// entraReason is the meaning of an error code, refined by the text that comes
// with it where one code stands for several causes.
func entraReason(code string, detail func() string) event.Reason {
	reason, listed := entraReasons[code]
	switch {
	case !listed:
		return event.OtherReason
	case reason == event.Locked && containsFold(detail(), "malicious"):
		return event.BlockedByPolicy
	case reason == event.MFAFailed:
		return entraMFAReason(detail())
	}
	return reason
}

// entraMFAReason reads how a second factor failed out of Entra's text, which
// is the only place that tells a user's "no" from a user's silence. "MFA
// denied" alone opens the text of most of them, so it is asked last.
func entraMFAReason(detail string) event.Reason {
	if reason := meaning(detail, entraMFASigns); reason != "" {
		return reason
	}
	return event.MFAFailed
}

var entraMFASigns = []sign[event.Reason]{
	{"declined", event.MFADenied},
	{"fraud", event.MFADenied},
	{"respond", event.MFATimeout}, // did not respond, does not respond
	{"timeout", event.MFATimeout},
	{"timed out", event.MFATimeout},
	{"code", event.MFAFailed},    // wrong verification code
	{"number", event.MFAFailed},  // wrong number of number matching
	{"blocked", event.MFAFailed}, // by an administrator, not by this "no"
	{"duplicate", event.MFAFailed},
	{"invalid", event.MFAFailed},
	{"incorrect", event.MFAFailed},
	{"denied", event.MFADenied},
}
