package publish

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/plugin/kslog"
)

// maxDecompressBatch bounds what one compressed batch may grow to. The
// client's own default, 1 GiB, would let one hostile batch end the process.
const maxDecompressBatch = 64 << 20

// metadataMaxAge is how long a topic or partition that was created later may
// go unnoticed. Kafka's usual 5 minutes would keep a new source waiting.
const metadataMaxAge = 30 * time.Second

// ClientOptions are the options of every Kafka client: where the brokers are
// and how to authenticate. The configuration must be valid; errors come from
// files that cannot be read. The client's warnings go to log.
func (c KafkaConfig) ClientOptions(log *slog.Logger) ([]kgo.Opt, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("riskstream"),
		kgo.WithLogger(ClientLog(log)),
		kgo.MaxDecompressBatchBytes(maxDecompressBatch),
		kgo.MetadataMaxAge(metadataMaxAge),
	}
	if c.TLS.Enabled {
		config, err := c.TLS.load()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(config))
	}
	if mechanism := c.SASL.mechanism(); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	if c.SASL.sentInClear() && !c.TLS.Enabled {
		log.Warn("Kafka credentials cross the network in clear text; set kafka.tls.enabled", "mechanism", c.SASL.Mechanism)
	}
	return opts, nil
}

// ClientLog passes a Kafka client's warnings to log.
func ClientLog(log *slog.Logger) kgo.Logger { return warnings{kslog.New(log)} }

// warnings keeps back what the client says at level info: every flush, every
// heartbeat, some twenty lines a second.
type warnings struct{ kgo.Logger }

// Level implements kgo.Logger.
func (w warnings) Level() kgo.LogLevel { return min(w.Logger.Level(), kgo.LogLevelWarn) }

func (c TLSConfig) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls.ca: %s holds no PEM certificate", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.cert and kafka.tls.key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func (c SASLConfig) mechanism() sasl.Mechanism {
	switch c.Mechanism {
	case MechanismPlain:
		return plain.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsMechanism()
	case MechanismSCRAM256:
		return scram.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsSha256Mechanism()
	case MechanismSCRAM512:
		return scram.Auth{User: c.Username, Pass: c.Password.Reveal()}.AsSha512Mechanism()
	case MechanismOAuth:
		return c.oauth()
	}
	return nil
}

// sentInClear reports whether the mechanism itself does not hide the secret.
func (c SASLConfig) sentInClear() bool {
	return c.Mechanism == MechanismPlain || c.Mechanism == MechanismOAuth
}
