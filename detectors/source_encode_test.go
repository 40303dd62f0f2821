package detectors

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/wire"
)

func TestSourceMemoryIsWithoutPointers(t *testing.T) {
	noPointers(t, reflect.TypeFor[SourceMemory](), "SourceMemory")
}

// anyAttempt is whatever may come from a network.
func anyAttempt(t *rapid.T) event.Event {
	e := anyEvent(t)
	e.Time = on(0, "00:00") + event.Time(rapid.IntRange(0, 4*3600).Draw(t, "second"))*event.Second
	if rapid.IntRange(0, 99).Draw(t, "when") == 0 {
		e.Time = event.Time(rapid.Int64().Draw(t, "any time"))
	}
	e.ID = fmt.Sprint(rapid.IntRange(0, 1000).Draw(t, "id"))
	e.User.Subject = fmt.Sprint(rapid.IntRange(0, 90).Draw(t, "user"))
	if rapid.IntRange(0, 9).Draw(t, "long") == 0 {
		e.User.Subject = strings.Repeat(e.User.Subject, 70)
	}
	e.User.Kind, e.Source.Corporate = event.Human, event.Unknown
	return e
}

// Memory that was written and read goes on as the memory would have.
func TestSourceMemorySurvivesItsBinaryForm(t *testing.T) {
	set := New(Defaults())
	rapid.Check(t, func(t *rapid.T) {
		var m SourceMemory
		for range rapid.IntRange(0, 150).Draw(t, "events") {
			e := anyAttempt(t)
			before := m
			signals := set.DetectSource(&e, &m, nil)
			if again := set.DetectSource(&e, &before, nil); !reflect.DeepEqual(signals, again) || before != m {
				t.Fatal("the same event gave something else")
			}
			if m.nTried > maxTried {
				t.Fatalf("%d users", m.nTried)
			}
		}
		raw := m.AppendBinary([]byte{7})
		r := wire.NewReader(raw[1:])
		got := SourceMemory{nTried: 3, nextRepeat: 9, attack: attack{users: 5, networks: 2}} // to be cleared
		got.DecodeBinary(&r)
		if err := r.End(); err != nil {
			t.Fatal(err)
		}
		if got != m {
			t.Fatalf("got %+v, want %+v", got, m)
		}
	})
}

// The form of a version does not change: state that was written is read by
// every later version.
func TestSourceMemoryGolden(t *testing.T) {
	s := newSource(t)
	s.comes("ann@corp.example", on(0, "08:00"))
	s.sprays(5, 4, on(0, "10:00"))
	if got := hex.EncodeToString(s.m.AppendBinary(nil)); got != sourceGolden[SourceVersion] {
		t.Errorf("got %s", got)
	}
	for version, golden := range sourceGolden {
		raw, _ := hex.DecodeString(golden)
		r := wire.NewReader(raw)
		var m SourceMemory
		want := s.m
		if version < 3 { // told no targets
			for i := range want.tried {
				want.tried[i].told = notTold
			}
		}
		if m.DecodeBinary(&r); r.End() != nil || m != want {
			t.Errorf("version %d is not read as it was written: %v", version, r.Err())
		}
	}
}

func TestSourceMemoryOfAHomeIsSmall(t *testing.T) {
	s := newSource(t)
	s.comes("ann@corp.example", on(0, "08:00"))
	if n := len(s.m.AppendBinary(nil)); n > 48 {
		t.Errorf("%d bytes", n)
	}
	for i := range 1000 {
		user := fmt.Sprint(i, strings.Repeat("x", maxName-4))
		s.comes(user, on(0, "09:00")+event.Time(i)*event.Second, wrongPassword)
		s.comes(user, on(0, "09:00")+event.Time(i)*event.Second)
	}
	if n := len(s.m.AppendBinary(nil)); n > 2600 {
		t.Errorf("a full memory takes %d bytes", n)
	}
}

