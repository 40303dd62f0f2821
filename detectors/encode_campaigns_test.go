package detectors

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

func TestOrgAndAppMemoriesAreWithoutPointers(t *testing.T) {
	noPointers(t, reflect.TypeFor[OrgMemory](), "OrgMemory")
	noPointers(t, reflect.TypeFor[AppMemory](), "AppMemory")
}

// anyNote is whatever may come to an organisation.
func anyNote(t *rapid.T) event.Event {
	e := event.Event{
		Time: on(0, "00:00") + event.Time(rapid.IntRange(0, 20*24*3600).Draw(t, "second"))*event.Second,
		ID:   "1", Kind: event.KindSignal, Action: event.IDPSignal,
		Code:   rapid.SampledFrom([]string{event.NoteTried, event.NoteTried, event.NoteTried, event.NoteCameIn, event.NoteAppSeen}).Draw(t, "code"),
		User:   event.User{Subject: fmt.Sprint(rapid.IntRange(0, 200).Draw(t, "user"))},
		Source: event.Source{IP: netip.MustParseAddr(exit(rapid.IntRange(0, 99).Draw(t, "exit")))},
		App:    event.App{ID: "notes"},
		Signal: event.Signal{Tries: rapid.Uint32Range(0, 300).Draw(t, "tries"), Users: rapid.Uint32Range(0, 1).Draw(t, "others")},
	}
	if rapid.IntRange(0, 99).Draw(t, "when") == 0 {
		e.Time = event.Time(rapid.Int64().Draw(t, "any time"))
	}
	if rapid.IntRange(0, 9).Draw(t, "v6") == 0 {
		e.Source.IP = netip.MustParseAddr("2001:db8::1")
	}
	return e
}

// Memory that was written and read goes on as the memory would have.
func TestOrgMemorySurvivesItsBinaryForm(t *testing.T) {
	set := New(Defaults())
	rapid.Check(t, func(t *rapid.T) {
		var m OrgMemory
		for range rapid.IntRange(0, 200).Draw(t, "notes") {
			e := anyNote(t)
			before := m
			sent := set.DetectOrg(&e, &m, nil)
			if again := set.DetectOrg(&e, &before, nil); !reflect.DeepEqual(sent, again) || before != m {
				t.Fatal("the same note gave something else")
			}
			for _, note := range sent {
				if note.ActivityKey() == "" && (note.Outcome != event.Failure || note.User.Subject != e.User.Subject) {
					t.Fatalf("an organisation tells a subject that it does not see tried: %+v", note)
				}
			}
		}
		got := OrgMemory{nTargets: 3, today: 9} // to be cleared
		if err := reread(m.AppendBinary(nil), &got); err != nil || got != m {
			t.Fatalf("error %v, got %+v, want %+v", err, got, m)
		}
	})
}

func TestAppMemorySurvivesItsBinaryForm(t *testing.T) {
	set := New(Defaults())
	rapid.Check(t, func(t *rapid.T) {
		var m AppMemory
		for range rapid.IntRange(0, 100).Draw(t, "events") {
			e := anyAttempt(t)
			e.App = event.App{ID: "notes"}
			if rapid.IntRange(0, 30).Draw(t, "note") == 0 {
				e.Kind, e.Code = event.KindSignal, rapid.SampledFrom([]string{event.NoteNewApp, event.NoteNewApp, event.NoteNewApp, event.NoteOldApp}).Draw(t, "code")
			}
			set.DetectApp(&e, &m, nil)
		}
		got := AppMemory{count: 3, isNew: true} // to be cleared
		if err := reread(m.AppendBinary(nil), &got); err != nil || got != m {
			t.Fatalf("error %v, got %+v, want %+v", err, got, m)
		}
	})
}

func reread(raw []byte, into interface{ DecodeBinary(*wire.Reader) }) error {
	r := wire.NewReader(raw)
	into.DecodeBinary(&r)
	return r.End()
}

