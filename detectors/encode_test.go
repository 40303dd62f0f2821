package detectors

import (
	"flag"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/riskstream/riskstream/internal/wire"
	"github.com/riskstream/riskstream/internal/wire/wiretest"
)

var update = flag.Bool("update", false, "rewrite the golden file of the newest version")

func decoded(t interface{ Fatal(...any) }, b []byte) Memory {
	m := quietMemory() // what was there before must not shine through
	r := wire.NewReader(b)
	m.DecodeBinary(&r)
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	return m
}

// Whatever a Memory holds, in every field, is there after decoding.
func TestMemoryRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Memory
		wiretest.Fill(t, &m, map[string]uint64{"prompt.fate": uint64(fates - 1), "origin.kind": uint64(clientKinds - 1)})
		if got := decoded(t, m.AppendBinary(nil)); got != m {
			t.Fatalf("decoded\n%+v, want\n%+v", got, m)
		}
	})
}

// So is whatever the detectors make of events.
func TestLearnedMemoryRoundTrip(t *testing.T) {
	set := New(Defaults())
	rapid.Check(t, func(t *rapid.T) {
		var m Memory
		for range rapid.IntRange(0, 30).Draw(t, "events") {
			e := anyEvent(t)
			set.Learn(&e, &m, Verdict{})
		}
		if got := decoded(t, m.AppendBinary(nil)); got != m {
			t.Fatalf("decoded\n%+v, want\n%+v", got, m)
		}
	})
}

func TestMemoryOfANewerVersion(t *testing.T) {
	b := quietMemory().appended()
	b[0]++
	var m Memory
	r := wire.NewReader(b)
	m.DecodeBinary(&r)
	if err := r.End(); err == nil || !strings.Contains(err.Error(), "written by a newer riskstream") {
		t.Errorf("error %v", err)
	}
}

// Bytes that end too early are an error, wherever they end.
func TestCutMemory(t *testing.T) {
	for name, m := range goldenMemories() {
		b := m.AppendBinary(nil)
		for n := range b {
			var m Memory
			r := wire.NewReader(b[:n])
			m.DecodeBinary(&r)
			if r.End() == nil {
				t.Errorf("%s: %d of %d bytes were taken for all", name, n, len(b))
			}
		}
	}
}

// What version 1 wrote is read for ever. A new version gets a file of its own,
// and those of earlier versions stay as they are.
func TestGoldenMemories(t *testing.T) {
	want, written := goldenMemories(), map[string][]byte{}
	for name, m := range want {
		written[name] = m.appended()
	}
	wiretest.Golden(t, "testdata/memory_v%d.hex", memoryVersion, *update, written, func(t *testing.T, name string, b []byte) {
		if got := decoded(t, b); got != want[name] {
			t.Errorf("decoded\n%+v, want\n%+v", got, want[name])
		}
	})
}

func (m Memory) appended() []byte { return m.AppendBinary(nil) }

