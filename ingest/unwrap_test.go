package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/riskstream/riskstream/event"
)

// oktaSample is a small System Log event with the given uuid.
func oktaSample(uuid string) string {
	return fmt.Sprintf(`{"actor":{"id":"00u1","type":"User","alternateId":"alice@example.com"},"client":{"ipAddress":"203.0.113.7"},`+
		`"eventType":"user.session.start","outcome":{"result":"SUCCESS"},"published":"2026-03-04T12:00:00.000Z","uuid":"%s"}`, uuid)
}

// results of parsing a record: "id" of each event, "!reason" of each dead
// letter, in order.
func results(t *testing.T, source Source, record []byte) []string {
	t.Helper()
	p, err := NewParser(source, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	next := int32(0)
	index := func(i int32) {
		if i != next {
			t.Errorf("origin.index is %d, want %d: it counts events and dead letters alike", i, next)
		}
		next++
	}
	p.Parse(record, event.Origin{Topic: "idp.test", Partition: 3, Offset: 9},
		func(e *event.Event) {
			got = append(got, e.ID)
			index(e.Origin.Index)
		},
		func(d DeadLetter) {
			got = append(got, "!"+d.Reason)
			index(d.Origin.Index)
		})
	return got
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s)) //nolint:errcheck // a buffer takes everything
	w.Close()          //nolint:errcheck // same
	return b.String()
}

func quote(s string) string { return string(event.AppendString(nil, s)) }

