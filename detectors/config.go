package detectors

import (
	"fmt"
	"time"
)

// Config is the section `detectors` of the configuration. Durations are
// written as Go writes them: 10m, 336h.
type Config struct {
	Learning          LearningConfig          `yaml:"learning"`
	ImpossibleTravel  ImpossibleTravelConfig  `yaml:"impossible_travel"`
	NewCountry        NoveltyConfig           `yaml:"new_country"`
	NewNetwork        NoveltyConfig           `yaml:"new_network"`
	NewDevice         NoveltyConfig           `yaml:"new_device"`
	AnonymousIP       AnonymousIPConfig       `yaml:"anonymous_ip"`
	BruteForceSuccess BruteForceSuccessConfig `yaml:"brute_force_success"`
	FailedLoginBurst  FailedLoginBurstConfig  `yaml:"failed_login_burst"`
	PasswordSpray     PasswordSprayConfig     `yaml:"password_spray"`

	CredentialStuffing CredentialStuffingConfig `yaml:"credential_stuffing"`
	UnsanctionedApp    UnsanctionedAppConfig    `yaml:"unsanctioned_app"`

	MFAFatigue         MFAFatigueConfig         `yaml:"mfa_fatigue"`
	MFAFatigueApproved MFAFatigueApprovedConfig `yaml:"mfa_fatigue_approved"`
	MFABruteForce      MFABruteForceConfig      `yaml:"mfa_brute_force"`
	MFAChangeAfterRisk MFAChangeAfterRiskConfig `yaml:"mfa_change_after_risk"`
}

// LearningConfig says when a subject is known well enough for novelty to
// speak, and how fast its baselines may move.
type LearningConfig struct {
	SignIns         int           `yaml:"sign_ins"`          // novelty speaks from this many learned sign-ins on
	Age             time.Duration `yaml:"age"`               // or from this long after the first one
	Quiet           time.Duration `yaml:"quiet"`             // challenged places are learned after this long without a medium or high event
	DevicesPerDay   int           `yaml:"devices_per_day"`   // most new devices learned in a day (UTC)
	NetworksPerDay  int           `yaml:"networks_per_day"`  // most new networks
	CountriesPerDay int           `yaml:"countries_per_day"` // most new countries
}

// NoveltyConfig is the section of a detector that has no threshold of its own.
type NoveltyConfig struct {
	Enabled bool `yaml:"enabled"`
}

// Defaults is the configuration of an empty file. docs/detectors.md names the
// source of each threshold.
func Defaults() Config {
	return Config{
		Learning: LearningConfig{
			SignIns: 10, Age: 14 * 24 * time.Hour, Quiet: 3 * 24 * time.Hour,
			DevicesPerDay: 3, NetworksPerDay: 8, CountriesPerDay: 2,
		},
		ImpossibleTravel:  ImpossibleTravelConfig{Enabled: true, MinDistanceKM: 500, MinSpeedKMH: 900},
		NewCountry:        NoveltyConfig{Enabled: true},
		NewNetwork:        NoveltyConfig{Enabled: true},
		NewDevice:         NoveltyConfig{Enabled: true},
		AnonymousIP:       AnonymousIPConfig{Enabled: true},
		BruteForceSuccess: BruteForceSuccessConfig{Enabled: true, Failures: 5, Window: 30 * time.Minute},
		FailedLoginBurst:  FailedLoginBurstConfig{Enabled: true, Failures: 10, Window: 10 * time.Minute},
		PasswordSpray: PasswordSprayConfig{
			Enabled: true, Users: 5, Attempts: 15, MaxTries: 8, Share: 0.6, Span: 5 * time.Minute, Window: time.Hour,
			Distributed: DistributedSprayConfig{Networks: 5, Users: 8, Attempts: 25, Window: 15 * time.Minute},
			Slow:        SlowSprayConfig{Users: 12, Tries: 2},
		},
		CredentialStuffing: CredentialStuffingConfig{Enabled: true, Users: 15, Attempts: 25, MaxTries: 2, Share: 0.8},
		UnsanctionedApp:    UnsanctionedAppConfig{Enabled: true, Users: 10, Window: 7 * 24 * time.Hour, Age: 30 * 24 * time.Hour},
		MFAFatigue:         MFAFatigueConfig{Enabled: true, Prompts: 5, Window: 10 * time.Minute},
		MFAFatigueApproved: MFAFatigueApprovedConfig{Enabled: true, Denials: 3, Prompts: 5, Window: 10 * time.Minute},
		MFABruteForce:      MFABruteForceConfig{Enabled: true, Failures: 10, Window: 10 * time.Minute},
		MFAChangeAfterRisk: MFAChangeAfterRiskConfig{Enabled: true, Window: time.Hour},
	}
}