func goldenMemories() map[string]Memory {
	busy := quietMemory()
	busy.progress.challenged = 1_160_000_000
	busy.progress.devices, busy.progress.networks, busy.progress.countries = 1, 2, 3
	busy.networks[2] = familiar{}
	busy.networks[9] = familiar{key: 5, lastDay: 13_500, days: 255, kinds: kindVPN | kindHosting}
	busy.anchors[0].traits |= mobile | corporate
	busy.anchors[1].lat, busy.anchors[1].lon = 1.0/3, -179.99999
	busy.anchors[1].bound, busy.anchors[1].country = 77, 0x5a5a
	busy.anchors[3] = anchor{at: 4_294_967_295, radius: 65_535, city: [13]byte{12: 'x'}}
	busy.failures.list[11] = failure{at: 1, source: 9, bound: 8, session: 7}
	busy.failures.own = 0b1000_0000_0101
	busy.pending[1] = sighting{
		at: 1_159_999_000, lat: 35.68, lon: 139.69, source: 1, network: 2, bound: 3, family: 4, session: 5,
		radius: 6, country: 7, kinds: kindTor, traits: located | satellite,
	}
	attacked := quietMemory() // since version 2
	now := attacked.anchors[0].at
	attacked.prompts = prompts{
		{at: now - 300, source: attacked.anchors[0].source, own: true},
		{at: now - 200, source: 0x12345678, fate: ignored},
		{at: now - 100, source: 0x12345678, fate: denied},
		11: {at: 1},
	}
	attacked.codes = failures{list: [maxFailures]failure{2: {at: now, source: 0x12345678, session: 0x4321}}, own: 1}
	attacked.arrivals = arrivals{{at: now - 400, source: 0x12345678, session: 0x4321, strange: true}, 2: {at: now, source: attacked.anchors[1].source}}
	mail := quietMemory() // since version 3
	mail.protocols = [maxProtocols]familiar{{key: uint32(imap), lastDay: mail.progress.day, days: 40}, 2: {key: uint32(deviceCode), lastDay: mail.progress.day - 9, days: 1}}
	mail.consents = [maxConsents]familiar{1: {key: 0x12345678, lastDay: mail.progress.day - 30, days: 2}}
	mail.password = password{changed: now - 90*86400, listed: now - 100*86400}
	inUse := quietMemory()
	inUse.sessions = sessions{
		{
			at: now - 60, session: 0x0badcafe, network: inUse.networks[1].key, bound: inUse.devices[0].key,
			client: client{0x1111, 0x2222, 131}, country: uint16(inUse.countries[0].key), kind: browserClient, own: true,
		},
		3: {at: now - 3*86400, session: 7, network: 0x12345678, bound: 9, country: 0x5a5a, kind: scriptClient, mobile: true},
		4: {at: now - 2*3600, session: 6, network: inUse.networks[0].key, client: client{0x1111, 0x2222, 131}, kind: browserClient},
		5: {at: now, session: 9, network: inUse.networks[0].key, client: client{0x1111, 0x2222, 131}, kind: browserClient},
	}
	inUse.bulk = bulk{
		parts: [bulkParts]bulkPart{
			{number: uint32(now) / 60, seen: resourceSet{1, 7: 1 << 31}, plain: 3, sensitive: 100, weight: 300, downloads: 65_535},
			2: {number: uint32(now)/60 - 1, changes: 1},
		},
		habit: [1]familiar{{lastDay: inUse.progress.day - 1, days: 2}},
	}
	inUse.opened = opened{
		known: [maxOpened]uint16{0xaaaa, 0xbbbb, 5: 0xcccc},
		since: inUse.progress.day - 100,
		fresh: [maxFreshApps]freshApp{{now - 30, 0xaaaa}, 7: {now, 0xdddd}},
	}
	habitual := quietMemory()
	habitual.addHabits()
	habitual.absence = absence{active: habitual.progress.day + 3, longest: 60}
	habitual.apps[11] = familiar{key: 0x4242, lastDay: habitual.progress.day - 90, days: 1}
	habitual.pending[0] = sighting{at: 1_159_999_000, network: 2, family: 4, os: 7}
	recognised := inUse // since version 4
	recognised.browsers = browsers{{key: 0x1111, lastDay: recognised.progress.day, days: 60}, 3: {key: 0x2222, lastDay: recognised.progress.day - 2, days: 1}}
	recognised.vintages = [maxDevices]vintage{{newest: 145}, 1: {newest: 300, behind: 2}}
	recognised.sessions[0].browser, recognised.sessions[0].source, recognised.sessions[0].home = 0x1111, 0x5555, true
	recognised.sessions[3].browser, recognised.sessions[3].last = 0x3333, 0x12345678
	recognised.pending[0] = sighting{at: now - 500, source: 1, browser: 0x4444, version: 140, os: 3}
	return map[string]Memory{
		"new": {}, "quiet": quietMemory(), "busy": busy, "attacked": attacked, "mail": mail, "using": inUse, "habitual": habitual, "recognised": recognised,
	}
}

// addHabits gives a user three addresses, five apps and office hours.
func (m *Memory) addHabits() {
	day := m.progress.day
	m.progress.days = 140
	for i, key := range []uint32{0x1715, 0x609d, 0xb54c} {
		m.sources[i] = familiar{key: key, lastDay: day - uint16(i), days: uint8(90 - 40*i)}
	}
	for i, key := range []uint32{0x3c6e, 0xdaa6, 0x78dd, 0x9e37, 0x5340} {
		m.apps[i] = familiar{key: key, lastDay: day - uint16(i), days: uint8(120 - 25*i)}
	}
	m.devices[0].setOS(0xd7)
	m.devices[1].setOS(0x31)
	m.hours.counted = begins(day) + 31_000
	for hour := 8; hour < 18; hour++ {
		m.hours.counts[0][hour/2] |= uint8(hour) % 7 << (hour % 2 * 4)
	}
}

