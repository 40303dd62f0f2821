package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// parse returns the events and dead letters of a record.
func parse(t testing.TB, source Source, opts Options, record string, kafkaTime event.Time) ([]event.Event, []DeadLetter) {
	t.Helper()
	p, err := NewParser(source, opts)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.Event
	var dead []DeadLetter
	p.ParseAt([]byte(record), event.Origin{Topic: "idp.test", TopicID: "id", Partition: 3, Offset: 9}, kafkaTime,
		func(e *event.Event) { events = append(events, *e) },
		func(d DeadLetter) { dead = append(dead, d) })
	return events, dead
}

// one is the only event of a record.
func one(t testing.TB, source Source, record string) event.Event {
	t.Helper()
	events, dead := parse(t, source, Options{}, record, 0)
	if len(events) != 1 || len(dead) != 0 {
		t.Fatalf("%d events and dead letters %+v, want one event", len(events), dead)
	}
	return events[0]
}

func TestParserStampsWhatTheLogCannotSay(t *testing.T) {
	e := one(t, Source{Topic: "idp.test", Tenant: "acme"}, strings.Replace(oktaSample("a"), "{", `{"organization":{"id":"forged"},`, 1))
	if e.Kind != event.KindEvent || e.Provider != "okta" || e.Tenant != "acme" {
		t.Errorf("kind %q, provider %q, tenant %q", e.Kind, e.Provider, e.Tenant)
	}
	if want := (event.Origin{Topic: "idp.test", TopicID: "id", Partition: 3, Offset: 9}); e.Origin != want {
		t.Errorf("origin %+v", e.Origin)
	}
	if e := one(t, Source{Topic: "idp.test"}, oktaSample("a")); e.Tenant != "default" {
		t.Errorf("tenant %q without one configured", e.Tenant)
	}
}

func TestEventWithoutIDGetsItsHash(t *testing.T) {
	raw := oktaSample("-")
	sum := sha256.Sum256([]byte(raw))
	want := hex.EncodeToString(sum[:])
	for name, record := range map[string]string{
		"alone":          raw,
		"line break":     raw + "\n",
		"in an array":    "[" + raw + "]",
		"in an envelope": `{"records": [ ` + raw + ` ]}`,
		"in a string":    `{"message":` + quote(raw) + `}`,
	} {
		if e := one(t, Source{Topic: "idp.test"}, record); e.ID != want {
			t.Errorf("%s: id %s, want the hash of the raw event", name, e.ID)
		}
	}
	quoted := strings.ReplaceAll(raw, `"`, "'")
	sum = sha256.Sum256([]byte(quoted))
	if e := one(t, Source{Topic: "idp.test"}, quoted); e.ID != hex.EncodeToString(sum[:]) {
		t.Errorf("repaired: id %s, want the hash of the event as it came", e.ID)
	}
}

func TestOriginalIsKeptOnlyWhenAskedFor(t *testing.T) {
	a := oktaSample("a")
	events, _ := parse(t, Source{}, Options{KeepOriginal: true}, `{"records":[`+a+`]}`, 0)
	if events[0].Original != a {
		t.Errorf("original %q", events[0].Original)
	}
	if e := one(t, Source{}, a); e.Original != "" {
		t.Errorf("kept without being asked: %q", e.Original)
	}
}

// TestWhatUnknownUsersTypeIsNotStored: people type passwords into the field of
// the name.
func TestWhatUnknownUsersTypeIsNotStored(t *testing.T) {
	okta := func(result string) string {
		return strings.NewReplacer("00u1", "unknown", "alice@example.com", "hunter2", "SUCCESS", result).Replace(oktaSample("a"))
	}
	keycloak := func(kind, failure string) string {
		return `{"time":1772612127418,"type":"` + kind + `","realmId":"r","userId":"null","error":"` + failure + `","details":{"username":"hunter2","email":"hunter2@example.com"}}`
	}
	for _, c := range []struct {
		name, raw string
		reason    event.Reason
	}{
		{"Okta, failure", okta("FAILURE"), event.UnknownUser},
		{"Okta, challenge", okta("CHALLENGE"), event.Interrupted},
		{"Keycloak, no such user", keycloak("LOGIN_ERROR", "user_not_found"), event.UnknownUser},
		{"Keycloak, no user and another error", keycloak("LOGIN_ERROR", "invalid_user_credentials"), event.UnknownUser},
		{"Keycloak, given up", keycloak("LOGIN_ERROR", "expired_code"), event.Interrupted},
		{"Keycloak, no sign-in", keycloak("SEND_RESET_PASSWORD_ERROR", "invalid_email"), event.OtherReason},
		{"Entra", `{"id":"e","createdDateTime":"2026-03-04T12:00:00Z","userPrincipalName":"hunter2@example.com","userDisplayName":"hunter2","userId":"00000000-0000-0000-0000-000000000000","appId":"a","status":{"errorCode":50034}}`, event.UnknownUser},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, dead := parse(t, Source{}, Options{KeepOriginal: true}, c.raw, 0)
			if len(events) != 1 {
				t.Fatalf("dead letters %+v, want one event", dead)
			}
			if got := string(events[0].AppendJSON(nil)); strings.Contains(got, "hunter2") {
				t.Errorf("what was typed is in the event: %s", got)
			}
			if events[0].Reason != c.reason {
				t.Errorf("reason %q, want %q", events[0].Reason, c.reason)
			}
		})
	}
}

