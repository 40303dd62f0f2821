package publish

import (
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
)

func at(s string) event.Time {
	var t event.Time
	if err := t.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return t
}

func sampleEvent() event.Event {
	return event.Event{
		Time: at("2026-03-02T09:00:00.123Z"), ID: "ev-1", Kind: event.KindEvent, Action: event.SignIn,
		Outcome: event.Success, Reason: event.OtherReason, Code: "user.session.start", Provider: "okta", Original: "{}",
		User: event.User{
			ID: "00u1", Name: "alice", Email: "alice@example.com", FullName: "Alice Example", Kind: event.Human, Privileged: event.False, Subject: "alice@example.com",
			Leaked: event.Leak{List: "paste", At: at("2026-02-01T00:00:00.000Z")},
		},
		Source: event.Source{
			IP: netip.MustParseAddr("203.0.113.7"), Corporate: event.False, Anonymizer: "vpn", ThreatList: "scanners",
			Geo: event.Geo{Country: "DE", City: "Berlin", Name: "office", Lat: 52.52, Lon: 13.4, Located: true, AccuracyKM: 5},
			AS:  event.AS{Number: 64500, Organization: "Example Net", Type: event.ASMobile},
		},
		UserAgent: event.UserAgent{ID: "c", Original: "Mozilla", Name: "Firefox", Version: "140", OS: "Linux"},
		Device:    event.Device{ID: "dev-1", Managed: event.True, Compliant: event.True},
		Session:   event.Session{ID: "s-1"},
		App:       event.App{ID: "app-1", Name: "Mail", Sanctioned: event.True},
		Resource:  event.Resource{ID: "r-1", Name: "Report", Classification: "restricted", AccessWindow: event.OutsideWindow},
		Auth:      event.Auth{Method: "webauthn", Factor: event.FactorStrong, Protocol: "oauth2"},
		IDPRisk:   event.IDPRisk{Level: "low", Reasons: "new ip"},
		Tenant:    "default",
		Origin:    event.Origin{Topic: "idp.okta", TopicID: "abc", Partition: 3, Offset: 42, Index: 1},
		Signal:    event.Signal{Users: 9, Attempts: 27, Tries: 3, Networks: 4, Since: at("2026-03-02T08:50:00.000Z"), SignedIn: at("2026-03-02T09:00:00.123Z")},
	}
}

func sampleDetection() event.Detection {
	return event.Detection{
		Name: "impossible_travel", Group: event.GroupVelocity, Strength: 0.5, LLR: 3.0004, HalfLife: 86400, Points: 41.375,
		Summary: "Berlin to Sydney in 1 h", Key: 7, Session: true,
		Evidence: []event.Fact{event.Text("from", "Berlin"), event.Number("km", 16091.2345)},
	}
}

func sampleScore() event.Score {
	return event.Score{
		Entity: "user:default/alice@example.com", Tenant: "default", Subject: "alice@example.com",
		Score: 52.5, Level: event.Medium, PreviousLevel: event.None, Decision: event.StepUp,
		ReauthAfter: at("2026-03-02T09:00:00.123Z"), AsOf: at("2026-03-02T09:00:00.123Z"), Version: 7,
		Lapses: []event.Lapse{{At: at("2026-03-03T01:00:00Z"), Level: event.Low, Decision: event.Allow}},
		Prior:  0.2, Weights: "1",
		Reasons: []event.Contribution{{
			Detection: "impossible_travel", Group: event.GroupVelocity, LLR: 6, HalfLife: 86400, Points: 52.3,
			Summary: "Berlin to Sydney in 1 h", At: at("2026-03-02T09:00:00.123Z"), EventID: "ev-1", ClearsAt: at("2026-03-08T09:00:00Z"),
		}},
		Event:  event.Cause{ID: "ev-1", Time: at("2026-03-02T09:00:00.123Z"), Action: event.SignIn},
		Config: "c0ffee",
	}
}

