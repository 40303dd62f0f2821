package detectors

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/riskstream/riskstream/event"
	"pgregory.net/rapid"
)

// Memory is held for millions of subjects; docs/detectors.md tells its parts.
func TestMemoryIsSmallAndWithoutPointers(t *testing.T) {
	if got, want := unsafe.Sizeof(Memory{}), uintptr(1804); got != want {
		t.Errorf("Memory takes %d bytes, documented are %d", got, want)
	}
	noPointers(t, reflect.TypeFor[Memory](), "Memory")
}

func noPointers(t *testing.T, typ reflect.Type, path string) {
	switch typ.Kind() {
	case reflect.Struct:
		for i := range typ.NumField() {
			f := typ.Field(i)
			noPointers(t, f.Type, path+"."+f.Name)
		}
	case reflect.Array:
		noPointers(t, typ.Elem(), path+"[]")
	case reflect.Bool, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
	default:
		t.Errorf("%s is a %s", path, typ.Kind())
	}
}

// anyEvent is whatever a log may hold, near and far in time.
func anyEvent(t *rapid.T) event.Event {
	pick := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	e := event.Event{
		Time:     on(0, "00:00") + event.Time(rapid.IntRange(0, 40*86400).Draw(t, "second"))*event.Second,
		Kind:     event.Kind(pick("kind", "event", "event", "event", "signal")),
		Action:   event.Action(pick("action", "sign_in", "sign_in", "sign_in", "mfa_verify", "mfa_verify", "mfa_challenge", "mfa_enroll", "credential_change", "password_reset", "token_refresh", "token_issue", "consent_grant", "access", "download", "write", "delete", "privilege_grant", "idp_signal", "other")),
		Outcome:  event.Outcome(pick("outcome", "success", "success", "failure", "unknown", "")),
		Reason:   event.Reason(pick("reason", "", "bad_credentials", "bad_credentials", "mfa_denied", "mfa_timeout", "mfa_failed")),
		Code:     pick("code", "", "", "Change user password", "userReportedSuspiciousActivity"),
		Provider: pick("provider", "okta", "entra"),
		User:     event.User{Kind: event.UserKind(pick("user", "human", "human", "service", "unknown", ""))},
		App:      event.App{ID: pick("app", "", "", "a1", "a2"), Name: pick("app name", "", "Mail Helper"), Sanctioned: event.Flag(rapid.IntRange(-1, 1).Draw(t, "sanctioned"))},
		Resource: event.Resource{
			ID:             pick("resource", "", "AllPrincipals", fmt.Sprint("r", rapid.IntRange(0, 99).Draw(t, "number"))),
			Name:           pick("scopes", "", "openid", "openid offline_access", "Mail.Read", "Tasks.Read", "Mail Helper"),
			Classification: pick("class", "", "restricted", "confidential"),
			AccessWindow:   event.AccessWindow(pick("access window", "", "", "inside", "outside")),
		},
		IDPRisk:   event.IDPRisk{Level: pick("risk", "", "", "low", "medium", "high", "odd"), Reasons: pick("reasons", "", "unfamiliarFeatures", "Anomalous Device, odd", "adminConfirmedUserCompromised")},
		UserAgent: event.UserAgent{Original: pick("original", "", "x/1"), Name: pick("browser", "", "Chrome", "Safari", "curl"), OS: pick("os", "", "Linux", "macOS")},
		Device:    event.Device{ID: pick("device", "", "", "d1", "d2", "d3"), Compliant: event.Flag(rapid.IntRange(-1, 1).Draw(t, "compliant"))},
		Session:   event.Session{ID: pick("session", "", "s1", "s2")},
		Auth: event.Auth{
			Factor:   event.Factor(pick("factor", "", "password", "otp", "push", "push", "phishing_resistant")),
			Protocol: pick("protocol", "", "", "saml", "IMAP4", "ropc", "deviceCode", "Authenticated SMTP", "POP3"),
		},
		Source: event.Source{
			ThreatList: pick("threat", "", "", "", "scanners"),
			Corporate:  event.Flag(rapid.IntRange(-1, 1).Draw(t, "corporate")),
			Anonymizer: pick("anonymizer", "", "", "tor", "vpn", "hosting", "residential_proxy", "bogus"),
			Geo: event.Geo{
				Country: pick("country", "", "DE", "JP", "US", "FR", "BR", "ZA", "xx", "Germany"),
				City:    pick("city", "", "Berlin", "Frankfurt am Main", "Ōsaka-Tōkyō-ベルリン"),
				Name:    pick("place", "", "", "HQ"),
				Lat:     rapid.OneOf(rapid.Float64Range(-90, 90), rapid.Float64()).Draw(t, "lat"),
				Lon:     rapid.OneOf(rapid.Float64Range(-180, 180), rapid.Float64()).Draw(t, "lon"),
				Located: rapid.Bool().Draw(t, "located"), AccuracyKM: rapid.OneOf(rapid.Float64Range(0, 500), rapid.Float64()).Draw(t, "radius"),
			},
			AS: event.AS{Number: rapid.Uint32Range(0, 20).Draw(t, "as"), Organization: pick("org", "", "Net"), Type: pick("type", "", "mobile", "satellite")},
		},
	}
	if rapid.IntRange(0, 99).Draw(t, "when") == 0 {
		e.Time = event.Time(rapid.Int64().Draw(t, "any time"))
	}
	if e.User.Leaked.List = pick("leaked", "", "", "", "paste"); e.User.Leaked.List != "" && rapid.Bool().Draw(t, "dated") {
		e.User.Leaked.At = on(20, "00:00")
	}
	if b := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ip"); b[0] != 0 {
		e.Source.IP = netip.AddrFrom4([4]byte{192, 0, 2, b[3] % 16})
	}
	return e
}