func TestOrgAndAppMemoriesAreSmall(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	for i := range 1000 {
		o.signIn(fmt.Sprint("target", i), home(i), on(0, "10:00")+event.Time(i)*event.Second, wrongPassword)
		o.signIn(fmt.Sprint("p", i, strings.Repeat("x", maxName-5)), home(i), on(0, "09:00"), into("notes", event.False))
	}
	if n := len(o.org.AppendBinary(nil)); n > 2500 {
		t.Errorf("a full memory of an organisation takes %d bytes", n)
	}
	if n := len(o.apps["app:/notes"].AppendBinary(nil)); n > 2600 {
		t.Errorf("a full memory of an application takes %d bytes", n)
	}
}

// The forms of a version do not change: state that was written is read by every
// later version.
func TestOrgAndAppMemoriesGolden(t *testing.T) {
	o := newOrganisation(t)
	o.watched(30)
	o.sprays(9, 3, 5, on(0, "10:00"), 5*event.Second)
	for i := range 2 {
		o.signIn(fmt.Sprint("p", i), home(i), on(0, "11:00"), into("notes", event.False))
	}
	golden(t, "organisation of version 1", orgGolden1, &o.org, &OrgMemory{}, false)
	o.org.targets[0].told, o.org.targets[1].told, o.org.targets[1].warned, o.org.targets[2].warned = true, true, true, true
	golden(t, "organisation", orgGolden2, &o.org, &OrgMemory{}, true)
	golden(t, "application", appGolden, o.apps["app:/notes"], &AppMemory{}, true)
}

// golden reads what was written of a memory, and writes it again where that is
// the newest version.
func golden[M interface {
	AppendBinary([]byte) []byte
	DecodeBinary(*wire.Reader)
}](t *testing.T, name, written string, want, got M, newest bool) {
	t.Helper()
	raw, _ := hex.DecodeString(written)
	if err := reread(raw, got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, not read as it was written", name, err)
	}
	if again := hex.EncodeToString(want.AppendBinary(nil)); newest && again != written {
		t.Errorf("%s: written as %s", name, again)
	}
}

func TestOrgAndAppMemoriesTellDamage(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":          nil,
		"a newer version":  {OrgVersion + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"too many targets": {OrgVersion, 9, 0, 0, 0, 9, 0, 0, 0, maxTargets + 1, 1},
		"no such flags":    append([]byte{OrgVersion, 9, 0, 0, 0, 9, 0, 0, 0, 1}, append(make([]byte, 15), 4)...),
	} {
		if m := (OrgMemory{}); reread(raw, &m) == nil {
			t.Errorf("organisation, %s: read as %+v", name, m)
		}
	}
	for name, raw := range map[string][]byte{
		"nothing":         nil,
		"a newer version": {AppVersion + 1, 0, 0, 0, 0, 0, 0, 0, 0, 2},
		"no such flags":   {AppVersion, 9, 0, 0, 0, 9, 0, 0, 0, 3},
		"too many users":  {AppVersion, 9, 0, 0, 0, 9, 0, 0, 0, 1, maxBeginners + 1},
	} {
		if m := (AppMemory{}); reread(raw, &m) == nil {
			t.Errorf("application, %s: read as %+v", name, m)
		}
	}
}

// Whatever the bytes, reading them ends in an error or in a memory that can be
// written, read and used.
func FuzzOrgMemory(f *testing.F) {
	o := newOrganisation(f)
	o.sprays(30, 2, 6, on(0, "10:00"), 5*event.Second)
	f.Add(o.org.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m, again OrgMemory
		if reread(raw, &m) != nil {
			return
		}
		if err := reread(m.AppendBinary(nil), &again); err != nil || again != m {
			t.Fatalf("%v: read %+v, then %+v", err, m, again)
		}
		o := newOrganisation(t)
		o.org = m
		o.sprays(30, 2, 6, on(0, "10:00"), 5*event.Second)
	})
}