// The exact bytes are part of the promise: a record that is published twice is
// byte-equal, also by another version that changed nothing on purpose.
func TestRecordsAreWrittenInAFixedForm(t *testing.T) {
	e, d, s := sampleEvent(), sampleDetection(), sampleScore()
	rule := d
	rule.Rule = &event.RuleInfo{ID: "r1", Title: "T", Severity: "high", Tags: []string{"attack.t1078", `a"b`}}
	fall := event.Score{Entity: "session:default/s-1", Tenant: "default", Subject: "a", Session: "s-1", AsOf: at("2026-03-02T09:00:00Z"), Version: 1}
	tests := []struct{ name, got, want string }{
		{"detection", string(AppendDetection(nil, &e, &d, "c0ffee")), `{"time":"2026-03-02T09:00:00.123Z","tenant":"default","subject":"alice@example.com","name":"impossible_travel","group":"velocity","strength":0.50,"llr":3.000,"half_life_s":86400,"points":41.38,"summary":"Berlin to Sydney in 1 h","evidence":{"from":"Berlin","km":16091.23},"event":{"id":"ev-1","action":"sign_in","outcome":"success","provider":"okta"},"source":{"ip":"203.0.113.7"},"session":{"id":"s-1"},"origin":{"topic":"idp.okta","topic_id":"abc","partition":3,"offset":42,"index":1},"config":"c0ffee"}`},
		{"rule", string(AppendDetection(nil, &event.Event{ID: "e", Time: e.Time, Tenant: "t", User: event.User{Subject: "u"}}, &rule, "")), `{"time":"2026-03-02T09:00:00.123Z","tenant":"t","subject":"u","name":"impossible_travel","group":"velocity","strength":0.50,"llr":3.000,"half_life_s":86400,"points":41.38,"summary":"Berlin to Sydney in 1 h","evidence":{"from":"Berlin","km":16091.23},"rule":{"id":"r1","title":"T","severity":"high","tags":["attack.t1078","a\"b"]},"event":{"id":"e"}}`},
		{"score", string(AppendScore(nil, &s)), `{"entity":"user:default/alice@example.com","tenant":"default","subject":"alice@example.com","score":52.50,"level":"medium","previous_level":"none","decision":"step_up","reauth_after":"2026-03-02T09:00:00.123Z","as_of":"2026-03-02T09:00:00.123Z","version":7,"lapses":[{"at":"2026-03-03T01:00:00.000Z","level":"low","decision":"allow"}],"prior":0.20,"weights":"1","reasons":[{"detection":"impossible_travel","group":"velocity","llr":6.000,"half_life_s":86400,"points":52.30,"summary":"Berlin to Sydney in 1 h","at":"2026-03-02T09:00:00.123Z","event_id":"ev-1","clears_at":"2026-03-08T09:00:00.000Z"}],"event":{"id":"ev-1","time":"2026-03-02T09:00:00.123Z","action":"sign_in"},"config":"c0ffee"}`},
		{"empty lists", string(AppendScore(nil, &fall)), `{"entity":"session:default/s-1","tenant":"default","subject":"a","session":"s-1","score":0.00,"level":"none","previous_level":"none","decision":"allow","as_of":"2026-03-02T09:00:00.000Z","version":1,"lapses":[],"prior":0.00,"reasons":[]}`},
		{"appends", string(AppendScore([]byte("x"), &fall))[:10], `x{"entity"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("record (-want +got):\n%s", diff)
			}
		})
	}
}

// A field that is added to event.Score must be written and read, or readers
// would silently not get it. So every field is filled by reflection.
func TestScoreRoundTripKeepsEveryField(t *testing.T) {
	var want event.Score
	fill(reflect.ValueOf(&want).Elem())
	want.Entity, want.Event.Action = "user:t/u", event.SignIn
	raw := AppendScore(nil, &want)
	got, err := DecodeScore(raw)
	if err != nil {
		t.Fatalf("decoding %s: %v", raw, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("score (-want +got):\n%s\n%s", diff, raw)
	}
	standard, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(standard, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("AppendScore against the struct's own JSON tags (-tags +AppendScore):\n%s", diff)
	}
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString("text of " + v.Type().String())
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(12.25)
	case reflect.Int64:
		v.SetInt(1772442000123)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(2)
	default:
		panic("fill: no value for " + v.Type().String())
	}
}

func TestDecodeScore(t *testing.T) {
	const ok = `{"entity":"user:t/u","score":1,"as_of":"2026-03-02T09:00:00.000Z","version":1`
	tests := []struct{ name, raw, wantErr string }{
		{"unknown fields", ok + `,"new":{"a":[1]},"reasons":[{"detection":"x","new":1}]}`, ""},
		{"not JSON", `{`, "not a score"},
		{"entity", `{"entity":"host:x","as_of":"2026-03-02T09:00:00.000Z","version":1}`, "entity"},
		{"as_of", `{"entity":"user:t/u","version":1}`, "as_of is missing"},
		{"version", `{"entity":"user:t/u","as_of":"2026-03-02T09:00:00.000Z"}`, "version is missing"},
		{"range", `{"entity":"user:t/u","as_of":"2026-03-02T09:00:00.000Z","version":1,"score":100.5}`, "score 100.5"},
		{"level", ok + `,"level":"severe"}`, "severe"},
		{"decision", ok + `,"decision":"block"}`, "block"},
		{"time", ok + `,"reauth_after":"yesterday"}`, "yesterday"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := DecodeScore([]byte(tt.raw))
			switch {
			case tt.wantErr == "" && err != nil:
				t.Errorf("error %v, want none", err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("error %v, want one with %q", err, tt.wantErr)
			}
		})
	}
}

func TestDeadLetterKeepsRawReadable(t *testing.T) {
	cutRune := []byte("caf\xc3")
	tests := []struct {
		name      string
		raw       []byte
		size      int
		encoding  string
		want      string
		truncated bool
	}{
		{"text", []byte("not <json> \x00"), 11 + 1, "utf-8", "not <json> \x00", false},
		{"bytes", []byte{0xff, 0xfe}, 2, "base64", base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe}), false},
		{"text cut inside a rune", cutRune, 100, "utf-8", "caf", true},
		{"bytes cut", []byte{0xff, 0x80, 0x80, 0x80, 0x80}, 100, "base64", base64.StdEncoding.EncodeToString([]byte{0xff, 0x80, 0x80, 0x80, 0x80}), true},
		{"half a rune that was not cut", cutRune, 4, "base64", base64.StdEncoding.EncodeToString(cutRune), false},
		{"cut to nothing", nil, 10, "utf-8", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got struct {
				Encoding, Raw string
				Truncated     bool
			}
			record := AppendDeadLetter(nil, DeadLetter{Reason: "not_json", Size: tt.size, Raw: tt.raw})
			if err := json.Unmarshal(record, &got); err != nil {
				t.Fatalf("%s: %v", record, err)
			}
			if got.Encoding != tt.encoding || got.Raw != tt.want || got.Truncated != tt.truncated {
				t.Errorf("got %+v, want %s %q truncated %t", got, tt.encoding, tt.want, tt.truncated)
			}
		})
	}
}

// Ingest keeps 64 KiB of raw bytes; even if each needs an escape, the record
// must fit the topic.
func TestLargestDeadLetterFitsARecord(t *testing.T) {
	for _, fillByte := range []byte{0x01, 0xff} {
		raw := []byte(strings.Repeat(string([]byte{fillByte}), 64<<10))
		record := AppendDeadLetter(nil, DeadLetter{Reason: "x", Error: strings.Repeat("e", 1000), Size: len(raw), Raw: raw})
		if len(record) > MaxRecordBytes {
			t.Errorf("a dead letter of bytes %#x takes %d bytes, more than %d", fillByte, len(record), MaxRecordBytes)
		}
	}
}

func FuzzDecodeScore(f *testing.F) {
	s := sampleScore()
	f.Add(AppendScore(nil, &s))
	f.Add([]byte(`{"entity":"user:t/u","as_of":"2026-03-02T09:00:00.000Z","version":1,"lapses":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		first, err := DecodeScore(raw)
		if err != nil {
			return
		}
		once := AppendScore(nil, &first)
		second, err := DecodeScore(once)
		if err != nil {
			if year := first.AsOf.Std().Year(); year < 0 || year > 9999 {
				t.Skip("a year that RFC 3339 cannot write")
			}
			t.Fatalf("%s decodes, but written again it does not: %v", raw, err)
		}
		if twice := AppendScore(nil, &second); string(once) != string(twice) {
			t.Fatalf("writing is not stable:\n%s\n%s", once, twice)
		}
	})
}

func BenchmarkAppendScore(b *testing.B) {
	s := sampleScore()
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendScore(buf[:0], &s)
	}
}

func BenchmarkDecodeScore(b *testing.B) {
	s := sampleScore()
	s.Reasons = append(s.Reasons, s.Reasons[0], s.Reasons[0])
	raw := AppendScore(nil, &s)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeScore(raw); err != nil {
			b.Fatal(err)
		}
	}
}
