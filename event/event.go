// Package event holds the words that every part of riskstream shares: the
// normalised Event, the Detection that a detector or rule raises, and the
// Score that is published. It imports nothing else of riskstream.
//
// The JSON form of each is a contract (see docs/schemas); field names follow
// the Elastic Common Schema where it has one.
package event

import (
	"net/netip"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Event is one normalised event of an identity provider or access log. Absent
// strings are "", absent numbers 0, absent flags Unknown: absent is not false.
// It is a plain value that may be copied; it holds no reference to the raw
// record it was parsed from.
type Event struct {
	Time     Time // the log's own time, never the time of arrival
	ID       string
	Kind     Kind
	Action   Action
	Outcome  Outcome
	Reason   Reason
	Code     string // the native event type or error code
	Provider string // the format that parsed it: okta, entra, keycloak, …
	Original string // the raw event; kept only when configured

	User      User
	Source    Source
	UserAgent UserAgent
	Device    Device
	Session   Session
	App       App
	Resource  Resource
	Auth      Auth
	IDPRisk   IDPRisk

	Tenant string // organization.id; from the configuration, never the payload
	Origin Origin
	Signal Signal // of signals of the source lane only
}

// Kind tells a log's event from a signal that another part of riskstream sends
// to a subject through the same topic.
type Kind string

// Kinds of event.
const (
	KindEvent  Kind = "event"
	KindSignal Kind = "signal"
)

// Kinds lists every Kind.
var Kinds = [...]Kind{KindEvent, KindSignal}

// Codes of the signals (KindSignal, IDPSignal) that carry a person's verdict.
const (
	ConfirmSafe        = "confirm_safe"        // removes the open evidence
	ConfirmCompromised = "confirm_compromised" // pins the score until release
	Release            = "release"             // ends the pin
)

// Erase is the code of the signal (KindSignal, IDPSignal) with which riskstream
// erase has the lane forget its subject. It is no verdict: only what stands in
// risk.events has it, and ingest refuses it from a source. Its session.id names
// a session whose record is to end too.
const Erase = "erase"

// Codes of the signals (KindSignal, IDPSignal) of the source lane to subjects;
// Signal has the facts.
const (
	PasswordSpray      = "password_spray"      // passwords were tried on many users from a network that the subject has come in from, or on it too
	CredentialStuffing = "credential_stuffing" // the same, one or two on each of very many
	UnsanctionedApp    = "unsanctioned_app"    // the subject has begun to use an application that is new and not sanctioned
)

// Action is what was done, in riskstream's own small vocabulary.
type Action string

// Actions. The native name stays in Event.Code.
const (
	SignIn           Action = "sign_in"
	SignOut          Action = "sign_out"
	MFAChallenge     Action = "mfa_challenge"
	MFAVerify        Action = "mfa_verify"
	TokenIssue       Action = "token_issue"
	TokenRefresh     Action = "token_refresh"
	Access           Action = "access"
	Download         Action = "download"
	Write            Action = "write"
	Delete           Action = "delete"
	ConsentGrant     Action = "consent_grant"
	PrivilegeGrant   Action = "privilege_grant"
	CredentialChange Action = "credential_change"
	MFAEnroll        Action = "mfa_enroll"
	MFARemove        Action = "mfa_remove"
	PasswordReset    Action = "password_reset"
	AccountLock      Action = "account_lock"
	AccountCreate    Action = "account_create"
	AccountDisable   Action = "account_disable"
	DeviceRegister   Action = "device_register"
	IDPSignal        Action = "idp_signal"
	SessionRevoke    Action = "session_revoke"
	Other            Action = "other"
)

// Actions lists every Action in the contract's order.
var Actions = [...]Action{
	SignIn, SignOut, MFAChallenge, MFAVerify, TokenIssue, TokenRefresh, Access, Download,
	Write, Delete, ConsentGrant, PrivilegeGrant, CredentialChange, MFAEnroll, MFARemove,
	PasswordReset, AccountLock, AccountCreate, AccountDisable, DeviceRegister, IDPSignal,
	SessionRevoke, Other,
}

// Outcome of the action as the log tells it.
type Outcome string

// Outcomes.
const (
	Success        Outcome = "success"
	Failure        Outcome = "failure"
	OutcomeUnknown Outcome = "unknown"
)

// Outcomes lists every Outcome.
var Outcomes = [...]Outcome{Success, Failure, OutcomeUnknown}

// Reason says why an action failed or was interrupted.
type Reason string

// Reasons.
const (
	BadCredentials     Reason = "bad_credentials"
	UnknownUser        Reason = "unknown_user" // the IdP says so; not "never seen"
	ExpiredCredentials Reason = "expired_credentials"
	MFADenied          Reason = "mfa_denied"
	MFATimeout         Reason = "mfa_timeout"
	MFAFailed          Reason = "mfa_failed"
	Locked             Reason = "locked"
	Disabled           Reason = "disabled"
	BlockedByPolicy    Reason = "blocked_by_policy"
	Interrupted        Reason = "interrupted"
	OtherReason        Reason = "other"
)

// Reasons lists every Reason.
var Reasons = [...]Reason{
	BadCredentials, UnknownUser, ExpiredCredentials, MFADenied, MFATimeout, MFAFailed,
	Locked, Disabled, BlockedByPolicy, Interrupted, OtherReason,
}

// Flag is a boolean that may be absent.
type Flag int8

// Flag values. The zero value is Unknown.
const (
	False   Flag = -1
	Unknown Flag = 0
	True    Flag = 1
)

// FlagOf turns a known boolean into a Flag.
func FlagOf(b bool) Flag {
	if b {
		return True
	}
	return False
}

// UserKind tells people from workloads.
type UserKind string

// Kinds of user.
const (
	Human       UserKind = "human"
	Service     UserKind = "service"
	UserUnknown UserKind = "unknown"
)

var userKinds = [...]UserKind{Human, Service, UserUnknown}

// User is the account that acted. Subject is the canonical user, without
// tenant: the lower-cased e-mail or UPN, else provider:id, after the
// directory's aliases; empty where the log names nobody or the IdP says that
// the name is unknown.
type User struct {
	ID, Name, Email, FullName string
	Kind                      UserKind
	Privileged                Flag
	Subject                   string
	Leaked                    Leak
}

// Leak is what a list of leaked accounts says of a user.
type Leak struct {
	List string // its name; "" when the user is on none
	At   Time   // when the password got out; 0 when the list does not say
}

// Source is where the request came from.
type Source struct {
	IP         netip.Addr // unmapped, without zone; invalid when absent
	Corporate  Flag       // a corporate egress network of the directory
	Anonymizer string     // tor, vpn, proxy, residential_proxy, hosting; "" when none is known
	ThreatList string     // the name of a threat list that the address is on; "" when it is on none
	Geo        Geo
	AS         AS
}

// Geo is the location of the source address. Lat and Lon count only when
// Located. Name is the directory's name of a place common in the organisation.
type Geo struct {
	Country    string // ISO 3166-1 alpha-2, upper case
	City       string
	Name       string
	Lat, Lon   float64 // degrees
	Located    bool
	AccuracyKM float64 // radius that holds the true place; 0 when unknown
}

// AS is the autonomous system of the source address. Type is mobile or
// satellite where that is known.
type AS struct {
	Number       uint32
	Organization string
	Type         string
}

// AS types.
const (
	ASMobile    = "mobile"
	ASSatellite = "satellite"
)

// UserAgent as sent, and what was recognised in it. ID is what the provider's
// own cookie names this installation of the browser (Okta's dtHash): it goes
// when the cookies go and can be stolen with them, so that it binds no device.
type UserAgent struct {
	ID, Original, Name, Version, OS string
}

// Device is the device as the identity provider knows it. ID is set only for a
// device that the provider bound or registered, never for a fingerprint.
type Device struct {
	ID                 string
	Managed, Compliant Flag
}

// Session is the identity provider's session.
type Session struct{ ID string }

// App is the application signed in to.
type App struct {
	ID, Name   string
	Sanctioned Flag
}

// Resource is what was read, written or changed. AccessWindow says whether the
// directory has approved the user's access to it, or to the app, for this time;
// it is absent where the directory approves nothing for a time only.
type Resource struct {
	ID, Name, Classification string
	AccessWindow             AccessWindow
}

// AccessWindow is how an event lies to the windows for which temporary access
// was approved.
type AccessWindow string

// Access windows.
const (
	InsideWindow  AccessWindow = "inside"
	OutsideWindow AccessWindow = "outside"
)

// AccessWindows lists every AccessWindow that is not absent.
var AccessWindows = [...]AccessWindow{InsideWindow, OutsideWindow}

// Auth says how the user proved who they are. Method is what was used in this
// event (one of the Method constants or the native name in lower case); Factor
// is its strength.
type Auth struct {
	Method   string
	Factor   Factor
	Protocol string // the native name: oauth2, saml, deviceCode, ropc, …
}

// ByDeviceCode reports that the tokens of this event went to a device that
// only showed a code: whoever typed it in, and proved a factor for it, was at
// another one.
func (a *Auth) ByDeviceCode() bool {
	return strings.EqualFold(a.Protocol, "deviceCode") || strings.EqualFold(a.Protocol, "urn:ietf:params:oauth:grant-type:device_code")
}

// Factor is the strength of the authentication in this event.
type Factor string

// Factors, weakest first. A factor that an earlier token carries over is
// FactorClaim: it proves nothing about this sign-in.
const (
	FactorNone     Factor = ""
	FactorPassword Factor = "password"
	FactorClaim    Factor = "claim"
	FactorSMS      Factor = "sms" // SMS, voice call, e-mail
	FactorOTP      Factor = "otp" // TOTP, hardware OTP
	FactorPush     Factor = "push"
	FactorStrong   Factor = "phishing_resistant" // FIDO2, passkey, FastPass, Windows Hello, certificate
)

// Factors lists every Factor that is not absent.
var Factors = [...]Factor{FactorPassword, FactorClaim, FactorSMS, FactorOTP, FactorPush, FactorStrong}

// IDPRisk is the identity provider's own verdict.
type IDPRisk struct {
	Level   string // low, medium, high; "" when absent
	Reasons string // as the provider lists them, joined by ", "
}

// Origin is where the raw event stood: the position in Kafka, and the index of
// the event inside its record. TopicID is empty for events read from files.
type Origin struct {
	Topic     string
	TopicID   string
	Partition int32
	Offset    int64
	Index     int32
}

// Set reports whether the event came from Kafka.
func (o Origin) Set() bool { return o.Topic != "" }

// Signal is what the source lane has seen of a source network when it sends a
// signal to a subject that has come in from there, or, with the outcome
// failure, on whom a password was tried from there; of an application, when it
// sends one to a subject that has begun to use it.
type Signal struct {
	Users    uint32 // on whom wrong passwords were tried; who have begun to use the application
	Attempts uint32 // how many wrong passwords
	Tries    uint32 // how many of them on this subject
	Networks uint32 // from how many networks they came; 0: from that one alone
	Since    Time   // the first of them; when the application was first seen
	SignedIn Time   // when the subject came in; 0: it was tried in vain
}

// Network is the source network of an address: IPv4 /32, IPv6 /64, since one
// household or device moves freely inside a /64.
func Network(ip netip.Addr) netip.Prefix {
	bits := 32
	if ip.Is6() && !ip.Is4In6() {
		bits = 64
	}
	p, err := ip.Unmap().Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// NetworkHash identifies the source network in state; 0 when there is none.
func (s *Source) NetworkHash() uint64 {
	if !s.IP.IsValid() {
		return 0
	}
	b := Network(s.IP).Addr().As16()
	return nonZero(xxhash.Sum64(b[:]))
}

// Hash identifies a string in state, where state holds no pointers. It is
// stable across versions; "" is 0 and nothing else is.
func Hash(s string) uint64 {
	if s == "" {
		return 0
	}
	return nonZero(xxhash.Sum64String(s))
}

// ShortHash shortens a hash for state that must be small. Only 0 becomes 0.
func ShortHash(h uint64) uint32 {
	if h == 0 {
		return 0
	}
	if short := uint32(h>>32) ^ uint32(h); short != 0 {
		return short
	}
	return 1
}

func nonZero(h uint64) uint64 {
	if h == 0 {
		return 1
	}
	return h
}

// Key is the record key of a subject's events, detections and, behind
// "user:", scores.
func Key(tenant, subject string) string { return tenant + "/" + subject }

// Erases reports that the event has the lane forget its subject.
func (e *Event) Erases() bool {
	return e.Kind == KindSignal && e.Action == IDPSignal && e.Code == Erase
}