func FuzzAppMemory(f *testing.F) {
	o := newOrganisation(f)
	o.watched(30)
	for i := range 12 {
		o.signIn(fmt.Sprint("p", i), home(i), on(0, "11:00"), into("notes", event.False))
	}
	f.Add(o.apps["app:/notes"].AppendBinary(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m, again AppMemory
		if reread(raw, &m) != nil {
			return
		}
		if err := reread(m.AppendBinary(nil), &again); err != nil || again != m {
			t.Fatalf("%v: read %+v, then %+v", err, m, again)
		}
	})
}

// Reading, processing and writing the memory of an organisation under attack,
// and of an application that is not new.
func BenchmarkCampaign(b *testing.B) {
	o := newOrganisation(b)
	o.watched(30)
	o.sprays(200, 1, 50, on(0, "10:00"), event.Hour)
	o.signIn("p", home(1), on(0, "10:00"), into("mail", event.Unknown))
	app := o.apps["app:/mail"]
	app.close()
	b.Run("organisation", func(b *testing.B) {
		note := noteOf(&event.Event{Time: on(8, "10:00"), ID: "1"}, event.NoteTried)
		note.User.Subject, note.Source.IP = "target", netip.MustParseAddr(exit(1))
		state, into := o.org.AppendBinary(nil), []byte(nil)
		b.ReportAllocs()
		for b.Loop() {
			if err := reread(state, &o.org); err != nil {
				b.Fatal(err)
			}
			o.set.DetectOrg(&note, &o.org, nil)
			into = o.org.AppendBinary(into[:0])
		}
	})
	b.Run("application", func(b *testing.B) {
		e := signIn(on(0, "10:00"), into("mail", event.Unknown))
		state, into := app.AppendBinary(nil), []byte(nil)
		b.ReportAllocs()
		for b.Loop() {
			if err := reread(state, app); err != nil {
				b.Fatal(err)
			}
			o.set.DetectApp(&e, app, nil)
			into = app.AppendBinary(into[:0])
		}
	})
}

// The same memory as each version has written it, of which version 2 has told
// three.
const (
	orgGolden1 = "01" +
		"31fcbc4381d494431bd37783b4006433c6ffff0000901c0001005c988852016433c6ffff00008b1c0001004f1a9617026433c6ffff0000861c000100" + fewTargets
	orgGolden2 = "02" +
		"31fcbc4381d494431bd37783b4006433c6ffff0000901c0001015c988852016433c6ffff00008b1c0001034f1a9617026433c6ffff0000861c000102" + fewTargets
	appGolden = "0131fcbc4331fcbc430102a551d2a40085dbec71000100027030020002703100"

	fewTargets = "" +
		"73a69004036433c6ffff0000811c00010013736c28046433c6ffff0000fc1b00010073f865c7006433c6ffff0000f71b0001007395a8b3" +
		"016433c6ffff0000f21b000100d08d39ed026433c6ffff0000ed1b000100db36db6d036433c6ffff0000e81b000100d37783b4046433c6" +
		"ffff0000e31b0001005c988852006433c6ffff0000de1b0001004f1a9617016433c6ffff0000d91b00010073a69004026433c6ffff0000" +
		"d41b00010013736c28036433c6ffff0000cf1b00010073f865c7046433c6ffff0000ca1b0001007395a8b3006433c6ffff0000c51b0001" +
		"00d08d39ed016433c6ffff0000c01b000100db36db6d026433c6ffff0000bb1b000100d37783b4036433c6ffff0000b61b0001005c9888" +
		"52046433c6ffff0000b11b0001004f1a9617006433c6ffff0000ac1b00010073a69004016433c6ffff0000a71b00010013736c28026433" +
		"c6ffff0000a21b00010073f865c7036433c6ffff00009d1b0001007395a8b3046433c6ffff0000981b000100d08d39ed006433c6ffff00" +
		"00931b000100db36db6d016433c6ffff00008e1b000100e26609000000000000000000000000000000"
)