// quietMemory is a user at home in two countries, with four networks, two
// devices and three mistyped passwords.
func quietMemory() Memory {
	const day = 13_423
	now := begins(day) + 31_000
	city := func(name string) (c [13]byte) { copy(c[:], name); return c }
	return Memory{
		progress:  progress{first: now - 200*86400, signIns: 431, day: day},
		countries: [maxCountries]familiar{{key: 'D'<<8 | 'E', lastDay: day, days: 130}, {key: 'F'<<8 | 'R', lastDay: day - 60, days: 4}},
		networks: [maxNetworks]familiar{
			{key: 0x9e3779b9, lastDay: day, days: 130},
			{key: 0x3c6ef372, lastDay: day - 1, days: 77},
			{key: 0xdaa66d2b, lastDay: day - 20, days: 12},
			{key: 0x78dde6e4, lastDay: day - 60, days: 4},
		},
		devices: [maxDevices]familiar{{key: 0x1715609d, lastDay: day, days: 120}, {key: 0xb54cda56, lastDay: day, days: 31}},
		anchors: anchors{
			{at: now, lat: 52.5196, lon: 13.4069, source: 0x53840cf1, session: 0x1234, radius: 20, country: 'D'<<8 | 'E', traits: located, city: city("Berlin")},
			{at: now - 40*86400, lat: 48.1374, lon: 11.5755, source: 0xf1bbcdcb, session: 0x5678, radius: 50, country: 'D'<<8 | 'E', traits: located, city: city("Munich")},
			{at: now - 60*86400, lat: 48.8534, lon: 2.3488, source: 0x8ff34786, session: 0x9abc, radius: 100, country: 'F'<<8 | 'R', traits: located, city: city("Paris")},
		},
		failures: failures{list: [maxFailures]failure{
			{at: now - 30*86400, source: 0x53840cf1, bound: 0x4321},
			{at: now - 30*86400 + 9, source: 0x53840cf1, bound: 0x4321},
			{at: now - 60, source: 0x53840cf1, bound: 0x4321},
		}, own: 0b111},
	}
}

// The detectors' share of a quiet subject's bytes.
func TestQuietMemoryIsSmall(t *testing.T) {
	if n, most := len(quietMemory().appended()), 150; n > most {
		t.Errorf("%d bytes, want at most %d", n, most)
	} else {
		t.Logf("%d bytes", n)
	}
	habitual := quietMemory()
	before := len(habitual.appended())
	habitual.addHabits()
	if n, most := len(habitual.appended())-before, 60; n > most {
		t.Errorf("habits take %d bytes, want at most %d", n, most)
	} else {
		t.Logf("%d bytes of habits", n)
	}
	if n := len(Memory{}.appended()); n > 20 {
		t.Errorf("a new subject takes %d bytes", n)
	}
}

// Bytes from anywhere give an error or a Memory that is written and read again.
func FuzzDecodeMemory(f *testing.F) {
	for _, m := range goldenMemories() {
		f.Add(m.appended())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Memory
		r := wire.NewReader(b)
		m.DecodeBinary(&r)
		if r.End() != nil {
			return
		}
		if again := decoded(t, m.appended()); again != m {
			t.Fatalf("decoded\n%+v, want\n%+v", again, m)
		}
	})
}

func BenchmarkEncodeMemory(b *testing.B) {
	for name, m := range goldenMemories() {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = m.AppendBinary(buf[:0])
			}
			b.ReportMetric(float64(len(buf)), "bytes")
		})
	}
}

func BenchmarkDecodeMemory(b *testing.B) {
	for name, m := range goldenMemories() {
		b.Run(name, func(b *testing.B) {
			buf := m.AppendBinary(nil)
			b.ReportAllocs()
			for b.Loop() {
				r := wire.NewReader(buf)
				m.DecodeBinary(&r)
				if r.End() != nil {
					b.Fatal(r.Err())
				}
			}
		})
	}
}

// What an earlier version could not have written is damage.
func TestEarlierVersionsLackLaterParts(t *testing.T) {
	for _, c := range []struct {
		name    string
		version byte
	}{{"attacked", 1}, {"mail", 1}, {"mail", 2}, {"using", 1}, {"using", 2}, {"habitual", 1}, {"habitual", 2}} {
		b := goldenMemories()[c.name].appended()
		b[0] = c.version
		var m Memory
		r := wire.NewReader(b)
		m.DecodeBinary(&r)
		if r.End() == nil {
			t.Errorf("%s: later parts were read as version %d", c.name, c.version)
		}
	}
}
