package publish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Explain adds to an error of a Kafka client which brokers it is about and
// what to look at. The error must not be nil.
func (c KafkaConfig) Explain(err error) error {
	brokers := strings.Join(c.Brokers, ", ")
	if hint := c.hint(err); hint != "" {
		return fmt.Errorf("kafka %s: %w (%s)", brokers, err, hint)
	}
	return fmt.Errorf("kafka %s: %w", brokers, err)
}

func (c KafkaConfig) hint(err error) string {
	var (
		unverified *tls.CertificateVerificationError
		notTLS     tls.RecordHeaderError
		network    *net.OpError
		firstRead  *kgo.ErrFirstReadEOF
	)
	switch {
	case errors.As(err, &unverified):
		return "check kafka.tls.ca, and kafka.tls.server_name if the certificate has another name"
	case errors.As(err, &notTLS):
		return "the broker does not speak TLS there: check the port, or kafka.tls.enabled"
	case errors.As(err, &network) && network.Op == "remote error":
		return "the broker refused the TLS handshake: check kafka.tls.cert and kafka.tls.key"
	case errors.As(err, &network) && network.Op == "dial":
		return "is Kafka running there? Check kafka.brokers"
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return "the broker does not offer kafka.sasl.mechanism " + c.SASL.Mechanism
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "check the credentials in kafka.sasl"
	case strings.Contains(err.Error(), "in oauth response"): // the client has no name for it
		return "the broker refused the token: check kafka.sasl.token, or client_id and scope"
	case strings.Contains(err.Error(), "invalid large response size"): // nor for this
		return "what answers there is not Kafka in clear text: check the port, or kafka.tls.enabled"
	case denied(err):
		return `docs/kafka.md, "Permissions", lists what riskstream needs`
	case errors.As(err, &firstRead), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the broker closed the connection: check kafka.tls.enabled and kafka.sasl against what it wants on this port"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time: check kafka.brokers and the network"
	}
	return ""
}

func denied(err error) bool {
	for _, code := range []error{kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// MayPass reports whether an error of a Kafka client can be one of brokers that
// are starting, and not one of the configuration.
func MayPass(err error) bool {
	var network *net.OpError
	var firstRead *kgo.ErrFirstReadEOF
	return errors.As(err, &network) && network.Op == "dial" ||
		errors.As(err, &firstRead) || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) ||
		kerr.IsRetriable(err)
}
