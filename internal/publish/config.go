package publish

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// KafkaConfig is the kafka section of the configuration file.
type KafkaConfig struct {
	Brokers           []string   `yaml:"brokers"` // host:port, to start from
	TLS               TLSConfig  `yaml:"tls"`
	SASL              SASLConfig `yaml:"sasl"`
	TopicPrefix       string     `yaml:"topic_prefix"`       // stands before riskstream's own topics, not before sources
	Partitions        int32      `yaml:"partitions"`         // of riskstream's topics
	ReplicationFactor int16      `yaml:"replication_factor"` // of riskstream's topics; -1 is the broker's default
}

// TLSConfig encrypts the connection, and authenticates with a certificate when
// Cert and Key are set. There is no way to skip the broker's verification: CA
// names a private authority's certificate instead.
type TLSConfig struct {
	Enabled    bool   `yaml:"enabled"`
	CA         string `yaml:"ca"`          // PEM file; the system's authorities when empty
	Cert       string `yaml:"cert"`        // PEM file
	Key        string `yaml:"key"`         // PEM file
	ServerName string `yaml:"server_name"` // when it is not the broker's host name
}

// SASLConfig authenticates with a password or token. Password, Token and
// ClientSecret are better given through the environment than in the file.
type SASLConfig struct {
	Mechanism string `yaml:"mechanism"` // one of Mechanisms; no SASL when empty

	Username string `yaml:"username"` // PLAIN, SCRAM
	Password Secret `yaml:"password"`

	// OAUTHBEARER takes a fixed token, or fetches tokens from TokenURL with
	// OAuth 2.0 client credentials.
	Token        Secret `yaml:"token"`
	TokenURL     string `yaml:"token_url"`
	ClientID     string `yaml:"client_id"`
	ClientSecret Secret `yaml:"client_secret"`
	Scope        string `yaml:"scope"`
}

// SASL mechanisms.
const (
	MechanismPlain    = "PLAIN"
	MechanismSCRAM256 = "SCRAM-SHA-256"
	MechanismSCRAM512 = "SCRAM-SHA-512"
	MechanismOAuth    = "OAUTHBEARER"
)

// Mechanisms lists what kafka.sasl.mechanism may be.
var Mechanisms = [...]string{MechanismPlain, MechanismSCRAM256, MechanismSCRAM512, MechanismOAuth}

// DefaultKafkaConfig is a broker on this machine.
func DefaultKafkaConfig() KafkaConfig {
	return KafkaConfig{Brokers: []string{"localhost:9092"}, Partitions: 8, ReplicationFactor: -1}
}

// FieldError is a problem with one key of the configuration file.
type FieldError struct {
	Key string // dotted path from the file's root
	Msg string // what is wrong and what is wanted; never holds a secret
}

func (e *FieldError) Error() string { return e.Key + ": " + e.Msg }

// maxPartitions is a plausibility bound: a topic beyond it is a typing error
// that would burden every broker.
const maxPartitions = 4096

// maxPrefix leaves room for the rest of a topic's name, of at most 249 bytes.
const maxPrefix = 200

var topicChars = regexp.MustCompile(`^[a-zA-Z0-9._-]*$`)

// Validate returns every problem, each a *FieldError. It opens no files and no
// connections.
func (c KafkaConfig) Validate() []error {
	var p problems
	if len(c.Brokers) == 0 {
		p.add("kafka.brokers", "is empty; name at least one broker as host:port")
	}
	for _, broker := range c.Brokers {
		if !isHostPort(broker) {
			p.add("kafka.brokers", "%.100q is not host:port", broker)
		}
	}
	if !topicChars.MatchString(c.TopicPrefix) || len(c.TopicPrefix) > maxPrefix {
		p.add("kafka.topic_prefix", "%.100q: want at most %d letters, digits, dots, underscores and hyphens", c.TopicPrefix, maxPrefix)
	}
	if c.Partitions < 1 || c.Partitions > maxPartitions {
		p.add("kafka.partitions", "is %d; want 1 to %d", c.Partitions, maxPartitions)
	}
	if c.ReplicationFactor < 1 && c.ReplicationFactor != -1 {
		p.add("kafka.replication_factor", "is %d; want a number of brokers, or -1 for the brokers' default", c.ReplicationFactor)
	}
	c.TLS.validate(&p)
	c.SASL.validate(&p)
	return p
}

func (c TLSConfig) validate(p *problems) {
	if !c.Enabled && c != (TLSConfig{}) {
		p.add("kafka.tls.enabled", "is false, but other keys of kafka.tls are set; set it to true or remove them")
	}
	if (c.Cert == "") != (c.Key == "") {
		p.add("kafka.tls.cert", "and kafka.tls.key belong together: set both or neither")
	}
}

func (c SASLConfig) validate(p *problems) {
	switch c.Mechanism {
	case "":
		if c != (SASLConfig{}) {
			p.add("kafka.sasl.mechanism", "is missing, but other keys of kafka.sasl are set; want one of %s", strings.Join(Mechanisms[:], ", "))
		}
	case MechanismOAuth:
		c.validateOAuth(p)
	default:
		if !slices.Contains(Mechanisms[:], c.Mechanism) {
			p.add("kafka.sasl.mechanism", "%.40q is unknown; want one of %s", c.Mechanism, strings.Join(Mechanisms[:], ", "))
			return
		}
		if c.Username == "" {
			p.add("kafka.sasl.username", "is missing; %s needs it", c.Mechanism)
		}
		if c.Password == "" {
			p.add("kafka.sasl.password", "is missing; %s needs it (better from the environment: RISKSTREAM_KAFKA_SASL_PASSWORD)", c.Mechanism)
		}
	}
}

func (c SASLConfig) validateOAuth(p *problems) {
	if (c.Token == "") == (c.TokenURL == "") {
		p.add("kafka.sasl.token_url", "or kafka.sasl.token: OAUTHBEARER needs one of the two")
		return
	}
	if c.Token != "" {
		return
	}
	if !isTokenURL(c.TokenURL) {
		p.add("kafka.sasl.token_url", "wants an https:// address (http:// only on this machine): the client secret is sent there")
	}
	if c.ClientID == "" {
		p.add("kafka.sasl.client_id", "is missing; kafka.sasl.token_url needs it")
	}
	if c.ClientSecret == "" {
		p.add("kafka.sasl.client_secret", "is missing; kafka.sasl.token_url needs it (better from the environment: RISKSTREAM_KAFKA_SASL_CLIENT_SECRET)")
	}
}

type problems []error

func (p *problems) add(key, format string, args ...any) {
	*p = append(*p, &FieldError{key, fmt.Sprintf(format, args...)})
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || strings.ContainsAny(host, "/ ") {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n <= 65535
}

func isTokenURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
	return u.Scheme == "https" || (u.Scheme == "http" && loopback)
}