// Validate returns every value that is out of its range, by its YAML key.
func (c Config) Validate() []error {
	var v validator
	l := c.Learning
	v.count("learning.sign_ins", l.SignIns, 0, 1000, "")
	v.span("learning.age", l.Age, 0, 365*24*time.Hour)
	v.span("learning.quiet", l.Quiet, time.Hour, 90*24*time.Hour)
	v.count("learning.devices_per_day", l.DevicesPerDay, 1, maxDevices, "so many devices are remembered")
	v.count("learning.networks_per_day", l.NetworksPerDay, 1, maxNetworks, "so many networks are remembered")
	v.count("learning.countries_per_day", l.CountriesPerDay, 1, maxCountries, "so many countries are remembered")
	v.number("impossible_travel.min_distance_km", c.ImpossibleTravel.MinDistanceKM, 1, 20000)
	v.number("impossible_travel.min_speed_kmh", c.ImpossibleTravel.MinSpeedKMH, 100, 100000)
	v.count("brute_force_success.failures", c.BruteForceSuccess.Failures, 2, maxFailures, "so many failures are remembered")
	v.span("brute_force_success.window", c.BruteForceSuccess.Window, time.Minute, 24*time.Hour)
	v.count("failed_login_burst.failures", c.FailedLoginBurst.Failures, 2, maxFailures, "so many failures are remembered")
	v.span("failed_login_burst.window", c.FailedLoginBurst.Window, time.Minute, 24*time.Hour)
	p := c.PasswordSpray
	v.count("password_spray.users", p.Users, 2, maxTried, "so many users are remembered")
	v.count("password_spray.attempts", p.Attempts, 2, maxTried*mostSprayTries, "")
	v.count("password_spray.max_tries", p.MaxTries, fewestSprayTries, 100, "")
	v.number("password_spray.share", p.Share, 0, 1)
	v.span("password_spray.span", p.Span, 0, time.Hour)
	v.span("password_spray.window", p.Window, time.Minute, 24*time.Hour)
	d := p.Distributed
	v.count("password_spray.distributed.networks", d.Networks, 2, maxTargets, "so many targets are remembered")
	v.count("password_spray.distributed.users", d.Users, 2, maxTargets, "so many targets are remembered")
	v.count("password_spray.distributed.attempts", d.Attempts, 2, maxTargets*mostSprayTries, "")
	v.span("password_spray.distributed.window", d.Window, time.Minute, 24*time.Hour)
	v.count("password_spray.slow.users", p.Slow.Users, 2, maxTargets/2, "twice so many targets are remembered")
	v.count("password_spray.slow.tries", p.Slow.Tries, 1, 100, "")
	st := c.CredentialStuffing
	v.count("credential_stuffing.users", st.Users, 2, maxTried, "so many users are remembered")
	v.count("credential_stuffing.attempts", st.Attempts, 2, maxTried*mostSprayTries, "")
	v.count("credential_stuffing.max_tries", st.MaxTries, 1, 100, "")
	v.number("credential_stuffing.share", st.Share, 0, 1)
	u := c.UnsanctionedApp
	v.count("unsanctioned_app.users", u.Users, 2, maxBeginners, "so many users are remembered")
	v.span("unsanctioned_app.window", u.Window, time.Hour, 30*24*time.Hour)
	v.span("unsanctioned_app.age", u.Age, 24*time.Hour, 365*24*time.Hour)
	v.count("mfa_fatigue.prompts", c.MFAFatigue.Prompts, 2, maxPrompts, "so many push requests are remembered")
	v.span("mfa_fatigue.window", c.MFAFatigue.Window, time.Minute, remembered)
	v.count("mfa_fatigue_approved.denials", c.MFAFatigueApproved.Denials, 1, maxPrompts, "so many push requests are remembered")
	v.count("mfa_fatigue_approved.prompts", c.MFAFatigueApproved.Prompts, 2, maxPrompts, "so many push requests are remembered")
	v.span("mfa_fatigue_approved.window", c.MFAFatigueApproved.Window, time.Minute, remembered)
	v.count("mfa_brute_force.failures", c.MFABruteForce.Failures, 2, maxFailures, "so many wrong codes are remembered")
	v.span("mfa_brute_force.window", c.MFABruteForce.Window, time.Minute, remembered)
	v.span("mfa_change_after_risk.window", c.MFAChangeAfterRisk.Window, time.Minute, remembered)
	return v.errs
}

type validator struct{ errs []error }

func (v *validator) count(key string, n, low, high int, why string) {
	if why != "" {
		why = " (" + why + ")"
	}
	if n < low || n > high {
		v.errs = append(v.errs, fmt.Errorf("detectors.%s: %d is not in %d to %d%s", key, n, low, high, why))
	}
}

func (v *validator) number(key string, n, low, high float64) {
	if !(n >= low && n <= high) { // so that NaN is refused
		v.errs = append(v.errs, fmt.Errorf("detectors.%s: %g is not in %g to %g", key, n, low, high))
	}
}

func (v *validator) span(key string, d, low, high time.Duration) {
	if d < low || d > high {
		v.errs = append(v.errs, fmt.Errorf("detectors.%s: %s is not in %s to %s", key, d, low, high))
	}
}
