//go:build realkafka

package publish

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// Every mechanism against Apache Kafka, in clear text and with TLS.
func TestRealBrokerAuthenticates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ca := newAuthority(t)
	clearAddr, tlsAddr := freeAddr(t), freeAddr(t)
	broker, err := kafkatest.StartReal(ctx, t.TempDir(), securedListeners(clearAddr, tlsAddr, keyStore(t, ca))...)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Kill()
	addScramUsers(ctx, t, broker.Addr)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != password {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":600}`, unsignedToken(time.Now()))
	}))
	defer issuer.Close()

	account := func(mechanism, secret string) SASLConfig {
		return SASLConfig{Mechanism: mechanism, Username: "u", Password: Secret(secret)}
	}
	client := func(secret string) SASLConfig {
		return SASLConfig{Mechanism: MechanismOAuth, TokenURL: issuer.URL, ClientID: "riskstream", ClientSecret: Secret(secret)}
	}
	encrypted := TLSConfig{Enabled: true, CA: ca.file}
	for _, tt := range []struct {
		name, addr string
		tls        TLSConfig
		sasl       SASLConfig
		want       string // in the error; "" for success
	}{
		{"PLAIN", clearAddr, TLSConfig{}, account(MechanismPlain, password), ""},
		{"SCRAM-SHA-256", clearAddr, TLSConfig{}, account(MechanismSCRAM256, password), ""},
		{"SCRAM-SHA-512", clearAddr, TLSConfig{}, account(MechanismSCRAM512, password), ""},
		{"OAUTHBEARER with a token", clearAddr, TLSConfig{}, SASLConfig{Mechanism: MechanismOAuth, Token: Secret(unsignedToken(time.Now()))}, ""},
		{"OAUTHBEARER with client credentials", clearAddr, TLSConfig{}, client(password), ""},
		{"TLS and PLAIN", tlsAddr, encrypted, account(MechanismPlain, password), ""},
		{"TLS and SCRAM-SHA-512", tlsAddr, encrypted, account(MechanismSCRAM512, password), ""},
		{"TLS and OAUTHBEARER", tlsAddr, encrypted, client(password), ""},

		{"PLAIN with a wrong password", clearAddr, TLSConfig{}, account(MechanismPlain, "no"+password), "credentials in kafka.sasl"},
		{"SCRAM-SHA-256 with a wrong password", tlsAddr, encrypted, account(MechanismSCRAM256, "no"+password), "credentials in kafka.sasl"},
		{"an expired token", clearAddr, TLSConfig{}, SASLConfig{Mechanism: MechanismOAuth, Token: Secret(unsignedToken(time.Now().Add(-time.Hour)))}, "kafka.sasl"},
		{"a wrong client secret", clearAddr, TLSConfig{}, client("no" + password), "kafka.sasl.token_url"},
		{"TLS to a listener without", clearAddr, encrypted, account(MechanismPlain, password), "kafka.tls.enabled"},
		{"clear text to a listener with TLS", tlsAddr, TLSConfig{}, account(MechanismPlain, password), "kafka.tls.enabled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := DefaultKafkaConfig()
			config.Brokers, config.TLS, config.SASL, config.TopicPrefix = []string{tt.addr}, tt.tls, tt.sasl, kafkatest.Prefix(t)
			if problems := config.Validate(); len(problems) > 0 {
				t.Fatal(problems)
			}
			err := ensure(t, config, slog.New(slog.DiscardHandler))
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want one that names %s", err, tt.want)
			case tt.want != "":
				t.Log(err)
			}
			if strings.Contains(errorText(err), password) {
				t.Errorf("the secret is shown: %v", err)
			}
		})
	}
	if t.Failed() {
		t.Log(broker.LogTail())
	}
}

// securedListeners are the broker's settings for two more listeners.
func securedListeners(clearAddr, tlsAddr, keyStore string) []string {
	settings := []string{
		"listeners=PLAINTEXT://${addr},CONTROLLER://${controller},SASL_PLAINTEXT://" + clearAddr + ",SASL_SSL://" + tlsAddr,
		"advertised.listeners=PLAINTEXT://${addr},SASL_PLAINTEXT://" + clearAddr + ",SASL_SSL://" + tlsAddr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL",
		"inter.broker.listener.name=PLAINTEXT",
		"sasl.enabled.mechanisms=" + strings.Join(Mechanisms[:], ","),
		"ssl.keystore.type=PEM",
		"ssl.keystore.location=" + keyStore,
	}
	for _, listener := range []string{"sasl_plaintext", "sasl_ssl"} {
		for mechanism, module := range map[string]string{
			"plain":         `plain.PlainLoginModule required user_u="` + password + `"`,
			"scram-sha-256": "scram.ScramLoginModule required",
			"scram-sha-512": "scram.ScramLoginModule required",
			"oauthbearer":   `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"`,
		} {
			settings = append(settings, "listener.name."+listener+"."+mechanism+".sasl.jaas.config=org.apache.kafka.common.security."+module+";")
		}
	}
	return settings
}

// keyStore is a file with the broker's key and certificate, as Kafka wants them.
func keyStore(t *testing.T, ca *authority) string {
	t.Helper()
	cert, key := ca.issue("kafka.test")
	var both []byte
	for _, file := range []string{key, cert} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	file := filepath.Join(t.TempDir(), "keystore.pem")
	if err := os.WriteFile(file, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func addScramUsers(ctx context.Context, t *testing.T, addr string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} { // Kafka takes one of a user at a time
		added, err := kadm.NewClient(client).AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
			{User: "u", Mechanism: mechanism, Iterations: 4096, Password: password},
		})
		if err == nil {
			err = added.Error()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// unsignedToken is a token of the kind that Apache Kafka takes when no issuer
// is configured: good for a quarter of an hour.
func unsignedToken(issued time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none"}`) + "." + part(fmt.Sprintf(`{"sub":"riskstream","iat":%d,"exp":%d}`, issued.Unix(), issued.Add(15*time.Minute).Unix())) + "."
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
