package detectors

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestConfigReadsYAMLOverTheDefaults(t *testing.T) {
	cfg := Defaults()
	err := yaml.Unmarshal([]byte(`
learning: {sign_ins: 20, age: 720h}
impossible_travel: {min_speed_kmh: 1000}
failed_login_burst: {window: 5m}
anonymous_ip: {enabled: false}
`), &cfg)
	if err != nil {
		t.Fatal(err)
	}
	want := Defaults()
	want.Learning.SignIns, want.Learning.Age = 20, 30*24*time.Hour
	want.ImpossibleTravel.MinSpeedKMH = 1000
	want.FailedLoginBurst.Window = 5 * time.Minute
	want.AnonymousIP.Enabled = false
	if cfg != want {
		t.Errorf("got %+v\nwant %+v", cfg, want)
	}
}

func TestValidate(t *testing.T) {
	if errs := Defaults().Validate(); len(errs) != 0 {
		t.Errorf("the defaults: %v", errs)
	}
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"detectors.learning.sign_ins: -1 is not in 0 to 1000", func(c *Config) { c.Learning.SignIns = -1 }},
		{"detectors.learning.age: 8784h0m0s is not in 0s to 8760h0m0s", func(c *Config) { c.Learning.Age = 366 * 24 * time.Hour }},
		{"detectors.learning.quiet: 1m0s is not in 1h0m0s to 2160h0m0s", func(c *Config) { c.Learning.Quiet = time.Minute }},
		{"detectors.learning.devices_per_day: 9 is not in 1 to 8 (so many devices are remembered)", func(c *Config) { c.Learning.DevicesPerDay = 9 }},
		{"detectors.learning.networks_per_day: 0 is not in 1 to 10 (so many networks are remembered)", func(c *Config) { c.Learning.NetworksPerDay = 0 }},
		{"detectors.learning.countries_per_day: 6 is not in 1 to 5 (so many countries are remembered)", func(c *Config) { c.Learning.CountriesPerDay = 6 }},
		{"detectors.impossible_travel.min_distance_km: 0 is not in 1 to 20000", func(c *Config) { c.ImpossibleTravel.MinDistanceKM = 0 }},
		{"detectors.impossible_travel.min_speed_kmh: NaN is not in 100 to 100000", func(c *Config) { c.ImpossibleTravel.MinSpeedKMH = math.NaN() }},
		{"detectors.atypical_travel.min_distance_km: 0 is not in 1 to 20000", func(c *Config) { c.AtypicalTravel.MinDistanceKM = 0 }},
		{"detectors.atypical_travel.window: 1m0s is not in 1h0m0s to 2160h0m0s", func(c *Config) { c.AtypicalTravel.Window = time.Minute }},
		{"detectors.unfamiliar_sign_in.min_nats: 5 is not in 0.1 to 4", func(c *Config) { c.UnfamiliarSignIn.MinNats = 5 }},
		{"detectors.new_app.apps_per_day: 13 is not in 1 to 12 (so many apps are remembered)", func(c *Config) { c.NewApp.AppsPerDay = 13 }},
		{"detectors.unusual_hours.share: 0.5 is not in 0.001 to 0.2", func(c *Config) { c.UnusualHours.Share = 0.5 }},
		{"detectors.unusual_hours.days: 0 is not in 1 to 255 (so many days are counted)", func(c *Config) { c.UnusualHours.Days = 0 }},
		{"detectors.dormant_account.absence: 24h0m0s is not in 168h0m0s to 17520h0m0s", func(c *Config) { c.DormantAccount.Absence = 24 * time.Hour }},
		{"detectors.brute_force_success.failures: 1 is not in 2 to 12 (so many failures are remembered)", func(c *Config) { c.BruteForceSuccess.Failures = 1 }},
		{"detectors.brute_force_success.window: 25h0m0s is not in 1m0s to 24h0m0s", func(c *Config) { c.BruteForceSuccess.Window = 25 * time.Hour }},
		{"detectors.failed_login_burst.failures: 30 is not in 2 to 12 (so many failures are remembered)", func(c *Config) { c.FailedLoginBurst.Failures = 30 }},
		{"detectors.failed_login_burst.window: 1s is not in 1m0s to 24h0m0s", func(c *Config) { c.FailedLoginBurst.Window = time.Second }},
		{"detectors.password_spray.users: 65 is not in 2 to 64 (so many users are remembered)", func(c *Config) { c.PasswordSpray.Users = 65 }},
		{"detectors.password_spray.attempts: 1 is not in 2 to 384", func(c *Config) { c.PasswordSpray.Attempts = 1 }},
		{"detectors.password_spray.max_tries: 1 is not in 2 to 100", func(c *Config) { c.PasswordSpray.MaxTries = 1 }},
		{"detectors.password_spray.share: 1.5 is not in 0 to 1", func(c *Config) { c.PasswordSpray.Share = 1.5 }},
		{"detectors.password_spray.span: 2h0m0s is not in 0s to 1h0m0s", func(c *Config) { c.PasswordSpray.Span = 2 * time.Hour }},
		{"detectors.session_hijack.window: 192h0m0s is not in 1m0s to 168h0m0s", func(c *Config) { c.SessionHijack.Window = 8 * 24 * time.Hour }},
		{"detectors.mass_access.resources: 101 is not in 5 to 100 (counting is exact enough up to there)", func(c *Config) { c.MassAccess.Resources = 101 }},
		{"detectors.mass_access.downloads: 4 is not in 5 to 10000", func(c *Config) { c.MassAccess.Downloads = 4 }},
		{"detectors.mass_access.changes: 0 is not in 5 to 100 (counting is exact enough up to there)", func(c *Config) { c.MassAccess.Changes = 0 }},
		{"detectors.mass_access.window: 2h0m0s is not in 1m0s to 1h0m0s", func(c *Config) { c.MassAccess.Window = 2 * time.Hour }},
		{"detectors.mass_access.apps: 9 is not in 2 to 8 (so many new apps are remembered)", func(c *Config) { c.MassAccess.Apps = 9 }},
		{"detectors.mass_access.apps_window: 0s is not in 1m0s to 24h0m0s", func(c *Config) { c.MassAccess.AppsWindow = 0 }},
		{"detectors.mfa_fatigue.prompts: 13 is not in 2 to 12 (so many push requests are remembered)", func(c *Config) { c.MFAFatigue.Prompts = 13 }},
		{"detectors.mfa_fatigue.window: 25h0m0s is not in 1m0s to 24h0m0s", func(c *Config) { c.MFAFatigue.Window = 25 * time.Hour }},
		{"detectors.mfa_fatigue_approved.denials: 0 is not in 1 to 12 (so many push requests are remembered)", func(c *Config) { c.MFAFatigueApproved.Denials = 0 }},
		{"detectors.mfa_fatigue_approved.prompts: 1 is not in 2 to 12 (so many push requests are remembered)", func(c *Config) { c.MFAFatigueApproved.Prompts = 1 }},
		{"detectors.mfa_fatigue_approved.window: 1s is not in 1m0s to 24h0m0s", func(c *Config) { c.MFAFatigueApproved.Window = time.Second }},
		{"detectors.mfa_brute_force.failures: 20 is not in 2 to 12 (so many wrong codes are remembered)", func(c *Config) { c.MFABruteForce.Failures = 20 }},
		{"detectors.mfa_brute_force.window: 1s is not in 1m0s to 24h0m0s", func(c *Config) { c.MFABruteForce.Window = time.Second }},
		{"detectors.mfa_change_after_risk.window: 25h0m0s is not in 1m0s to 24h0m0s", func(c *Config) { c.MFAChangeAfterRisk.Window = 25 * time.Hour }},
		{"detectors.password_spray.window: 1s is not in 1m0s to 24h0m0s", func(c *Config) { c.PasswordSpray.Window = time.Second }},
	} {
		cfg := Defaults()
		c.change(&cfg)
		if got := fmt.Sprint(cfg.Validate()); got != "["+c.want+"]" {
			t.Errorf("got %s, want [%s]", got, c.want)
		}
	}
	if errs := (Config{}).Validate(); len(errs) < 8 || !strings.Contains(errs[0].Error(), "learning.quiet") {
		t.Errorf("not every error at once: %v", errs)
	}
}