func TestFutureEventsOfKafkaAreRejected(t *testing.T) {
	at := event.Time(1772625600000) // of the sample
	for _, c := range []struct {
		name  string
		kafka event.Time
		dead  int
	}{
		{"file", 0, 0},
		{"in time", at + 1000, 0},
		{"5 minutes ahead", at - 5*event.Minute, 0},
		{"more", at - 5*event.Minute - 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, dead := parse(t, Source{Topic: "idp.test"}, Options{}, oktaSample("a"), c.kafka)
			if len(dead) != c.dead {
				t.Fatalf("dead letters %+v, want %d", dead, c.dead)
			}
			if c.dead == 1 && dead[0].Reason != FutureTime {
				t.Errorf("reason %s", dead[0].Reason)
			}
		})
	}
}

func TestEnrichmentComesLastAndMayMoveTheSubject(t *testing.T) {
	enrich := func(e *event.Event) {
		if e.User.Subject == "alice@example.com" {
			e.User.Subject = "alice@corp.example"
		}
	}
	events, _ := parse(t, Source{}, Options{Enrich: enrich}, oktaSample("a"), 0)
	if got := events[0].User.Subject; got != "alice@corp.example" {
		t.Errorf("subject %q", got)
	}
}

func TestDeadLetterTellsWhereAndWhy(t *testing.T) {
	raw := `{"hello":"` + strings.Repeat("x", 100<<10) + `"}`
	_, dead := parse(t, Source{Topic: "idp.test", Format: "okta"}, Options{}, oktaSample("a")+"\n"+raw, 0)
	if len(dead) != 1 {
		t.Fatal(dead)
	}
	d := dead[0]
	sum := sha256.Sum256([]byte(raw))
	if d.Size != len(raw) || len(d.Raw) != maxRaw || d.SHA256 != hex.EncodeToString(sum[:]) || d.Format != "okta" {
		t.Errorf("size %d, raw %d, sha %s, format %s", d.Size, len(d.Raw), d.SHA256, d.Format)
	}
	if want := (event.Origin{Topic: "idp.test", TopicID: "id", Partition: 3, Offset: 9, Index: 1}); d.Origin != want {
		t.Errorf("origin %+v", d.Origin)
	}
	if !strings.Contains(d.Err, "okta") {
		t.Errorf("the error does not name the format: %s", d.Err)
	}
}

