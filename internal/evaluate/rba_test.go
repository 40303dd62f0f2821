package evaluate

import (
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/config"
)

// The fixture has three users over 40 days, and sign-ins from an attacker's
// address: a takeover after a failure, one of a user who was never seen, and one
// that is no takeover.
func rbaFixture(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/rba.csv")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRBA(t *testing.T) {
	data := rbaFixture(t)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	plain, err := RBA(t.Context(), config.Default(), bytes.NewReader(data), 14, 10)
	if err != nil {
		t.Fatal(err)
	}
	zipped, err := RBA(t.Context(), config.Default(), &packed, 14, 10)
	if err != nil {
		t.Fatal(err)
	}
	plain.CostNS, zipped.CostNS = 0, 0
	if diff := cmp.Diff(plain, zipped); diff != "" {
		t.Errorf("compressed it says something else: %s", diff)
	}

	d := &plain.Data
	if d.Events != 137 || d.Users != 3 || d.Attacks != 1 || d.Unknown != 1 || d.Repelled != 0 {
		t.Errorf("%+v", d)
	}
	for _, m := range plain.Methods {
		if m.Name == nameElastic {
			t.Error("places are compared")
		}
		if len(m.Groups) != 2 || m.Groups[1].Attack != AccountTakeover || m.Groups[1].TPR[0].Of != 1 {
			t.Errorf("%s: %+v", m.Name, m.Groups)
		}
		if len(m.AtTPR) != len(published) || m.AtTPR[0].Attacks != 1 {
			t.Errorf("%s: %+v", m.Name, m.AtTPR)
		}
	}
	for _, f := range plain.Firings {
		if strings.Contains(f.Detector, "travel") {
			t.Errorf("%s is on", f.Detector)
		}
	}
	if len(plain.Data.Notes) == 0 || !strings.Contains(plain.Data.Notes[0], "travel") {
		t.Errorf("notes %q", plain.Data.Notes)
	}
}

// What a row becomes.
func TestReadRBA(t *testing.T) {
	var cases []Case
	if err := readRBA(bytes.NewReader(rbaFixture(t)), func(c *Case) error {
		cases = append(cases, *c)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	e := &cases[0].Event
	if e.Outcome != event.Failure || e.Reason != event.BadCredentials || e.Source.AS.Number != 29695 || e.Source.Geo.Country != "NO" || e.Source.Geo.Located {
		t.Errorf("%+v", e)
	}
	if got := e.Time.String(); !strings.HasPrefix(got, "2020-02-03T08:") {
		t.Errorf("at %s", got)
	}
	if got, want := cases[0].Client, (Client{"Safari 13.1.2", "Mac OS X 10.15.7", "desktop"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	kinds := map[string]int{}
	neither := 0
	for i := range cases {
		c := &cases[i]
		kinds[c.Truth.Attack]++
		if c.Truth.Attack == "" && !c.Truth.Benign() {
			neither++
		}
	}
	// Neither: the attacker's failure, the sign-in that is no takeover, and three
	// days of the owner's.
	if kinds[AccountTakeover] != 2 || len(kinds) != 2 || neither < 5 || neither > 6 {
		t.Errorf("%v, %d neither", kinds, neither)
	}
}

func TestRBAFilesThatAreNone(t *testing.T) {
	data := string(rbaFixture(t))
	header, rows, _ := strings.Cut(data, "\n")
	first, _, _ := strings.Cut(rows, "\n")
	for _, c := range []struct{ name, file, want string }{
		{"empty", "", "no header"},
		{"another file", "a,b\n1,2\n", "it has no column index, Login Timestamp"},
		{"without its labels", strings.Replace(header, ",Is Account Takeover", "", 1) + "\n", "no column Is Account Takeover"},
		{"no rows", header + "\n", "no row"},
		{"a time in another form", header + "\n" + strings.Replace(first, "2020-02-03 ", "03.02.2020 ", 1) + "\n", "line 2: Login Timestamp"},
		{"a flag in another form", header + "\n" + strings.Replace(first, ",False,False,False", ",No,False,False", 1) + "\n", `line 2: Login Successful "No"`},
		{"cut short", header + "\n" + first[:60] + "\n", "wrong number of fields"},
		{"too short to test", data, "before the tested part begins"},
	} {
		learn := 14
		if c.name == "too short to test" {
			learn = 60
		}
		if _, err := RBA(t.Context(), config.Default(), strings.NewReader(c.file), learn, 10); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
