package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

func TestValidateNamesEachWrongKey(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       []string // keys
	}{
		{"empty", ``, nil},
		{"full", `{brokers: ["a:1", "[::1]:9092"], topic_prefix: eu-1., partitions: 3, replication_factor: 3, tls: {enabled: true, ca: c, cert: c, key: k, server_name: n}, sasl: {mechanism: SCRAM-SHA-512, username: u, password: p}}`, nil},
		{"oauth with a token", `sasl: {mechanism: OAUTHBEARER, token: t}`, nil},
		{"oauth with client credentials", `sasl: {mechanism: OAUTHBEARER, token_url: "https://idp.example/token", client_id: c, client_secret: s, scope: kafka}`, nil},
		{"oauth on this machine", `sasl: {mechanism: OAUTHBEARER, token_url: "http://127.0.0.1:1/token", client_id: c, client_secret: s}`, nil},
		{"no brokers", `brokers: []`, []string{"kafka.brokers"}},
		{"brokers", `brokers: ["a", "a:0", ":9092", "http://a:1", "a:1"]`, []string{"kafka.brokers", "kafka.brokers", "kafka.brokers", "kafka.brokers"}},
		{"all at once", `{topic_prefix: "a/b", partitions: 0, replication_factor: 0}`, []string{"kafka.topic_prefix", "kafka.partitions", "kafka.replication_factor"}},
		{"too many partitions", `partitions: 5000`, []string{"kafka.partitions"}},
		{"tls off but set", `tls: {ca: c}`, []string{"kafka.tls.enabled"}},
		{"half a certificate", `tls: {enabled: true, cert: c}`, []string{"kafka.tls.cert"}},
		{"sasl without mechanism", `sasl: {username: u}`, []string{"kafka.sasl.mechanism"}},
		{"unknown mechanism", `sasl: {mechanism: GSSAPI}`, []string{"kafka.sasl.mechanism"}},
		{"plain without account", `sasl: {mechanism: PLAIN}`, []string{"kafka.sasl.username", "kafka.sasl.password"}},
		{"oauth with nothing", `sasl: {mechanism: OAUTHBEARER}`, []string{"kafka.sasl.token_url"}},
		{"oauth with both", `sasl: {mechanism: OAUTHBEARER, token: t, token_url: "https://x/y"}`, []string{"kafka.sasl.token_url"}},
		{"oauth in clear text", `sasl: {mechanism: OAUTHBEARER, token_url: "http://idp.example/token"}`, []string{"kafka.sasl.token_url", "kafka.sasl.client_id", "kafka.sasl.client_secret"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := DefaultKafkaConfig()
			if err := yaml.Unmarshal([]byte(tt.yaml), &config); err != nil {
				t.Fatal(err)
			}
			var keys []string
			for _, err := range config.Validate() {
				keys = append(keys, err.(*FieldError).Key)
			}
			if diff := cmp.Diff(tt.want, keys); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "hunter2-hunter2"
	config := DefaultKafkaConfig()
	config.SASL = SASLConfig{Mechanism: "WRONG", Username: "u", Password: secret, Token: secret, ClientSecret: secret}

	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("config", "kafka", config, "password", config.SASL.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "kafka", config.SASL.Password)
	asJSON, err := json.Marshal(config.SASL.Password)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(map[string]any{"password": config.SASL.Password, "token": config.SASL.Token})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{
		"log": log.String(), "JSON": string(asJSON), "YAML": string(asYAML),
		"%v": fmt.Sprintf("%v", config), "%+v": fmt.Sprintf("%+v", config), "%#v": fmt.Sprintf("%#v", config), "String": config.SASL.Password.String(), "%q": fmt.Sprintf("%q", config.SASL.Password),
	}
	for _, mechanism := range append(Mechanisms[:], "WRONG", "") {
		config.SASL.Mechanism, config.SASL.TokenURL = mechanism, "ftp://u:"+secret+"@idp.example"
		shown["Validate with "+mechanism] = fmt.Sprint(config.Validate())
	}
	for how, text := range shown {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the secret: %s", how, text)
		}
	}
	if config.SASL.Password.Reveal() != secret {
		t.Error("Reveal does not return the secret")
	}
}

func TestClearTextPasswordIsWarnedOf(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		var log bytes.Buffer
		config := DefaultKafkaConfig()
		config.TLS.Enabled = encrypted
		config.SASL = SASLConfig{Mechanism: MechanismPlain, Username: "u", Password: "p"}
		if _, err := config.ClientOptions(slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(log.String(), "clear text"); warned == encrypted {
			t.Errorf("TLS %t: warned %t", encrypted, warned)
		}
	}
}

func TestMissingFilesAreErrors(t *testing.T) {
	for _, tls := range []TLSConfig{{Enabled: true, CA: "absent.pem"}, {Enabled: true, CA: "config.go"}, {Enabled: true, Cert: "absent.pem", Key: "absent.key"}} {
		config := DefaultKafkaConfig()
		config.TLS = tls
		_, err := config.ClientOptions(slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "kafka.tls.") {
			t.Errorf("%+v: error %v, want one that names the key", tls, err)
		}
	}
}

func TestTokensAreFetchedOnceAndRenewed(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		if id != "client" || secret != "s%2Fcret" || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "kafka" {
			t.Errorf("asked with %s, %s, %v", id, secret, r.PostForm)
		}
		fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":100}`, asked)
	}))
	defer server.Close()
	now := time.Unix(1_000_000, 0)
	source := &tokenSource{
		config: SASLConfig{TokenURL: server.URL, ClientID: "client", ClientSecret: "s/cret", Scope: "kafka"},
		client: server.Client(), now: func() time.Time { return now },
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "token-1"}, {79 * time.Second, "token-1"}, {time.Second, "token-2"}} {
		now = now.Add(step.after)
		if got, err := source.token(t.Context()); err != nil || got != step.want {
			t.Errorf("token %q, error %v; want %s", got, err, step.want)
		}
	}
}

func TestTokenErrorsSayWhatButNoSecret(t *testing.T) {
	const secret = "hunter2"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"refused", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
		}, "401 invalid_client"},
		{"echo", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"`+secret+`"}`)
		}, "400 without an error code"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, "307"},
		{"no token", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }, "without access_token"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"access_token":"`+strings.Repeat("x", 2*maxTokenBytes)+`"}`)
		}, "without access_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.handler)
			defer server.Close()
			config := SASLConfig{Mechanism: MechanismOAuth, TokenURL: server.URL, ClientID: "c", ClientSecret: secret}
			_, _, err := config.oauth().Authenticate(t.Context(), "")
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v, want one with %q and without the secret", err, tt.want)
			}
		})
	}
}