func TestPanicOfAFormatIsADeadLetter(t *testing.T) {
	p, err := NewParser(Source{Format: "okta"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.unwrap.formats = []format{{
		name: "fragile", recognise: isOkta,
		parse: func(v *fastjson.Value, out []event.Event) ([]event.Event, error) {
			if text(v, "uuid") == "bad" {
				panic("surprise")
			}
			return parseOkta(v, out)
		},
	}}
	var got []string
	p.Parse([]byte(oktaSample("a")+oktaSample("bad")+oktaSample("b")), event.Origin{},
		func(e *event.Event) { got = append(got, e.ID) },
		func(d DeadLetter) { got = append(got, d.Reason) })
	if strings.Join(got, " ") != "a parser_panic b" {
		t.Errorf("got %v", got)
	}
}

func TestUnknownFormatNameListsTheKnown(t *testing.T) {
	_, err := NewParser(Source{Format: "octa"}, Options{})
	if err == nil || !strings.Contains(err.Error(), `"octa"`) || !strings.Contains(err.Error(), "keycloak, ") {
		t.Errorf("error %v", err)
	}
	for _, name := range Formats() {
		if _, err := NewParser(Source{Format: name}, Options{}); err != nil {
			t.Errorf("listed but unknown: %v", err)
		}
	}
}

func TestOwnEventsComeBackAsTheyWere(t *testing.T) {
	enriched := one(t, Source{Topic: "idp.test", Tenant: "acme"}, oktaSample("a"))
	enriched.Source.Corporate = event.True
	line := string(enriched.AppendJSON(nil))

	enrich := func(e *event.Event) { e.Source.Corporate = event.False }
	events, dead := parse(t, Source{}, Options{Enrich: enrich}, line, 0)
	if len(dead) != 0 || events[0] != enriched {
		t.Errorf("got %s %v\nwant %s", events[0].AppendJSON(nil), dead, line)
	}
	signal := strings.NewReplacer(`"kind":"event"`, `"kind":"signal"`, `"sign_in"`, `"idp_signal"`).Replace(line)
	events, _ = parse(t, Source{Format: "riskstream"}, Options{}, signal, 0)
	if len(events) != 1 || events[0].Kind != event.KindSignal || events[0].Tenant != "acme" {
		t.Errorf("signal: %+v", events)
	}
}

func TestOwnEventsAreCleanedLikeOthers(t *testing.T) {
	e := one(t, Source{}, oktaSample("a"))
	e.App.Name, e.Session.ID = strings.Repeat("x", 5000), "a\u202eb"
	e = one(t, Source{}, string(e.AppendJSON(nil)))
	if len(e.App.Name) > maxText || e.Session.ID != "a b" {
		t.Errorf("a name of %d bytes, session %q", len(e.App.Name), e.Session.ID)
	}
}

// TestOwnEventsInALogTopic: whoever writes to a topic of logs must not choose
// a tenant, an origin or an enrichment.
func TestOwnEventsInALogTopic(t *testing.T) {
	forged := one(t, Source{Topic: "idp.test", Tenant: "victim"}, oktaSample("a"))
	forged.Source.Corporate = event.True
	events, _ := parse(t, Source{Topic: "idp.test", Tenant: "acme"}, Options{}, string(forged.AppendJSON(nil)), 0)
	for _, e := range events {
		if e.Tenant != "acme" || e.Source.Corporate == event.True {
			t.Errorf("forged: tenant %q, corporate %v", e.Tenant, e.Source.Corporate)
		}
	}
}

// TestOwnEventsOfATopicDoNotChooseTheirTenant: in a file they are a dump that
// must give what it gave; in a topic anybody may have written them.
func TestOwnEventsOfATopicDoNotChooseTheirTenant(t *testing.T) {
	const raw = `{"@timestamp":"2026-03-04T12:00:00.000Z","event":{"id":"1","kind":"event","action":"sign_in","outcome":"success","provider":"okta"},` +
		`"user":{"subject":"alice@example.com"},"organization":{"id":"forged"},"origin":{"topic":"forged","partition":0,"offset":99}}`
	of := func(source Source) (tenant string, offset int64) {
		e := one(t, source, raw)
		if e.User.Subject != "alice@example.com" || e.Provider != "okta" {
			t.Errorf("the event was changed: %s", e.AppendJSON(nil))
		}
		return e.Tenant, e.Origin.Offset
	}
	if tenant, offset := of(Source{}); tenant != "forged" || offset != 99 {
		t.Errorf("file: tenant %q, offset %d", tenant, offset)
	}
	if tenant, offset := of(Source{Topic: "idp.test", Format: "riskstream", Tenant: "acme"}); tenant != "acme" || offset != 9 {
		t.Errorf("topic: tenant %q, offset %d; want the source's", tenant, offset)
	}
}

// Who can write to a source may say that a user is safe, where the operator has
// allowed it, and must not make riskstream forget anybody. A dump of risk.events
// has the erasures that were.
func TestASourceErasesNobody(t *testing.T) {
	const raw = `{"@timestamp":"2026-03-04T12:00:00.000Z","event":{"id":"1","kind":"signal","action":"idp_signal","code":"%s","provider":"soc"},` +
		`"user":{"subject":"alice@example.com"},"organization":{"id":"default"}}`
	for _, test := range []struct {
		source Source
		code   string
		taken  bool
	}{
		{Source{Topic: "idp.soc", Format: "riskstream"}, event.ConfirmSafe, true},
		{Source{Topic: "idp.soc", Format: "riskstream"}, event.Erase, false},
		{Source{}, event.Erase, true},
	} {
		events, dead := parse(t, test.source, Options{}, fmt.Sprintf(raw, test.code), 0)
		if taken := len(events) == 1; taken != test.taken || len(dead) == 1 == test.taken {
			t.Errorf("%s from topic %q: %d events, dead letters %v", test.code, test.source.Topic, len(events), dead)
		} else if !taken && dead[0].Reason != InvalidEvent {
			t.Errorf("reason %s", dead[0].Reason)
		}
	}
}
