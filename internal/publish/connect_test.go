package publish

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// authority signs certificates and lies in a PEM file.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	var der []byte
	a.key, der = a.sign(template)
	a.cert, _ = x509.ParseCertificate(der)
	a.file = a.write("CERTIFICATE", der)
	return a
}

// sign makes a key and its certificate; the authority's own is self-signed.
func (a *authority) sign(template *x509.Certificate) (*ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, der
}

func (a *authority) write(kind string, der []byte) (file string) {
	a.t.Helper()
	file = filepath.Join(a.t.TempDir(), strings.ReplaceAll(kind, " ", "-")+".pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// issue makes a certificate of the broker on this machine, or of a client.
func (a *authority) issue(name string) (certFile, keyFile string) {
	a.t.Helper()
	key, der := a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write("CERTIFICATE", der), a.write("PRIVATE KEY", raw)
}

// serverTLS is the broker's side; it asks for the client's certificate when
// mutual.
func (a *authority) serverTLS(mutual bool) *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue("kafka.test"))
	if err != nil {
		a.t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if mutual {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(a.cert)
	}
	return config
}

const password = "hunter2-hunter2"

// The whole way from the configuration to topics on a broker, and where it
// fails an error that says what to look at, without a secret.
func TestConnects(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	cert, key := ca.issue("client")
	strangeCert, strangeKey := stranger.issue("client")
	account := func(mechanism, secret string) SASLConfig {
		return SASLConfig{Mechanism: mechanism, Username: "u", Password: Secret(secret)}
	}
	encrypted := TLSConfig{Enabled: true, CA: ca.file}
	const clear, oneWay, mutual = 0, 1, 2
	tests := []struct {
		name     string
		broker   int
		accounts bool // the broker asks for an account
		tls      TLSConfig
		sasl     SASLConfig
		want     string // in the error; "" for success
	}{
		{"PLAIN", clear, true, TLSConfig{}, account(MechanismPlain, password), ""},
		{"SCRAM-SHA-256", clear, true, TLSConfig{}, account(MechanismSCRAM256, password), ""},
		{"SCRAM-SHA-512", clear, true, TLSConfig{}, account(MechanismSCRAM512, password), ""},
		{"TLS", oneWay, false, encrypted, SASLConfig{}, ""},
		{"TLS with another name", oneWay, false, TLSConfig{Enabled: true, CA: ca.file, ServerName: "kafka.test"}, SASLConfig{}, ""},
		{"TLS and PLAIN", oneWay, true, encrypted, account(MechanismPlain, password), ""},
		{"TLS and SCRAM-SHA-256", oneWay, true, encrypted, account(MechanismSCRAM256, password), ""},
		{"TLS and SCRAM-SHA-512", oneWay, true, encrypted, account(MechanismSCRAM512, password), ""},
		{"mutual TLS", mutual, false, TLSConfig{Enabled: true, CA: ca.file, Cert: cert, Key: key}, SASLConfig{}, ""},
		{"mutual TLS and SCRAM-SHA-512", mutual, true, TLSConfig{Enabled: true, CA: ca.file, Cert: cert, Key: key}, account(MechanismSCRAM512, password), ""},

		{"PLAIN with a wrong password", clear, true, TLSConfig{}, account(MechanismPlain, password+"x"), "credentials in kafka.sasl"},
		{"SCRAM-SHA-256 with a wrong password", oneWay, true, encrypted, account(MechanismSCRAM256, password+"x"), "credentials in kafka.sasl"},
		{"SCRAM-SHA-512 with a wrong password", oneWay, true, encrypted, account(MechanismSCRAM512, password+"x"), "credentials in kafka.sasl"},
		{"no account", clear, true, TLSConfig{}, SASLConfig{}, "kafka.sasl"},
		{"another authority", oneWay, false, TLSConfig{Enabled: true, CA: stranger.file}, SASLConfig{}, "kafka.tls.ca"},
		{"the system's authorities", oneWay, false, TLSConfig{Enabled: true}, SASLConfig{}, "kafka.tls.ca"},
		{"a wrong name", oneWay, false, TLSConfig{Enabled: true, CA: ca.file, ServerName: "other.test"}, SASLConfig{}, "kafka.tls.server_name"},
		{"clear text to a broker with TLS", oneWay, false, TLSConfig{}, SASLConfig{}, "kafka.tls.enabled"},
		{"mutual TLS without a certificate", mutual, false, encrypted, SASLConfig{}, "kafka.tls.cert"},
		{"mutual TLS with a stranger's certificate", mutual, false, TLSConfig{Enabled: true, CA: ca.file, Cert: strangeCert, Key: strangeKey}, SASLConfig{}, "kafka.tls.cert"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := []kfake.Opt{kfake.NumBrokers(1)}
			if tt.broker != clear {
				opts = append(opts, kfake.TLS(ca.serverTLS(tt.broker == mutual)))
			}
			if tt.accounts {
				opts = append(opts, kfake.EnableSASL())
				for _, mechanism := range Mechanisms[:3] {
					opts = append(opts, kfake.Superuser(mechanism, "u", password))
				}
			}
			cluster, err := kfake.NewCluster(opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			if strings.HasSuffix(tt.name, "wrong password") {
				refuseAccounts(cluster)
			}
			config := DefaultKafkaConfig()
			config.Brokers, config.TLS, config.SASL, config.ReplicationFactor = cluster.ListenAddrs(), tt.tls, tt.sasl, 1
			if problems := config.Validate(); len(problems) > 0 {
				t.Fatal(problems)
			}
			var log bytes.Buffer
			err = ensure(t, config, slog.New(slog.NewTextHandler(&log, nil)))
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), config.Brokers[0])):
				t.Errorf("error %v, want one that names the broker and %s", err, tt.want)
			case tt.want != "":
				t.Log(err)
			}
			if shown := log.String() + errorText(err); strings.Contains(shown, password) {
				t.Errorf("the password is shown: %s", shown)
			}
		})
	}
}

// refuseAccounts makes the broker answer as Apache Kafka does; by itself it
// closes the connection.
func refuseAccounts(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		refused := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refused.ErrorCode = kerr.SaslAuthenticationFailed.Code
		refused.ErrorMessage = kmsg.StringPtr("Authentication failed: Invalid username or password")
		return refused, nil, true
	})
}

// ensure is what a start does first.
func ensure(t *testing.T, config KafkaConfig, log *slog.Logger) error {
	t.Helper()
	opts, err := config.ClientOptions(log)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := config.EnsureTopics(ctx, kadm.NewClient(client)); err != nil {
		return config.Explain(err)
	}
	return nil
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBrokersThatMayBeStartingAreToldFromAWrongConfiguration(t *testing.T) {
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	config := DefaultKafkaConfig()
	config.Brokers = []string{unused.Addr().String()}
	down := ensure(t, config, slog.New(slog.DiscardHandler))
	if !MayPass(down) || !strings.Contains(down.Error(), "is Kafka running there") || !strings.Contains(down.Error(), config.Brokers[0]) {
		t.Errorf("broker down: %v, may pass: %t", down, MayPass(down))
	}
	cluster := kfake.MustCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(MechanismPlain, "u", password))
	defer cluster.Close()
	refuseAccounts(cluster)
	config.Brokers = cluster.ListenAddrs()
	config.SASL = SASLConfig{Mechanism: MechanismPlain, Username: "u", Password: "wrong"}
	if wrong := ensure(t, config, slog.New(slog.DiscardHandler)); wrong == nil || MayPass(wrong) {
		t.Errorf("wrong password: %v, may pass: %t", wrong, MayPass(wrong))
	}
}