// Whatever comes, Detect changes nothing, what it gives is in range, and both
// it and the memory follow from the sequence alone.
func TestAnyEvents(t *testing.T) {
	set := New(Defaults())
	rapid.Check(t, func(t *rapid.T) {
		var one, other Memory
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			e := anyEvent(t)
			v := Verdict{EventLevel: event.Level(rapid.IntRange(0, 3).Draw(t, "level")), Late: rapid.IntRange(0, 9).Draw(t, "late") == 0}
			before, same := one, e
			found := set.Detect(&e, &one, Standing{AsOf: e.Time, Level: v.EventLevel}, nil)
			if one != before || e != same {
				t.Fatal("Detect changed the memory or the event")
			}
			if again := set.Detect(&e, &other, Standing{AsOf: e.Time, Level: v.EventLevel}, nil); !cmp.Equal(found, again) {
				t.Fatalf("the same sequence gave %v and %v", found, again)
			}
			for _, f := range found {
				checkDetection(t, &f)
			}
			if k := set.Familiarity(&e, &one); k.DaysKnown < 0 || k.RecentFailures < 0 || k.RecentFailures > maxFailures {
				t.Fatalf("familiarity %+v", k)
			}
			set.Learn(&e, &one, v)
			set.Learn(&e, &other, v)
			nobodyWaits := before.pending == pending{}
			if (e.Outcome != event.Success || v.Late) && nobodyWaits && baselines(one) != baselines(before) {
				t.Fatal("a failed or late event moved a baseline")
			}
			if rapid.IntRange(0, 19).Draw(t, "safe") == 0 {
				set.ConfirmSafe(&one)
				set.ConfirmSafe(&other)
			}
			if one != other {
				t.Fatal("the same sequence gave two memories")
			}
		}
	})
}

func checkDetection(t *rapid.T, f *event.Detection) {
	if f.Strength <= 0 || f.Strength > 1 || f.Summary == "" || len(f.Evidence) == 0 || f.LLR != 0 {
		t.Fatalf("detection %+v", f)
	}
	for _, fact := range f.Evidence {
		if fact.IsNumber && (math.IsNaN(fact.Number) || math.IsInf(fact.Number, 0) || fact.Number < 0) || !fact.IsNumber && fact.Text == "" {
			t.Fatalf("fact %+v of %s", fact, f.Name)
		}
	}
}

func TestSecondsHoldEveryTime(t *testing.T) {
	for _, c := range []struct {
		name string
		at   event.Time
		want seconds
	}{
		{"before all logs", event.MinTime - event.Day, 1},
		{"the first moment", event.MinTime, 1},
		{"a day later", event.MinTime + event.Day, 86401},
		{"beyond what is held", event.MaxTime, math.MaxUint32},
		{"nonsense", math.MinInt64 + event.MinTime, 1},
	} {
		if got := secondsOf(c.at); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if late := seconds(math.MaxUint32); late.plus(10) != late {
		t.Error("the last moment has a successor")
	}
}

func TestCityOfAnAnchorIsCutOnARune(t *testing.T) {
	for _, c := range []struct{ city, want string }{
		{"Berlin", "Berlin (DE)"},
		{"San Francisco", "San Francisco (DE)"},
		{"Frankfurt am Main", "Frankfurt… (DE)"},
		{"東京都千代田区", "東京都… (DE)"},
		{"", "DE"},
	} {
		e := signIn(on(0, "08:00"), berlin)
		at := see(&e)
		a, _ := anchorOf(&at, c.city)
		if got := a.name(); got != c.want {
			t.Errorf("%q is kept as %q, want %q", c.city, got, c.want)
		}
	}
}
