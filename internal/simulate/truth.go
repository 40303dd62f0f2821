package simulate

// Truth is what the simulation knows of a record and no log says. Company
// leaves it empty.
type Truth struct {
	// Attack is what the record is part of, one of Attacks; "" when its author
	// is who they say they are.
	Attack string
	// Variant is where the attacker comes from: Hosting or Residential; "" for
	// what is no attack.
	Variant string
	// Campaign numbers attacks from 1: one attack on one user, or on all users
	// of a spray or of stuffing. 0 for what is no attack.
	Campaign uint32
	// Story is the hard negative that a benign record belongs to, one of
	// Negatives; "" for ordinary days and attacks.
	Story string
	// User is the account's canonical user, as in user.subject.
	User string
	// EventID is the record's event.id.
	EventID string
	// Compromise marks the event with which the attacker is in: the first that
	// succeeds and is not the owner's. An attack is found in time when it is
	// found by this event. A campaign has at most one for each user.
	Compromise bool
	// InHands says that somebody else has the account at this event: from
	// Compromise on, for three days after the attacker's last event. With
	// Attack "" it is the owner's own event in that time, which is neither
	// attack nor benign: measures leave it out.
	InHands bool
}

// Benign reports whether an alarm about the record would be a false one.
func (t *Truth) Benign() bool { return t.Attack == "" && !t.InHands }

// Variants of attacks.
const (
	Hosting     = "hosting"     // rented machines: networks that lists of hosting or VPNs know
	Residential = "residential" // homes and phones, of the attacker or behind a proxy
)

// What attackers do: one function each in attacks.go says how.
const (
	Naive            = "naive"             // a stolen password, from wherever the attacker is
	VPN              = "vpn"               // through an exit in the victim's country
	Targeted         = "targeted"          // the victim's country, system and browser
	VeryTargeted     = "very_targeted"     // the victim's own provider, browser and hours
	SprayFast        = "spray_fast"        // few passwords on many users, one address, within an hour
	SprayDistributed = "spray_distributed" // the same from many addresses
	SpraySlow        = "spray_slow"        // the same over days
	Stuffing         = "stuffing"          // leaked pairs, one try each
	ResidentialProxy = "residential_proxy" // another address in the victim's country for each request
	MFAFatigue       = "mfa_fatigue"       // pushes until one is approved
	SessionReplay    = "session_replay"    // a session stolen by a phishing proxy or malware goes on elsewhere
	DormantRevival   = "dormant_revival"   // an account that nobody has used for months
	FactorEnrolment  = "factor_enrolment"  // the attacker's own second factor
	InsiderDownload  = "insider_download"  // the owner's own mass download
)

// Attacks lists every attack.
var Attacks = [...]string{
	Naive, VPN, Targeted, VeryTargeted, SprayFast, SprayDistributed, SpraySlow, Stuffing, ResidentialProxy,
	MFAFatigue, SessionReplay, DormantRevival, FactorEnrolment, InsiderDownload,
}

// Hard negatives: what looks like an attack and is none.
const (
	CarrierJitter     = "carrier_jitter"      // the carrier's gateway is in one city now and in another then
	HomeRoutedRoaming = "home_routed_roaming" // abroad, the phone's address is at home, the laptop's is not
	VPNToggling       = "vpn_toggling"        // a VPN switched on and off during the day
	InFlightWiFi      = "inflight_wifi"       // a satellite network
	GeoIPChange       = "geoip_change"        // the home's address is suddenly placed elsewhere
	IPv6Rotation      = "ipv6_rotation"       // a new address in the same /64 each time
	CarrierNAT        = "carrier_nat"         // many people behind few addresses
	OfficeNAT         = "office_nat"          // so does an office
	Kiosk             = "kiosk"               // one computer, many people
	NightShift        = "night_shift"         // works at night, in some weeks
	NewHire           = "new_hire"            // nothing is known of them
	TripAbroad        = "trip_abroad"         // hotel, other country, own devices
	ProviderChange    = "provider_change"     // home has another provider from now on
	OneOffBrowser     = "one_off_browser"     // somebody else's or a second browser, once
	NewPhone          = "new_phone"           // bought and enrolled
	BrowserUpdate     = "browser_update"      // the first sign-in with a new version
	ReturnFromLeave   = "return_from_leave"   // the first days after months
	ForgottenPassword = "forgotten_password"  // wrong ones, a reset, the right one
	StalePassword     = "stale_password"      // a device goes on trying the old one
	SessionMove       = "session_move"        // the open session goes along to a café, to the phone's hotspot, into a VPN
)

// Negatives lists every hard negative.
var Negatives = [...]string{
	CarrierJitter, HomeRoutedRoaming, VPNToggling, InFlightWiFi, GeoIPChange, IPv6Rotation, CarrierNAT, OfficeNAT,
	Kiosk, NightShift, NewHire, TripAbroad, ProviderChange, OneOffBrowser, NewPhone, BrowserUpdate, ReturnFromLeave,
	ForgottenPassword, StalePassword, SessionMove,
}