// TestArrivals holds every way in which logs were seen to reach Kafka.
func TestArrivals(t *testing.T) {
	a, b := oktaSample("a"), oktaSample("b")
	keycloakLine := `2026-03-04 12:00:00,000 WARN  [org.keycloak.events] (executor-thread-1) type="LOGIN", realmId="r", clientId="web", userId="u1", ipAddress="203.0.113.7", id="k"`
	pretty := strings.ReplaceAll(strings.ReplaceAll(a, ",", ",\n  "), "{", "{\n  ")
	for _, c := range []struct{ name, record, want string }{
		{"bare JSON", a, "a"},
		{"space and line break around", "\n  " + a + "\r\n", "a"},
		{"byte order mark", "\xef\xbb\xbf" + a, "a"},
		{"JSON lines", a + "\n" + b + "\n", "a b"},
		{"JSON lines, Windows", a + "\r\n" + b, "a b"},
		{"values behind each other", a + b, "a b"},
		{"JSON text sequence", "\x1e" + a + "\n\x1e" + b, "a b"},
		{"pretty-printed", pretty + "\n" + pretty, "a a"},
		{"array", "[" + a + "," + b + "]", "a b"},
		{"array of strings", "[" + quote(a) + "," + quote(b) + "]", "a b"},
		{"empty array", "[]", ""},
		{"JSON in a JSON string", quote(a), "a"},
		{"gzip", gzipped(a + "\n" + b), "a b"},
		{"base64", base64.StdEncoding.EncodeToString([]byte(a)), "a"},
		{"gzip in base64", base64.StdEncoding.EncodeToString([]byte(gzipped(a))), "a"},
		{"URL base64 without padding", base64.RawURLEncoding.EncodeToString([]byte(a + "\n")), "a"},
		{"schema registry header", "\x00\x00\x00\x00\x07" + a, "a"},
		{"schema registry header and gzip", "\x00\x00\x00\x00\x07" + gzipped(a), "a"},
		{"EventBridge", `{"version":"0","id":"x","detail-type":"SystemLog","source":"aws.partner/okta.com/x/y","detail":` + a + `}`, "a"},
		{"EventBridge with LogEvent", `{"version":"0","source":"aws.partner/okta.com/x/y","detail":{"LogEvent":` + a + `}}`, "a"},
		{"Okta event hook", `{"eventType":"com.okta.event_hook","eventTime":"2026-03-04T12:00:01Z","data":{"events":[` + a + "," + b + `]}}`, "a b"},
		{"Azure Monitor envelope", `{"records":[` + a + "," + b + `]}`, "a b"},
		{"empty envelope", `{"records":[]}`, ""},
		{"CloudTrail envelope", `{"Records":[` + a + `]}`, "a"},
		{"items", `{"items":[` + a + `]}`, "a"},
		{"Microsoft Graph", `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#auditLogs/signIns","value":[` + a + `,` + b + `]}`, "a b"},
		{"CloudWatch", `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":` + quote(a) + `}]}`, "a"},
		{"CloudWatch, compressed", gzipped(`{"logEvents":[{"id":"1","message":` + quote(a) + `},{"id":"2","message":` + quote(b) + `}]}`), "a b"},
		{"Kafka Connect", `{"schema":{"type":"string"},"payload":` + a + `}`, "a"},
		{"Kafka Connect, string payload", `{"schema":{"type":"string"},"payload":` + quote(a) + `}`, "a"},
		{"Filebeat", `{"@timestamp":"2026-03-04T12:09:00Z","@metadata":{"beat":"filebeat"},"agent":{"type":"filebeat"},"host":{"name":"h"},"message":` + quote(a) + `}`, "a"},
		{"Filebeat, event.original", `{"@timestamp":"2026-03-04T12:09:00Z","event":{"original":` + quote(a) + `}}`, "a"},
		{"Filebeat, ECS fields beside it", `{"@timestamp":"2026-03-04T12:09:00Z","event":{"action":"user.session.start","outcome":"success","original":` + quote(a) + `},"user":{"name":"x"},"source":{"ip":"198.51.100.1"}}`, "a"},
		{"dotted event.original", `{"@timestamp":"2026-03-04T12:09:00Z","event.original":` + quote(a) + `}`, "a"},
		{"Vector, decoded", strings.Replace(a, "{", `{"source_type":"http_server","timestamp":"2026-03-04T12:09:00Z",`, 1), "a"},
		{"Fluent Bit", `{"log":` + quote(a+"\n") + `,"stream":"stdout"}`, "a"},
		{"Logstash, plain codec", `2026-03-04T12:00:01.000Z host.example ` + a, "a"},
		{"Logstash, JSON codec", strings.Replace(a, "{", `{"@version":"1",`, 1), "a"},
		{"Filebeat inside Kafka Connect inside gzip", gzipped(`{"schema":null,"payload":{"message":` + quote(`{"records":[`+a+`]}`) + `}}`), "a"},
		{"log line", keycloakLine, "k"},
		{"log lines", keycloakLine + "\n" + keycloakLine, "k k"},
		{"log line in a shipper's JSON", `{"@timestamp":"2026-03-04T12:09:00Z","message":` + quote(keycloakLine) + `}`, "k"},
		{"log line and JSON mixed", keycloakLine + "\n" + a + "\n[main] " + keycloakLine, "k a k"},
		{"raw line break inside a string", strings.Replace(a, "alice@example.com", "alice@example.com\n", 1), "a"},
		{"single quotes", strings.ReplaceAll(a, `"`, `'`), "a"},
		{"single quotes in an envelope", strings.ReplaceAll(`{"records": [`+a+`, `+b+`]}`, `"`, `'`), "a b"},
		{"Logstash, plain codec, host in braces", `2026-03-04T12:00:01.000Z {name=host.example} ` + a, "a"},
		{"Cribl", `{"_time":1772625601,"_raw":` + quote(a) + `}`, "a"},
		{"exported with its origin", `{"origin":"archive","raw":` + a + `}`, "a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(results(t, Source{Topic: "idp.test"}, []byte(c.record)), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestBadInput holds what must become dead letters, with what survives it.
func TestBadInput(t *testing.T) {
	a, b := oktaSample("a"), oktaSample("b")
	deep := strings.Repeat(`{"a":`, 400) + "1" + strings.Repeat("}", 400)
	nested := a
	for range maxDepth + 1 {
		nested = `{"payload":` + nested + `}`
	}
	for _, c := range []struct {
		name, record string
		source       Source
		want         string
	}{
		{"empty", "", Source{}, "!malformed_json"},
		{"blank", " \n ", Source{}, "!malformed_json"},
		{"not JSON", "hello", Source{}, "!unknown_format"},
		{"cut off", a[:len(a)/2], Source{}, "!malformed_json"},
		{"cut off between neighbours", a + "\n" + a[:len(a)/2] + "\n" + b, Source{}, "a !malformed_json b"},
		{"envelope cut off", `{"records":[` + a + "," + b + "," + a[:len(a)/2], Source{}, "a b !malformed_json"},
		{"envelope cut off between elements", `{"records":[` + a + ",", Source{}, "a"},
		{"array cut off", "[" + a + "," + b[:len(b)/2], Source{}, "a !malformed_json"},
		{"bad element of an array", "[" + a + `,{"x":nope},` + b + "]", Source{}, "a !malformed_json b"},
		{"bad element of an envelope", `{"records":[` + a + `,{"x":nope},7,` + b + "]}", Source{}, "a !malformed_json !unknown_format b"},
		{"foreign element of an envelope", `{"records":[` + a + `,{"hello":"world"},` + b + "]}", Source{}, "a !unknown_format b"},
		{"element without time", "[" + a + "," + strings.Replace(a, "2026", "never", 1) + "," + b + "]", Source{}, "a !no_time b"},
		{"ancient", strings.Replace(a, "2026", "1871", 1), Source{}, "!no_time"},
		{"wrong types", `{"actor":7,"client":[],"eventType":"user.session.start","outcome":"SUCCESS","published":{},"uuid":"a","target":{}}`, Source{}, "!no_time"},
		{"wrong types but a time", `{"actor":7,"client":[],"eventType":"user.session.start","outcome":"x","published":"2026-03-04T12:00:00Z","uuid":"a","target":{}}`, Source{}, "a"},
		{"nested too deep", deep, Source{}, "!too_deep"},
		{"too many envelopes", nested, Source{}, "!too_deep"},
		{"arrays in arrays without end", strings.Repeat("[", 5000), Source{}, ""},
		{"truncated gzip", gzipped(a)[:60], Source{}, "!truncated_gzip"},
		{"damaged gzip", "\x1f\x8b\x08nothing that gzip wrote", Source{}, "!truncated_gzip"},
		{"oversized", `{"x":"` + strings.Repeat("x", 10<<20) + `"}`, Source{}, "!oversized"},
		{"oversized inside gzip", gzipped(`{"x":"` + strings.Repeat("x", 10<<20) + `"}`), Source{}, "!oversized"},
		{"too many values to hold", `{"x":[` + strings.Repeat("1,", 2<<20) + `1]}`, Source{}, "!oversized"},
		{"gzip bomb", gzipped(strings.Repeat(" ", maxExpanded+1)), Source{}, "!oversized"},
		{"Avro", "\x00\x00\x00\x00\x07\x02\x0calice\x00", Source{}, "!unknown_format"},
		{"other format than configured", a, Source{Format: "keycloak"}, "!unknown_format"},
		{"log line without a date", `12:00:00,000 WARN [org.keycloak.events] type="LOGIN", realmId="r", userId="u"`, Source{}, "!no_time"},
		{"control characters", "\x01\x02\x03", Source{}, "!unknown_format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.source.Topic = "idp.test"
			if c.name == "arrays in arrays without end" {
				for _, r := range results(t, c.source, []byte(c.record)) {
					if !strings.HasPrefix(r, "!") {
						t.Errorf("an event from brackets: %q", r)
					}
				}
				return
			}
			if got := strings.Join(results(t, c.source, []byte(c.record)), " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestOneRecordCannotHoldEndlessElements(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		want int
	}{{"as many as allowed", maxElements, maxElements}, {"more", maxElements + 500, maxElements + 1}} {
		t.Run(c.name, func(t *testing.T) {
			var record strings.Builder
			for i := range c.n {
				record.WriteString(oktaSample(strconv.Itoa(i)))
			}
			got := results(t, Source{Topic: "idp.test"}, []byte(record.String()))
			if len(got) != c.want {
				t.Fatalf("%d results, want %d", len(got), c.want)
			}
			if last := got[len(got)-1]; (last == "!"+TooManyElements) != (c.n > maxElements) {
				t.Errorf("last result %q", last)
			}
		})
	}
}

// TestECSWithPlainMessage guards the line between an event in ECS and one that
// is merely shipped in ECS.
func TestECSWithPlainMessage(t *testing.T) {
	for _, message := range []string{"user alice logged in", `{"not":"an event"}`, `{broken`, `see {"x":1}`} {
		record := `{"@timestamp":"2026-03-04T12:00:00Z","event":{"id":"e","action":"user_login","category":["authentication"],"outcome":"success"},` +
			`"user":{"name":"alice"},"source":{"ip":"203.0.113.7"},"message":` + quote(message) + `}`
		if got := strings.Join(results(t, Source{Topic: "idp.test"}, []byte(record)), " "); got != "e" {
			t.Errorf("message %q: got %q, want the ECS event", message, got)
		}
	}
}

// TestUnwrapTakesLinearTime: what is cheap to send must be cheap to refuse. Each
// record takes milliseconds; with n² work it would take minutes and time out.
func TestUnwrapTakesLinearTime(t *testing.T) {
	for name, unit := range map[string]string{
		"values behind each other": "{}",
		"array of values":          "[{},",
		"broken lines":             "{\"a\":\"\n",
		"open objects":             "{\"a\":[\n",
		"lines of text":            "x{\n",
		"strings":                  `"\"`,
	} {
		t.Run(name, func(t *testing.T) {
			record := []byte(strings.Repeat(unit, (4<<20)/len(unit)))
			for _, r := range results(t, Source{Topic: "idp.test"}, record) {
				if !strings.HasPrefix(r, "!") {
					t.Fatalf("an event from nothing: %s", r)
				}
			}
		})
	}
}
