package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/scoring"
)

func noEnv(string) (string, bool) { return "", false }

func parse(t *testing.T, text string) *Config {
	t.Helper()
	cfg, err := Parse("riskstream.yaml", []byte(text), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestAFileWithoutKeysIsTheDefaults(t *testing.T) {
	want := Default()
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "{}\n", "kafka:\nsources:\n", "\ufeff"} {
		cfg := parse(t, text)
		cfg.file, cfg.root = "", nil
		if diff := cmp.Diff(fmt.Sprintf("%#v", *want), fmt.Sprintf("%#v", *cfg)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestValuesArrive(t *testing.T) {
	cfg := parse(t, `
kafka: {brokers: [a:1, "b:2"], topic_prefix: eu., partitions: 16}
sources:
  - {topic: idp.okta, format: okta, tenant: emea}
  - topic: gate
    format: gate
    mapping: {time: raw.at, action: sign_in}
detectors:
  impossible_travel: {min_speed_kmh: 1000}
  new_device: {enabled: false}
scoring: {caps: {network: 3}, weights: {new_device: {llr: 1.5, half_life: 12h}}}
policies:
  - {name: vip, when: user.privileged == "yes", decision: step_up}
rules: {builtin: false}
http: {listen: "0.0.0.0:1"}
engine: {workers: 3, keep_original: true}
`)
	if got := cfg.Kafka.Brokers; !slices.Equal(got, []string{"a:1", "b:2"}) {
		t.Errorf("brokers %v", got)
	}
	if cfg.Kafka.Partitions != 16 || cfg.Kafka.ReplicationFactor != -1 {
		t.Errorf("given and default values do not stand beside each other: %+v", cfg.Kafka)
	}
	if len(cfg.Sources) != 2 || cfg.Sources[0].Tenant != "emea" || cfg.Sources[1].Mapping == nil {
		t.Errorf("sources %+v", cfg.Sources)
	}
	d := cfg.Detectors
	if d.ImpossibleTravel.MinSpeedKMH != 1000 || d.ImpossibleTravel.MinDistanceKM != 500 || d.NewDevice.Enabled || !d.NewCountry.Enabled {
		t.Errorf("detectors %+v", d)
	}
	w := cfg.Scoring.Weights["new_device"]
	if *w.LLR != 1.5 || *w.HalfLife != 12*time.Hour || cfg.Scoring.Caps[event.GroupNetwork] != 3 || cfg.Scoring.Caps[event.GroupSession] != 7.5 {
		t.Errorf("scoring %+v", cfg.Scoring)
	}
	if len(cfg.Policies) != 1 || cfg.Policies[0].Decision != event.StepUp || *cfg.Rules.Builtin || cfg.Engine.Workers != 3 || !cfg.Engine.KeepOriginal {
		t.Errorf("%+v", cfg)
	}
}

// TestErrors has a mistake in each file, and what must be said of it.
func TestErrors(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"unknown key":            {"kafka:\n  broker: [a:1]\n", "c.yaml:2:3: unknown key kafka.broker; known here: brokers, tls"},
		"unknown section":        {"kafak: {}\n", "c.yaml:1:1: unknown key kafak; known here: kafka, sources"},
		"unknown key in a list":  {"sources:\n  - {topic: a, fromat: okta}\n", "c.yaml:2:16: unknown key sources[0].fromat"},
		"key given twice":        {"http: {}\nhttp: {}\n", "c.yaml:2:1: http is given twice"},
		"name given twice":       {"scoring:\n  caps: {device: 1, device: 2}\n", "c.yaml:2:21: scoring.caps.device is given twice"},
		"text for a number":      {"kafka: {partitions: many}\n", `c.yaml:1:21: kafka.partitions: "many" is not a whole number`},
		"number out of range":    {"kafka: {partitions: 99999999999}\n", `c.yaml:1:21: kafka.partitions: "99999999999" is not a whole number in range`},
		"text for a list":        {"kafka: {brokers: a:1}\n", "c.yaml:1:18: kafka.brokers: want a list"},
		"list for a text":        {"directory: [a]\n", "c.yaml:1:12: directory: want a text"},
		"text for a section":     {"kafka: localhost\n", "c.yaml:1:8: kafka: want keys and values"},
		"list for the file":      {"- kafka\n", "c.yaml:1:1: configuration: want keys and values"},
		"duration without unit":  {"detectors: {learning: {age: 14}}\n", `c.yaml:1:29: detectors.learning.age: "14" is not a duration, such as 90s`},
		"yes for true":           {"detectors: {new_device: {enabled: maybe}}\n", `"maybe" is not true or false`},
		"value out of range":     {"detectors:\n  impossible_travel:\n    min_speed_kmh: 5\n", "c.yaml:3:20: detectors.impossible_travel.min_speed_kmh: 5 is not in"},
		"broker without port":    {"kafka:\n  brokers: [a]\n", `c.yaml:2:12: kafka.brokers: "a" is not host:port`},
		"listen without port":    {"http: {listen: localhost}\n", `c.yaml:1:16: http.listen: "localhost" is not host:port`},
		"no workers":             {"engine: {workers: 0}\n", "c.yaml:1:19: engine.workers: 0; want 1 to 1024"},
		"unknown format":         {"sources:\n  - topic: a\n    format: octa\n", `c.yaml:3:13: sources[0].format: format "octa" is unknown`},
		"source without topic":   {"sources:\n  - format: okta\n", "c.yaml:2:5: sources[0]: topic is missing"},
		"topic twice":            {"sources:\n  - topic: a\n  - topic: a\n", "c.yaml:3:12: sources[1].topic: a is listed twice"},
		"riskstream's own topic": {"kafka: {topic_prefix: x.}\nsources: [{topic: x.risk.events}]\n", "c.yaml:2:19: sources[0].topic: x.risk.events is what riskstream writes itself"},
		"mapping":                {"sources:\n  - topic: a\n    mapping: {time: raw.at, action: sgn_in}\n", "c.yaml:3:37: unknown name sgn_in"},
		"policy without a key":   {"policies:\n  - {name: a, decision: allow}\n", "c.yaml:2:5: when is missing"},
		"policy decision":        {"policies:\n  - {name: a, when: 'true', decision: block}\n", "c.yaml:2:39: decision \"block\""},
		"weight of nothing":      {"scoring:\n  weights:\n    new_devise: {llr: 1}\n", "c.yaml:3:17: scoring.weights.new_devise: no such detector"},
		"file that is not there": {"geoip:\n  city: nowhere.mmdb\n", "c.yaml:2:9: geoip.city: nowhere.mmdb: no such file"},
		"broken YAML":            {"kafka: {}\nhttp: [\nengine: {}\n", "c.yaml:2:1: did not find expected"},
		"tab":                    {"kafka:\n\tbrokers: [a:1]\n", "c.yaml:2:1: found character that cannot start any token"},
		"two documents":          {"kafka: {}\n---\nhttp: {}\n", "c.yaml:2:1: a second document begins here"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(tt.text), noEnv)
			if err == nil {
				t.Fatal("no error")
			}
			if lines := strings.Split(err.Error(), "\nc.yaml:"); len(lines) != 1 {
				t.Errorf("one mistake gives %d errors:\n%v", len(lines), err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEveryErrorAtOnceInTheOrderOfTheFile(t *testing.T) {
	cfg, err := Parse("c.yaml", []byte(`
engine: {workers: 0}
kafka:
  brokers: [nowhere]
  partition: 8
sources:
  - {topic: a, format: octa}
  - {topic: b, format: okta, tenent: x}
  - {topic: a, format: okta}
detectors: {learning: {quiet: 1s}}
policies:
  - {name: a, when: 'score > 1', decision: block}
`), noEnv)
	if err == nil {
		t.Fatal("no error")
	}
	var places []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		place, _, _ := strings.Cut(line, ": ")
		places = append(places, place)
	}
	want := []string{"c.yaml:2:19", "c.yaml:4:12", "c.yaml:5:3", "c.yaml:7:24", "c.yaml:8:30", "c.yaml:9:13", "c.yaml:10:31", "c.yaml:12:44"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("(-want +got)\n%s\n%v", diff, err)
	}
	if cfg == nil || len(cfg.Policies) != 1 {
		t.Error("what can be read is not there for further checks")
	}
}

// TestPolicyErrorsHaveColumns: a policy is compiled later, and its error must
// still name the place in the file.
func TestPolicyErrorsHaveColumns(t *testing.T) {
	cfg := parse(t, `policies:
  - name: block
    when: |
      score > 40 &&
        levle == "high"
    decision: step_up
  - {name: line, when: score > "x", decision: allow}
`)
	_, err := scoring.New(cfg.Scoring, cfg.Policies)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"riskstream.yaml:5:9: unknown name levle", "riskstream.yaml:7:30: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

func TestPlaceFindsTheKeyThatAProblemNames(t *testing.T) {
	cfg := parse(t, "rules:\n  paths: [a, b]\ngeoip:\n  lists:\n    - {path: x, anonymizer: y}\n")
	err := cfg.Place(fmt.Errorf("%w\n%w\n%w", fmt.Errorf("rules.paths: a matches no file"),
		fmt.Errorf("geoip.lists[0]: anonymizer is wrong"), fmt.Errorf("rules.yaml:1:2: of a file that is named like a section")))
	want := "riskstream.yaml:2:10: rules.paths: a matches no file\n" +
		"riskstream.yaml:5:7: geoip.lists[0]: anonymizer is wrong\n" +
		"rules.yaml:1:2: of a file that is named like a section"
	if got := err.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPathsAreRelativeToTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "conf", "riskstream.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		file: "directory: people.yaml\nrules: {paths: [rules, /etc/rules]}\n",
		filepath.Join(dir, "conf", "people.yaml"): "",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(dir, "conf", "people.yaml"); cfg.Directory != want {
		t.Errorf("directory %s, want %s", cfg.Directory, want)
	}
	if want := []string{filepath.Join(dir, "conf", "rules"), "/etc/rules"}; !slices.Equal(cfg.Rules.Paths, want) {
		t.Errorf("rules.paths %v, want %v", cfg.Rules.Paths, want)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory is no configuration")
	}
}

func TestEnvironmentOverrides(t *testing.T) {
	env := map[string]string{
		"RISKSTREAM_KAFKA_BROKERS":            "a:1, b:2",
		"RISKSTREAM_KAFKA_SASL_USERNAME":      "me",
		"RISKSTREAM_KAFKA_SASL_PASSWORD":      "hunter2",
		"RISKSTREAM_KAFKA_SASL_CLIENT_SECRET": "", // as compose passes what is not set
	}
	text := "kafka:\n  brokers: [c:3]\n  sasl: {mechanism: PLAIN, password: old, username: you}\n"
	lookup := func(name string) (string, bool) { v, is := env[name]; return v, is }
	cfg, err := Parse("c.yaml", []byte(text), lookup)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Kafka.Brokers, []string{"a:1", "b:2"}) || cfg.Kafka.SASL.Username != "me" || cfg.Kafka.SASL.Password.Reveal() != "hunter2" {
		t.Errorf("%+v", cfg.Kafka)
	}
	env["RISKSTREAM_KAFKA_BROKERS"] = "a"
	_, err = Parse("c.yaml", []byte(text), lookup)
	want := `environment variable RISKSTREAM_KAFKA_BROKERS: kafka.brokers: "a" is not host:port`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	for _, text := range []string{
		"kafka: {sasl: {mechanism: PLAIN, username: u, password: hunter2}}",
		"kafka: {sasl: {mechanism: NONE, username: u, password: hunter2, token: hunter2}}",
		"kafka: {sasl: {mechanism: OAUTHBEARER, token: hunter2, client_secret: hunter2, token_url: x}}",
		"kafka: {sasl: {mechanism: PLAIN, password: [hunter2]}}",
		"kafka: {sasl: {mechanism: PLAIN, password: {hunter2: a}}}",
		"kafka: {sasl: {mechanism: PLAIN, password: *hunter2}}",
		"kafka: {sasl: {mechanism: PLAIN, password: \"hunter2}}",
		"kafka: {sasl: hunter2}",
	} {
		cfg, err := Parse("c.yaml", []byte(text), noEnv)
		if shown := fmt.Sprint(err); strings.Contains(shown, "hunter2") {
			t.Errorf("%s\nshows the secret: %s", text, shown)
		}
		if cfg == nil {
			continue
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if shown := fmt.Sprintf(verb, cfg.Kafka); strings.Contains(shown, "hunter2") {
				t.Errorf("%s shows the secret: %s", verb, shown)
			}
		}
	}
}

// FuzzParse: any text gives a configuration or errors that name the file, and
// what is read of a wrong one is still safe to use.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "kafka: {brokers: [a:1], sasl: {mechanism: PLAIN, username: u, password: p}}",
		"sources:\n  - {topic: a, format: okta}\n  - topic: b\n    mapping: {time: raw.t, action: sign_in}\n",
		"policies:\n  - {name: a, when: score > 1, decision: allow}\n  - 5\n",
		"scoring: {prior: 0.1, levels: {low: 1}, caps: {x: 1, x: 2}, weights: {new_device: {llr: x}}}",
		"geoip: {city: a, lists: [{path: b}]}\nrules: {paths: [a]}\n", "a: &a [*a]\n", "sources: &s\n  - {topic: a}\nkafka: *s\n",
		"<<: {kafka: {}}", "? [a]\n: b\n", "engine: {workers: 1e9}", "--- 1\n--- 2\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := Parse("c.yaml", []byte(text), noEnv)
		if err == nil && cfg == nil {
			t.Fatal("neither a configuration nor an error")
		}
		if err != nil && !strings.HasPrefix(err.Error(), "c.yaml:") {
			t.Errorf("the error does not say where: %v", err)
		}
		if cfg != nil {
			for i := range cfg.Sources {
				_ = cfg.Sources[i].Topic
			}
			if _, err := scoring.New(cfg.Scoring, nil); err != nil {
				t.Errorf("what is left of scoring does not work: %v", err)
			}
		}
	})
}

// TestReferenceIsComplete: docs/operations.md shows every key with its default.
func TestReferenceIsComplete(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	reference, _, _ := strings.Cut(rest, "```")
	cfg := parse(t, reference)
	cfg.file, cfg.root = "", nil
	want := Default()
	cfg.Sources, cfg.Policies, cfg.Rules, cfg.Scoring.Weights = nil, nil, Rules{}, nil // empty here, absent there
	if diff := cmp.Diff(fmt.Sprintf("%#v", *want), fmt.Sprintf("%#v", *cfg)); diff != "" {
		t.Errorf("not the defaults (-want +got):\n%s", diff)
	}
	for _, key := range keysOf(reflect.TypeFor[Config]()) {
		if !strings.Contains(reference, key+":") {
			t.Errorf("%s is missing", key)
		}
	}
}

// keysOf lists the YAML keys of a type and of all in it.
func keysOf(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return keysOf(t.Elem())
	case reflect.Struct:
		for key, field := range yamlFields(t) {
			keys = append(keys, key)
			keys = append(keys, keysOf(field)...)
		}
	}
	return keys
}