func TestSourceMemoryTellsDamage(t *testing.T) {
	for name, raw := range map[string][]byte{
		"nothing":          nil,
		"a name of nobody": {SourceVersion, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
		"a newer version":  {SourceVersion + 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"too many users":   {SourceVersion, 0, 0, 0, 0, maxTried + 1},
		"not in order":     {SourceVersion, 9, 0, 0, 0, 2, 5, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0},
		"no such place":    {SourceVersion, 9, 0, 0, 0, 0, maxGuests + 1, 5, 0, 0, 0, 0, 0, 0, 0, 0},
		"told of nothing":  {SourceVersion, 9, 0, 0, 0, 1, 5, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0, 0},
		"bad ring":         {SourceVersion, 9, 0, 0, 0, 0, 0, 0, 0, maxRepeats, 0},
	} {
		r := wire.NewReader(raw)
		var m SourceMemory
		if m.DecodeBinary(&r); r.End() == nil {
			t.Errorf("%s: read as %+v", name, m)
		}
	}
}

// Whatever the bytes, reading them ends in an error or in a memory that can be
// written, read and used.
func FuzzSourceMemory(f *testing.F) {
	s := newSource(f)
	f.Add(s.m.AppendBinary(nil))
	s.comes("ann@corp.example", on(0, "08:00"))
	s.sprays(9, 4, on(0, "10:00"))
	f.Add(s.m.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := wire.NewReader(raw)
		var m SourceMemory
		if m.DecodeBinary(&r); r.End() != nil {
			return
		}
		var again SourceMemory
		r = wire.NewReader(m.AppendBinary(nil))
		if again.DecodeBinary(&r); r.End() != nil || again != m {
			t.Fatalf("%v: read %+v, then %+v", r.Err(), m, again)
		}
		s := source{t: t, set: New(Defaults()), m: m}
		s.sprays(9, 4, on(0, "10:00"))
		s.comes("victim", on(0, "11:00"))
	})
}

// Reading, processing and writing the memory of a network: of a home with one
// user, and of one under attack.
func BenchmarkSource(b *testing.B) {
	home, attacked := newSource(b), newSource(b)
	home.comes("ann@corp.example", on(0, "08:00"))
	attacked.comes("ann@corp.example", on(0, "08:00"))
	attacked.sprays(60, 4, on(0, "10:00"))
	for name, c := range map[string]struct {
		s *source
		e event.Event
	}{
		"home":     {home, signIn(on(0, "09:00"), potsdam, asUser("ann@corp.example"))},
		"attacked": {attacked, signIn(on(0, "10:20"), potsdam, asUser("target7"), wrongPassword)},
	} {
		b.Run(name, func(b *testing.B) {
			state, into := c.s.m.AppendBinary(nil), []byte(nil)
			b.ReportAllocs()
			for b.Loop() {
				r := wire.NewReader(state)
				c.s.m.DecodeBinary(&r)
				c.s.set.DetectSource(&c.e, &c.s.m, nil)
				into = c.s.m.AppendBinary(into[:0])
			}
		})
	}
}

// sourceGolden is the same memory as each version has written it.
var sourceGolden = map[byte]string{
	1: "01" + spraySeen + "000514",
	2: "02" + spraySeen + "00051400",
	3: "03" + sprayTold + "00051400",
}

const sprayTold = "" +
	"8defbc430573a6900401a10b044f1a961702a10b0413736c2800a10b045c98885203a10b04d37783b404a10b0401d2fb374e" +
	"997600018c3b10616e6e40636f72702e6578616d706c650001a17adcd30237de04780353859bd404314a76cc05072f372b06" +
	"96b241e107e79caf78083e455d42098eb1a6330aaf8b077f0b85e584610cc29d5bde0d640d9b9b0eec1091040f7ed025a210" +
	"d455892e11e1055aa712338571c313d9cf52d1146103c5210014a1dcf39d04"

const spraySeen = "" +
	"8defbc430573a6900401e802044f1a961702e8020413736c2800e802045c98885203e80204d37783b404e8020401d2fb37" +
	"4e997600018c3b10616e6e40636f72702e6578616d706c650001a17adcd30237de04780353859bd404314a76cc05072f372b" +
	"0696b241e107e79caf78083e455d42098eb1a6330aaf8b077f0b85e584610cc29d5bde0d640d9b9b0eec1091040f7ed025a2" +
	"10d455892e11e1055aa712338571c313d9cf52d1146103c5210014a1dcf39d04"
