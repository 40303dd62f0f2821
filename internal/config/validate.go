package config

import (
	"fmt"
	"net"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/ingest"
)

var reflectConfig = reflect.TypeFor[Config]()

// validate checks what types alone do not. Each problem names its key first,
// and is placed where the file has that key.
func (c *Config) validate(check *checker, root *yaml.Node) {
	place := func(section string, errs []error) {
		for _, err := range errs {
			key, _, _ := strings.Cut(err.Error(), ":")
			if !strings.HasPrefix(key, section) {
				key = section
			}
			node := locate(root, key)
			check.errs = append(check.errs, &Error{check.file, max(node.Line, 1), max(node.Column, 1), err.Error()})
		}
	}
	place("kafka", c.Kafka.Validate())
	place("detectors", c.Detectors.Validate())
	place("scoring", c.Scoring.Validate())
	c.validateSources(check, root)

	if c.Engine.Workers < 1 || c.Engine.Workers > 1024 {
		place("engine.workers", []error{fmt.Errorf("engine.workers: %d; want 1 to 1024", c.Engine.Workers)})
	}
	if c.Engine.MaxSubjects < 1000 {
		place("engine.max_subjects", []error{fmt.Errorf("engine.max_subjects: %d; want at least 1000", c.Engine.MaxSubjects)})
	}
	if _, _, err := net.SplitHostPort(c.HTTP.Listen); err != nil {
		place("http.listen", []error{fmt.Errorf("http.listen: %q is not host:port", c.HTTP.Listen)})
	}
}

func (c *Config) validateSources(check *checker, root *yaml.Node) {
	list := locate(root, "sources")
	topics := map[string]bool{}
	for i := range c.Sources {
		node := list
		if i < len(list.Content) {
			node = list.Content[i]
		}
		source := &c.Sources[i]
		switch {
		case source.Topic == "":
			check.fail(node, "sources[%d]: topic is missing", i)
		case topics[source.Topic]:
			check.fail(node, "sources[%d]: topic %s is listed twice; one topic has one format", i, source.Topic)
		}
		topics[source.Topic] = true
		if _, err := ingest.NewParser(*source, ingest.Options{}); err != nil {
			check.fail(node, "sources[%d]: %v", i, err)
		}
	}
}

// override takes brokers and secrets from the environment, so that they need
// not stand in a file.
func (c *Config) override(env func(string) (string, bool)) {
	for name, into := range map[string]*string{
		"RISKSTREAM_KAFKA_SASL_USERNAME":      &c.Kafka.SASL.Username,
		"RISKSTREAM_KAFKA_SASL_PASSWORD":      (*string)(&c.Kafka.SASL.Password),
		"RISKSTREAM_KAFKA_SASL_TOKEN":         (*string)(&c.Kafka.SASL.Token),
		"RISKSTREAM_KAFKA_SASL_CLIENT_SECRET": (*string)(&c.Kafka.SASL.ClientSecret),
	} {
		if value, set := env(name); set {
			*into = value
		}
	}
	if brokers, set := env("RISKSTREAM_KAFKA_BROKERS"); set {
		c.Kafka.Brokers = strings.Split(brokers, ",")
	}
}
